//! How often a one-time code may be tried.

use latchkey_tests::{App, at_once, other_than};
use serde_json::json;

use super::{NUMBER, VERIFY, attempts_left, by_email, by_number, mailed};

#[tokio::test]
async fn five_wrong_codes_end_the_right_one() {
    let app = App::start().await;
    let more = json!({ "phoneNumber": NUMBER });
    app.person_with("ada@example.com", &more).await;
    for (name, to) in [
        (by_email("ada@example.com"), "ada@example.com"),
        (by_number(NUMBER), NUMBER),
    ] {
        let code = mailed(&app, &name, to).await.code();
        for left in [4, 3, 2, 1, 0] {
            let answer = app.try_otp(&name, other_than(&code)).await;
            assert_eq!(attempts_left(answer), left);
        }
        for code in [other_than(&code), &code] {
            app.try_otp(&name, code).await.problem(400, "code_expired");
        }
    }
}

#[tokio::test]
async fn asking_again_gives_no_more_tries() {
    let app = App::start().await;
    app.person("ada@example.com").await;
    let name = by_email("ada@example.com");
    let first = mailed(&app, &name, "ada@example.com").await.code();
    for left in [4, 3] {
        let answer = app.try_otp(&name, other_than(&first)).await;
        assert_eq!(attempts_left(answer), left);
    }
    app.advance(60).await;
    let second = mailed(&app, &name, "ada@example.com").await.code();
    for left in [2, 1, 0] {
        let answer = app.try_otp(&name, other_than(&second)).await;
        assert_eq!(attempts_left(answer), left);
    }
    for code in [first, second] {
        app.try_otp(&name, &code).await.problem(400, "code_expired");
    }
}

#[tokio::test]
async fn a_right_code_forgives_the_wrong_ones() {
    let app = App::start().await;
    app.person("ada@example.com").await;
    let name = by_email("ada@example.com");
    for _ in 0..2 {
        let code = mailed(&app, &name, "ada@example.com").await.code();
        for left in [4, 3, 2, 1] {
            let answer = app.try_otp(&name, other_than(&code)).await;
            assert_eq!(attempts_left(answer), left);
        }
        app.try_otp(&name, &code).await.expect(200);
        app.advance(60).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_twenty_wrong_codes_at_once_five_are_looked_at() {
    let app = App::start().await;
    app.person("ada@example.com").await;
    let name = by_email("ada@example.com");
    let code = mailed(&app, &name, "ada@example.com").await.code();
    let body = json!({ "email": "ada@example.com", "otp": other_than(&code) });
    let answers = at_once((0..20).map(|_| app.post(VERIFY, &body))).await;
    let (looked_at, refused): (Vec<_>, Vec<_>) = answers
        .into_iter()
        .partition(|answer| answer.text.contains("code_invalid"));
    let mut left: Vec<u64> = looked_at.into_iter().map(attempts_left).collect();
    left.sort_unstable();
    assert_eq!(left, [0, 1, 2, 3, 4]);
    for answer in refused {
        answer.problem(400, "code_expired");
    }
    app.try_otp(&name, &code).await.problem(400, "code_expired");
}

#[tokio::test]
async fn wrong_codes_for_one_count_for_nobody_else() {
    let app = App::start().await;
    app.person("ada@example.com").await;
    app.person("eve@example.com").await;
    let (ada, eve) = (by_email("ada@example.com"), by_email("eve@example.com"));
    let code = mailed(&app, &ada, "ada@example.com").await.code();
    let hers = mailed(&app, &eve, "eve@example.com").await.code();
    for _ in 0..6 {
        app.try_otp(&eve, other_than(&hers)).await.expect(400);
    }
    app.try_otp(&ada, &code).await.expect(200);
}
