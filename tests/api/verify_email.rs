//! `POST /api/auth/verify/email`

use latchkey_shared::clock::Clock as _;
use latchkey_tests::{Answer, App, Call, PASSWORD, Pending, at_once};
use serde_json::{Value, json};

const PATH: &str = "/api/auth/verify/email";

/// A code that is not the right one.
fn wrong(right: &str) -> &'static str {
    if right == "111111" {
        "222222"
    } else {
        "111111"
    }
}

fn with_code(app: &App, pending: &Pending, code: &str) -> Call {
    let body = json!({
        "code": code,
        "userId": pending.user_id,
        "tokenId": pending.token_id,
        "email": pending.email,
    });
    app.post(PATH, &body)
}

fn with_link(app: &App, token: &str) -> Call {
    app.post("/api/auth/verify/email/link", &json!({ "token": token }))
}

/// The same sign-up with the code of another mail.
async fn resent(app: &App, pending: &Pending) -> (Pending, String) {
    let path = "/api/auth/resend/verify/email";
    let body = json!({ "email": pending.email });
    let challenge = app.post(path, &body).send().await.json(202);
    let renewed = Pending {
        token_id: challenge["tokenId"].as_str().unwrap().to_owned(),
        ..pending.clone()
    };
    let code = app.code_of(&renewed).await;
    (renewed, code)
}

/// How many more tries a wrong code leaves.
#[track_caller]
fn attempts_left(answer: Answer) -> u64 {
    let body = answer.problem(400, "code_invalid");
    body["attemptsLeft"].as_u64().expect("attempts left")
}

#[tokio::test]
async fn the_right_code_makes_the_account_active_once() {
    let app = App::start().await;
    let pending = app.sign_up("ada@example.com").await;
    let code = app.code_of(&pending).await;
    let answer = app.try_code(&pending, &code).await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert!(answer.refresh_cookie().is_none());
    let body = answer.json(200);
    let members: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(members, ["user"]);
    let user = body["user"].as_object().unwrap();
    let mut members: Vec<&String> = user.keys().collect();
    members.sort();
    let documented = [
        "createdAt",
        "email",
        "emailVerified",
        "id",
        "imageUrl",
        "mfaEnabled",
        "name",
        "phoneNumber",
        "phoneVerified",
        "plan",
        "roles",
        "status",
        "username",
    ];
    assert_eq!(members, documented);
    assert_eq!(user["status"], "active");
    assert_eq!(user["emailVerified"], true);

    app.try_code(&pending, &code)
        .await
        .problem(400, "code_expired");
    let identity = json!({ "email": "ada@example.com" });
    app.try_sign_in(identity, PASSWORD).await.expect(200);
}

#[tokio::test]
async fn five_wrong_codes_end_the_right_one() {
    let app = App::start().await;
    let pending = app.sign_up("ada@example.com").await;
    let code = app.code_of(&pending).await;
    for left in [4, 3, 2, 1, 0] {
        let answer = app.try_code(&pending, wrong(&code)).await;
        assert_eq!(attempts_left(answer), left);
    }
    for code in [wrong(&code), &code] {
        app.try_code(&pending, code)
            .await
            .problem(400, "code_expired");
    }
    let identity = json!({ "email": "ada@example.com" });
    let answer = app.try_sign_in(identity, PASSWORD).await;
    assert!(answer.status.is_client_error());
}

#[tokio::test]
async fn four_wrong_codes_leave_the_right_one_good() {
    let app = App::start().await;
    let pending = app.sign_up("ada@example.com").await;
    let code = app.code_of(&pending).await;
    for _ in 0..4 {
        app.try_code(&pending, wrong(&code)).await.expect(400);
    }
    app.try_code(&pending, &code).await.expect(200);
}

