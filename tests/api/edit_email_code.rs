//! `PATCH /api/auth/edit/email`: when its code is good, and when it no longer is.

use latchkey_tests::{Answer, App, Device, PASSWORD, Person, other_code};
use serde_json::{Value, json};

const PATH: &str = "/api/auth/edit/email";
const OLD: &str = "ada@example.com";
const NEW: &str = "lovelace@example.com";
const OTHER_PASSWORD: &str = "gravel umbrella seventeen hats";

async fn ada() -> (App, Person, Device) {
    let app = App::start().await;
    let ada = app.person(OLD).await;
    let device = app.sign_in(&ada).await;
    (app, ada, device)
}

/// Asks for a code to the new address, and gives it with its token's id.
async fn ask(app: &App, device: &Device) -> (String, String) {
    let token_id = app.ask_change(device, "email", NEW).await;
    let code = app.mail_to(NEW, "change_email").await.code();
    (token_id, code)
}

async fn confirm(app: &App, device: &Device, token_id: &str, code: &str) -> Answer {
    app.try_change(device, "email", NEW, token_id, code).await
}

#[tokio::test]
async fn a_stale_sign_in_must_step_up_for_both_steps() {
    let (app, ada, device) = ada().await;
    app.advance(9 * 60).await;
    let (token_id, code) = ask(&app, &device).await;
    app.advance(2 * 60).await;
    let stale = confirm(&app, &device, &token_id, &code).await;
    stale.problem(403, "step_up_required");
    let stale = app.edit(&device, "email", &json!({ "email": NEW })).await;
    stale.problem(403, "step_up_required");
    // A refresh makes nothing fresh.
    let refreshed = app.refresh(&device.refresh).await.json(200);
    let refreshed = Device::from(&refreshed);
    let stale = confirm(&app, &refreshed, &token_id, &code).await;
    stale.problem(403, "step_up_required");
    let body = json!({ "password": PASSWORD });
    let call = app
        .post("/api/auth/step-up", &body)
        .bearer(&refreshed.access);
    let fresh = Device::from(&call.send().await.json(200));
    // The session is the same, so its code is still good.
    confirm(&app, &fresh, &token_id, &code).await.expect(200);
    drop(ada);
}

#[tokio::test]
async fn only_the_newest_code_is_good() {
    let (app, _, device) = ada().await;
    let (first, first_code) = ask(&app, &device).await;
    app.advance(61).await;
    let (second, second_code) = ask(&app, &device).await;
    confirm(&app, &device, &first, &first_code)
        .await
        .problem(400, "code_expired");
    confirm(&app, &device, &second, &second_code)
        .await
        .expect(200);
}

#[tokio::test]
async fn a_code_works_once_in_time_and_five_times_wrong_ends_it() {
    let (app, _, device) = ada().await;
    let (token_id, code) = ask(&app, &device).await;
    for left in [4, 3, 2, 1, 0] {
        let answer = confirm(&app, &device, &token_id, other_code(&code)).await;
        assert_eq!(answer.problem(400, "code_invalid")["attemptsLeft"], left);
    }
    confirm(&app, &device, &token_id, &code)
        .await
        .problem(400, "code_expired");

    app.advance(61).await;
    let (token_id, code) = ask(&app, &device).await;
    confirm(&app, &device, &token_id, &code).await.expect(200);
    // Used; and the address is the account's by now.
    let answer = confirm(&app, &device, &token_id, &code).await;
    assert_eq!(
        answer.bad_fields(),
        [("email".to_owned(), "unchanged".to_owned())]
    );
    app.advance(61).await;
    app.move_to(&device, OLD).await;
    confirm(&app, &device, &token_id, &code)
        .await
        .problem(400, "code_expired");
}

#[tokio::test]
async fn a_code_ends_after_ten_minutes() {
    let (app, _, device) = ada().await;
    let (token_id, code) = ask(&app, &device).await;
    app.advance(10 * 60).await;
    let body = json!({ "password": PASSWORD, "tokenDelivery": "body" });
    let call = app.post("/api/auth/step-up", &body).bearer(&device.access);
    let fresh = Device::from(&call.send().await.json(200));
    confirm(&app, &fresh, &token_id, &code)
        .await
        .problem(400, "code_expired");
}

#[tokio::test]
async fn a_code_is_good_in_its_session_for_its_user_and_address_alone() {
    let (app, ada, device) = ada().await;
    let (token_id, code) = ask(&app, &device).await;
    let other_session = app.sign_in(&ada).await;
    confirm(&app, &other_session, &token_id, &code)
        .await
        .problem(400, "code_expired");
    let eve = app.person("eve@example.com").await;
    let eves = app.sign_in(&eve).await;
    confirm(&app, &eves, &token_id, &code)
        .await
        .problem(400, "code_expired");
    let elsewhere = "mallory@example.com";
    let answer = app
        .try_change(&device, "email", elsewhere, &token_id, &code)
        .await;
    answer.problem(400, "code_expired");
    let body = json!({ "phoneNumber": "+46701740605", "tokenId": token_id, "code": code });
    app.edit(&device, "phone", &body)
        .await
        .problem(400, "code_expired");
    // None of that used the code up, nor counted as a wrong one.
    confirm(&app, &device, &token_id, &code).await.expect(200);
}

