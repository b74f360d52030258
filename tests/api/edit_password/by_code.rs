//! The way without the current password: a mailed code.

use latchkey_tests::{
    App, Device, Mailed, NEW_PASSWORD, PASSWORD, Person, at_once, members, other_than,
};
use serde_json::{Value, json};

use super::{OTHER, PATH, app_with_ada, told};

fn new() -> Value {
    json!({ "password": NEW_PASSWORD })
}

async fn mailed(app: &App, person: &Person, device: &Device) -> Mailed {
    let asked = app.edit(device, "password", &new()).await;
    app.mailed(asked, &person.email, "change_password").await
}

#[tokio::test]
async fn a_mailed_code_sets_a_new_password() {
    let (app, ada, device) = app_with_ada().await;
    let other = app.sign_in(&ada).await;
    let challenge = app.edit(&device, "password", &new()).await;
    assert!(challenge.header("ratelimit").is_some());
    let body: Value = serde_json::from_str(&challenge.text).unwrap();
    let documented = ["channel", "expiresAt", "resendAfter", "sentTo", "tokenId"];
    assert_eq!(members(&body), documented);
    assert_eq!(body["sentTo"], "a***@e***.com");
    // Nothing has changed yet.
    app.me(&other.access).await.expect(200);
    assert!(app.opens(&ada.email, PASSWORD).await);

    let mailed = app.mailed(challenge, &ada.email, "change_password").await;
    assert!(!body.to_string().contains(&mailed.code()));
    let answer = app.edit(&device, "password", &mailed.with(new())).await;
    assert_eq!(answer.json(200), json!({ "status": "password_changed" }));
    app.claim_over(&other).await;
    app.me(&device.access).await.expect(200);
    app.refresh(&device.refresh).await.expect(200);
    assert!(!app.opens(&ada.email, PASSWORD).await);
    assert!(app.opens(&ada.email, NEW_PASSWORD).await);
    assert_eq!(told(&app, &ada).await, 1);
    // Once.
    let again = mailed.with(json!({ "password": OTHER }));
    app.edit(&device, "password", &again)
        .await
        .problem(400, "code_expired");
}

#[tokio::test]
async fn a_code_is_good_in_the_session_that_asked_for_it_alone() {
    let (app, ada, device) = app_with_ada().await;
    let other = app.sign_in(&ada).await;
    let eve = app.person("eve@example.com").await;
    let hers = app.sign_in(&eve).await;
    let sent = mailed(&app, &ada, &device).await;
    let foreign = mailed(&app, &eve, &hers).await;
    for stranger in [&other, &hers] {
        app.edit(stranger, "password", &sent.with(new()))
            .await
            .problem(400, "code_expired");
    }
    app.edit(&device, "password", &foreign.with(new()))
        .await
        .problem(400, "code_expired");
    app.edit(&device, "password", &sent.with_code(&foreign.code(), new()))
        .await
        .problem(400, "code_invalid");
    for person in [&ada, &eve] {
        assert!(app.opens(&person.email, PASSWORD).await);
    }
    app.edit(&device, "password", &sent.with(new()))
        .await
        .expect(200);
}

#[tokio::test]
async fn five_wrong_codes_end_it_across_codes_and_the_newest_wins() {
    let (app, ada, device) = app_with_ada().await;
    let first = mailed(&app, &ada, &device).await;
    let wrong = first.with_code(other_than(&first.code()), new());
    for left in [4, 3] {
        let answer = app.edit(&device, "password", &wrong).await;
        assert_eq!(answer.problem(400, "code_invalid")["attemptsLeft"], left);
    }
    app.advance(60).await;
    let second = mailed(&app, &ada, &device).await;
    app.edit(&device, "password", &first.with(new()))
        .await
        .problem(400, "code_expired");
    let wrong = second.with_code(other_than(&second.code()), new());
    for left in [2, 1, 0] {
        let answer = app.edit(&device, "password", &wrong).await;
        assert_eq!(answer.problem(400, "code_invalid")["attemptsLeft"], left);
    }
    app.edit(&device, "password", &second.with(new()))
        .await
        .problem(400, "code_expired");
    assert!(app.opens(&ada.email, PASSWORD).await);
}

#[tokio::test]
async fn a_code_is_good_for_ten_minutes() {
    let (app, ada, device) = app_with_ada().await;
    let sent = mailed(&app, &ada, &device).await;
    app.advance(5 * 60).await;
    let proof = json!({ "password": PASSWORD });
    let device = Device::from(&app.step_up(&device, &proof).await.json(200));
    app.advance(5 * 60 - 10).await;
    let wrong = sent.with_code(other_than(&sent.code()), new());
    app.edit(&device, "password", &wrong)
        .await
        .problem(400, "code_invalid");
    app.advance(10).await;
    app.edit(&device, "password", &sent.with(new()))
        .await
        .problem(400, "code_expired");
    assert!(app.opens(&ada.email, PASSWORD).await);
}

#[tokio::test]
async fn a_code_is_asked_for_once_a_minute_and_three_times_an_hour() {
    let (app, ada, device) = app_with_ada().await;
    let mut other = app.sign_in(&ada).await;
    for _ in 0..3 {
        app.edit(&other, "password", &new()).await.expect(202);
        // For the account, whichever session asks.
        for device in [&device, &other] {
            app.edit(device, "password", &new())
                .await
                .problem(429, "rate_limited");
        }
        app.advance(60).await;
    }
    let answer = app.edit(&other, "password", &new()).await;
    let wait: i64 = answer.header("retry-after").unwrap().parse().unwrap();
    answer.problem(429, "rate_limited");
    assert!((3300..=3430).contains(&wait), "{wait}");
    app.advance(wait).await;
    other = app.sign_in(&ada).await;
    app.edit(&other, "password", &new()).await.expect(202);
}

#[tokio::test]
async fn a_weak_password_uses_no_code_up() {
    let (app, ada, device) = app_with_ada().await;
    let sent = mailed(&app, &ada, &device).await;
    // The last is known to be weak only beside the account.
    for weak in ["password123", "qwertyuiop", "lovelace1815"] {
        let body = sent.with(json!({ "password": weak }));
        app.edit(&device, "password", &body)
            .await
            .problem(422, "password_weak");
    }
    app.edit(&device, "password", &sent.with(new()))
        .await
        .expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_twenty_at_once_one_sets_exactly_its_password() {
    let (app, ada, device) = app_with_ada().await;
    let sent = mailed(&app, &ada, &device).await;
    let passwords = [NEW_PASSWORD, OTHER];
    let calls = (0..20).map(|n| {
        let body = sent.with(json!({ "password": passwords[n % 2] }));
        app.patch(PATH, &body).bearer(&device.access)
    });
    let answers = at_once(calls).await;
    for answer in &answers {
        let status = answer.status.as_u16();
        assert!([200, 400, 409].contains(&status), "{}", answer.text);
    }
    let good = answers.iter().filter(|answer| answer.status == 200);
    assert_eq!(good.count(), 1);
    assert!(!app.opens(&ada.email, PASSWORD).await);
    let first = app.opens(&ada.email, NEW_PASSWORD).await;
    let second = app.opens(&ada.email, OTHER).await;
    assert_ne!(first, second);
    assert_eq!(told(&app, &ada).await, 1);
    app.me(&device.access).await.expect(200);
}