#[tokio::test]
async fn a_dead_code_is_replaced_by_asking_for_another() {
    let app = App::start().await;
    let pending = app.sign_up("ada@example.com").await;
    let dead = app.code_of(&pending).await;
    for _ in 0..5 {
        app.try_code(&pending, wrong(&dead)).await.expect(400);
    }
    let (renewed, fresh) = resent(&app, &pending).await;
    assert_ne!(renewed.token_id, pending.token_id);
    app.try_code(&pending, &dead)
        .await
        .problem(400, "code_expired");
    app.try_code(&renewed, &fresh).await.expect(200);
}

#[tokio::test]
async fn asking_for_another_code_gives_no_more_tries() {
    let app = App::start().await;
    let pending = app.sign_up("ada@example.com").await;
    let first = app.code_of(&pending).await;
    for left in [4, 3, 2, 1] {
        let answer = app.try_code(&pending, wrong(&first)).await;
        assert_eq!(attempts_left(answer), left);
    }
    let (renewed, second) = resent(&app, &pending).await;
    let answer = app.try_code(&renewed, wrong(&second)).await;
    assert_eq!(attempts_left(answer), 0);
    app.try_code(&renewed, &second)
        .await
        .problem(400, "code_expired");
    app.try_code(&pending, &first)
        .await
        .problem(400, "code_expired");
}

#[tokio::test]
async fn two_codes_by_turns_give_no_more_tries() {
    let app = App::start().await;
    let pending = app.sign_up("ada@example.com").await;
    let first = app.code_of(&pending).await;
    let (renewed, second) = resent(&app, &pending).await;
    let mut wrong_codes_looked_at = 0;
    // Each time the first is dead, one try of the second must not bring it back to life.
    for times in [5, 4, 4, 4] {
        for (pending, code, times) in [(&pending, &first, times), (&renewed, &second, 1)] {
            for _ in 0..times {
                let answer = app.try_code(pending, wrong(code)).await.expect(400);
                wrong_codes_looked_at += usize::from(answer.text.contains("code_invalid"));
            }
        }
    }
    for _ in 0..5 {
        app.try_code(&renewed, wrong(&second)).await.expect(400);
    }
    // Five for each of the two, were they tried one after the other; never more.
    assert!(wrong_codes_looked_at <= 10, "{wrong_codes_looked_at}");
    for (pending, code) in [(&pending, &first), (&renewed, &second)] {
        app.try_code(pending, code)
            .await
            .problem(400, "code_expired");
    }
}

#[tokio::test]
async fn a_dead_code_stays_dead_when_another_is_tried() {
    let app = App::start().await;
    let pending = app.sign_up("ada@example.com").await;
    let dead = app.code_of(&pending).await;
    let (renewed, fresh) = resent(&app, &pending).await;
    for _ in 0..5 {
        app.try_code(&pending, wrong(&dead)).await.expect(400);
    }
    let answer = app.try_code(&renewed, wrong(&fresh)).await;
    assert_eq!(attempts_left(answer), 4);
    app.try_code(&pending, &dead)
        .await
        .problem(400, "code_expired");
    app.try_code(&renewed, &fresh).await.expect(200);
}

#[tokio::test]
async fn an_earlier_code_is_good_until_it_is_dead() {
    let app = App::start().await;
    let pending = app.sign_up("ada@example.com").await;
    let first = app.code_of(&pending).await;
    let (renewed, second) = resent(&app, &pending).await;
    for (pending, code, left) in [
        (&renewed, &second, 4),
        (&pending, &first, 3),
        (&renewed, &second, 2),
        (&pending, &first, 1),
    ] {
        let answer = app.try_code(pending, wrong(code)).await;
        assert_eq!(attempts_left(answer), left);
    }
    app.try_code(&pending, &first).await.expect(200);
}