#[tokio::test]
async fn a_change_ends_reset_links_and_codes_that_were_on_their_way() {
    let (app, ada, device) = ada().await;
    let ask_reset = json!({ "email": ada.email });
    let path = "/api/auth/forgot/password";
    let challenge = app.patch(path, &ask_reset).send().await.json(202);
    let mail = app.mail_to(OLD, "reset_password").await;
    app.move_to(&device, NEW).await;
    let by_link = json!({ "password": OTHER_PASSWORD, "token": mail.link_token() });
    app.patch(path, &by_link)
        .send()
        .await
        .problem(400, "code_expired");
    let by_code = json!({
        "email": OLD,
        "password": OTHER_PASSWORD,
        "tokenId": challenge["tokenId"],
        "code": mail.code(),
    });
    app.patch(path, &by_code)
        .send()
        .await
        .problem(400, "code_expired");
    app.try_sign_in(json!({ "email": NEW }), PASSWORD)
        .await
        .expect(200);
    // Nor does a new one go to the old address.
    let before = app.mails_to(OLD).await.len();
    app.advance(61).await;
    app.patch(path, &ask_reset).send().await.expect(202);
    assert_eq!(app.mails_to(OLD).await.len(), before);
}

#[tokio::test]
async fn a_new_password_ends_a_change_that_was_on_its_way() {
    let (app, _, device) = ada().await;
    let (token_id, code) = ask(&app, &device).await;
    let body = json!({ "password": OTHER_PASSWORD, "currentPassword": PASSWORD });
    app.edit(&device, "password", &body).await.expect(200);
    confirm(&app, &device, &token_id, &code)
        .await
        .problem(400, "code_expired");
    assert_eq!(app.user(&device).await["email"], OLD);
}

#[tokio::test]
async fn one_change_ends_the_other_that_was_on_its_way() {
    let (app, _, device) = ada().await;
    let (token_id, code) = ask(&app, &device).await;
    app.move_to_number(&device, "+46701740605").await;
    confirm(&app, &device, &token_id, &code)
        .await
        .problem(400, "code_expired");
}

#[tokio::test]
async fn an_address_gets_one_code_a_minute_and_three_an_hour_whoever_asks() {
    let (app, _, device) = ada().await;
    let bob = app.person("bob@example.com").await;
    let bobs = app.sign_in(&bob).await;
    let body = json!({ "email": NEW });
    for n in 0..3 {
        let (asks, waits) = if n == 1 {
            (&bobs, &device)
        } else {
            (&device, &bobs)
        };
        app.edit(asks, "email", &body).await.expect(202);
        let shouted = json!({ "email": NEW.to_uppercase() });
        let answer = app.edit(waits, "email", &shouted).await;
        let wait: i64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!(wait > 0, "{wait}");
        answer.problem(429, "rate_limited");
        app.advance(61).await;
    }
    app.edit(&device, "email", &body)
        .await
        .problem(429, "rate_limited");
    assert_eq!(app.mails_to(NEW).await.len(), 3);
}

#[tokio::test]
async fn an_account_gets_ten_codes_an_hour() {
    let (app, _, device) = ada().await;
    for n in 0..10 {
        app.ask_change(&device, "email", &format!("n{n}@example.com"))
            .await;
    }
    for (what, body) in [
        ("email", json!({ "email": "n10@example.com" })),
        ("phone", json!({ "phoneNumber": "+46701740605" })),
    ] {
        app.edit(&device, what, &body)
            .await
            .problem(429, "rate_limited");
    }
}

#[tokio::test]
async fn the_address_it_has_already_is_refused() {
    let (app, _, device) = ada().await;
    for email in [OLD, "ADA@Example.com"] {
        let answer = app.edit(&device, "email", &json!({ "email": email })).await;
        assert_eq!(
            answer.bad_fields(),
            [("email".to_owned(), "unchanged".to_owned())]
        );
    }
}

#[tokio::test]
async fn odd_bodies_are_refused_and_nothing_is_sent() {
    let (app, _, device) = ada().await;
    let mails = app.inbox().await.len();
    let long = format!("{}@example.com", "a".repeat(65));
    for email in [
        json!("mike\u{ff20}example.com"),
        json!("m\u{131}ke@example.com"),
        json!("mike@example.com\r\nBcc: eve@example.com"),
        json!("mike@example.com,eve@example.com"),
        json!(["mike@example.com", "eve@example.com"]),
        json!({ "$ne": "" }),
        json!(""),
        json!(long),
        json!(1),
        json!(null),
    ] {
        let answer = app.edit(&device, "email", &json!({ "email": email })).await;
        let fields = answer.bad_fields();
        assert_eq!(
            (fields.len(), fields[0].0.as_str()),
            (1, "email"),
            "{email}"
        );
    }
    let id = "01890a5d-ac96-774b-bcce-b302099a8057";
    for (body, bad) in [
        (json!({}), vec!["email"]),
        (json!({ "email": NEW, "code": "123456" }), vec!["tokenId"]),
        (json!({ "email": NEW, "tokenId": id }), vec!["code"]),
        (
            json!({ "email": NEW, "tokenId": "x", "code": 123_456 }),
            vec!["code", "tokenId"],
        ),
        (
            json!({ "email": NEW, "userId": id, "emailVerified": true }),
            vec!["emailVerified", "userId"],
        ),
    ] {
        let fields = app.edit(&device, "email", &body).await.bad_fields();
        let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, bad, "{body}");
    }
    let unknown = json!({ "email": NEW, "tokenId": id, "code": "123456" });
    app.edit(&device, "email", &unknown)
        .await
        .problem(400, "code_expired");
    let call = app
        .call(reqwest::Method::PATCH, PATH)
        .bearer(&device.access);
    call.send().await.problem(400, "malformed_json");
    app.patch(PATH, &json!({ "email": NEW }))
        .send()
        .await
        .problem(401, "unauthenticated");
    assert_eq!(app.inbox().await.len(), mails);
    let user: Value = app.user(&device).await;
    assert_eq!(user["email"], OLD);
}