#[tokio::test]
async fn a_code_is_good_for_ten_minutes_to_the_second() {
    let app = App::start().await;
    let answer = app
        .post(
            "/api/auth/sign-up",
            &json!({ "name": "Ada", "email": "ada@example.com", "password": PASSWORD }),
        )
        .send()
        .await
        .json(202);
    let pending = Pending {
        email: "ada@example.com".to_owned(),
        user_id: answer["userId"].as_str().unwrap().to_owned(),
        token_id: answer["verification"]["tokenId"]
            .as_str()
            .unwrap()
            .to_owned(),
    };
    let code = app.code_of(&pending).await;
    let expires: jiff::Timestamp = answer["verification"]["expiresAt"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let left = |app: &App| expires.duration_since(app.stack.clock().now()).as_secs();
    // The clock goes on by itself, so it stops some seconds short: a code must still be tried.
    app.advance(left(&app) - 10).await;
    let answer = app.try_code(&pending, wrong(&code)).await;
    assert_eq!(attempts_left(answer), 4);
    app.advance(left(&app) + 1).await;
    app.try_code(&pending, &code)
        .await
        .problem(400, "code_expired");
    // The link of the same mail lives longer.
    let mail = app.mail_to("ada@example.com", "verify_email").await;
    let by_link = with_link(&app, &mail.link_token()).send().await;
    assert_eq!(by_link.json(200)["user"]["status"], "active");
}

#[tokio::test]
async fn a_code_is_good_just_before_it_expires() {
    let app = App::start().await;
    let pending = app.sign_up("ada@example.com").await;
    let code = app.code_of(&pending).await;
    app.advance(10 * 60 - 10).await;
    app.try_code(&pending, &code).await.expect(200);
}

#[tokio::test]
async fn a_code_is_good_with_the_ids_and_the_address_of_its_sign_up_alone() {
    let app = App::start().await;
    let ada = app.sign_up("ada@example.com").await;
    let eve = app.sign_up("eve@example.com").await;
    let code = app.code_of(&ada).await;
    let nobody = "01890a5d-ac96-774b-bcce-b302099a8057";
    for (user_id, token_id, email) in [
        (&*eve.user_id, &*ada.token_id, &*ada.email),
        (&ada.user_id, &eve.token_id, &ada.email),
        (&ada.user_id, &ada.token_id, &eve.email),
        (&eve.user_id, &eve.token_id, &eve.email),
        (&eve.user_id, &eve.token_id, &ada.email),
        (&ada.user_id, &ada.token_id, "nobody@example.com"),
        (nobody, &ada.token_id, &ada.email),
        (&ada.user_id, nobody, &ada.email),
        (&ada.token_id, &ada.user_id, &ada.email),
    ] {
        let mixed = Pending {
            email: email.to_owned(),
            user_id: user_id.to_owned(),
            token_id: token_id.to_owned(),
        };
        let answer = app.try_code(&mixed, &code).await.expect(400);
        let known = ["code_invalid", "code_expired"];
        let body: Value = serde_json::from_str(&answer.text).unwrap();
        assert!(known.contains(&body["code"].as_str().unwrap()), "{body}");
    }
    app.try_code(&ada, &code).await.expect(200);
}

#[tokio::test]
async fn what_is_no_code_costs_no_try() {
    let app = App::start().await;
    let pending = app.sign_up("ada@example.com").await;
    let code = app.code_of(&pending).await;
    for bad in [
        json!(""),
        json!("12345"),
        json!("1234567"),
        json!(format!(" {code}")),
        json!(format!("{code}\0")),
        json!("١٢٣٤٥٦"),
        json!("１２３４５６"),
        json!("abcdef"),
        json!("-12345"),
        json!(code.parse::<u32>().unwrap()),
        json!([code]),
        json!([code, "111111"]),
        json!({ "$gt": "" }),
        Value::Null,
    ] {
        let mut body = json!({
            "userId": pending.user_id,
            "tokenId": pending.token_id,
            "email": pending.email,
        });
        body["code"] = bad.clone();
        let fields = app.post(PATH, &body).send().await.bad_fields();
        assert_eq!(fields.len(), 1, "{bad}");
        assert_eq!(fields[0].0, "code", "{bad}");
    }
    let answer = app.try_code(&pending, wrong(&code)).await;
    assert_eq!(attempts_left(answer), 4);
}

#[tokio::test]
async fn every_bad_field_is_named_at_once() {
    let app = App::start().await;
    let names = |answer: Answer| -> Vec<String> {
        let fields = answer.bad_fields();
        fields.into_iter().map(|(name, _)| name).collect()
    };
    let all = ["code", "email", "tokenId", "userId"];
    assert_eq!(names(app.post(PATH, &json!({})).send().await), all);
    let body = json!({
        "code": "x", "userId": "1", "tokenId": "../users", "email": "x", "status": "active",
    });
    let all = ["code", "email", "status", "tokenId", "userId"];
    assert_eq!(names(app.post(PATH, &body).send().await), all);
}

#[tokio::test]
async fn a_code_is_for_anybody_signed_in_or_not() {
    let app = App::start().await;
    let ada = app.person("ada@example.com").await;
    let device = app.sign_in(&ada).await;
    let pending = app.sign_up("eve@example.com").await;
    let code = app.code_of(&pending).await;
    let call = with_code(&app, &pending, &code).bearer(&device.access);
    let verified = call.send().await.json(200);
    assert_eq!(verified["user"]["id"], pending.user_id.as_str());
}

#[tokio::test]
async fn the_code_ends_the_link() {
    let app = App::start().await;
    let pending = app.sign_up("ada@example.com").await;
    let mail = app.mail_to("ada@example.com", "verify_email").await;
    app.try_code(&pending, &mail.code()).await.expect(200);
    with_link(&app, &mail.link_token())
        .send()
        .await
        .problem(400, "code_expired");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_twenty_right_codes_at_once_one_is_good() {
    let app = App::start().await;
    let pending = app.sign_up("ada@example.com").await;
    let code = app.code_of(&pending).await;
    let answers = at_once((0..20).map(|_| with_code(&app, &pending, &code))).await;
    let (good, refused): (Vec<_>, Vec<_>) =
        answers.into_iter().partition(|answer| answer.status == 200);
    assert_eq!((good.len(), refused.len()), (1, 19));
    for answer in refused {
        answer.problem(400, "code_expired");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_twenty_wrong_codes_at_once_five_are_looked_at() {
    let app = App::start().await;
    let pending = app.sign_up("ada@example.com").await;
    let code = app.code_of(&pending).await;
    let answers = at_once((0..20).map(|_| with_code(&app, &pending, wrong(&code)))).await;
    let (looked_at, refused): (Vec<_>, Vec<_>) = answers
        .into_iter()
        .partition(|answer| answer.text.contains("code_invalid"));
    let mut left: Vec<u64> = looked_at.into_iter().map(attempts_left).collect();
    left.sort_unstable();
    assert_eq!(left, [0, 1, 2, 3, 4]);
    for answer in refused {
        answer.problem(400, "code_expired");
    }
    app.try_code(&pending, &code)
        .await
        .problem(400, "code_expired");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_code_and_link_at_once_one_is_good() {
    let app = App::start().await;
    for round in 0..5 {
        let pending = app.sign_up(&format!("ada{round}@example.com")).await;
        let mail = app.mail_to(&pending.email, "verify_email").await;
        let calls = (0..8).map(|n| match n % 2 {
            0 => with_code(&app, &pending, &mail.code()),
            _ => with_link(&app, &mail.link_token()),
        });
        let answers = at_once(calls).await;
        let good = answers.iter().filter(|answer| answer.status == 200);
        assert_eq!(good.count(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_codes_of_one_account_at_once_one_is_good() {
    let app = App::start().await;
    let pending = app.sign_up("ada@example.com").await;
    let first = app.code_of(&pending).await;
    let (renewed, second) = resent(&app, &pending).await;
    let calls = [
        with_code(&app, &pending, &first),
        with_code(&app, &renewed, &second),
        with_code(&app, &pending, &first),
        with_code(&app, &renewed, &second),
    ];
    let answers = at_once(calls).await;
    let good = answers.iter().filter(|answer| answer.status == 200);
    assert_eq!(good.count(), 1);
}
