//! `DELETE /api/auth/user`

use latchkey_tests::{Answer, App, Device, PASSWORD, Person, at_once};
use serde_json::{Value, json};

const PATH: &str = "/api/auth/user";
const EMAIL: &str = "ada@example.com";
const NUMBER: &str = "+46701740605";

async fn ada() -> (App, Person, Device) {
    let app = App::start().await;
    let ada = app.person(EMAIL).await;
    let device = app.sign_in(&ada).await;
    (app, ada, device)
}

async fn delete(app: &App, device: &Device, body: Option<Value>) -> Answer {
    let call = app.delete(PATH).bearer(&device.access);
    match body {
        Some(body) => call.json(&body).send().await,
        None => call.send().await,
    }
}

async fn assert_gone(app: &App, device: &Device) {
    app.me(&device.access).await.problem(401, "unauthenticated");
    app.refresh(&device.refresh)
        .await
        .problem(401, "session_expired");
}

#[tokio::test]
async fn a_fresh_sign_in_deletes_the_account_and_ends_everything() {
    let (app, ada, device) = ada().await;
    let other = app.sign_in(&ada).await;
    let answer = delete(&app, &device, None).await.expect(204);
    assert!(answer.text.is_empty());
    assert!(answer.refresh_cookie().unwrap().contains("Max-Age=0"));
    assert_gone(&app, &device).await;
    assert_gone(&app, &other).await;
    app.try_sign_in(json!({ "email": EMAIL }), PASSWORD)
        .await
        .problem(401, "invalid_credentials");
    let farewell = app.mail_to(EMAIL, "account_deleted").await;
    assert!(!farewell.text.contains("?token="), "{}", farewell.text);
}

#[tokio::test]
async fn sessions_are_over_at_once_also_for_a_cache_that_is_trusted() {
    let (app, ada, _) = ada().await;
    app.advance(20 * 60).await;
    let device = app.sign_in(&ada).await;
    let other = app.sign_in(&ada).await;
    app.me(&other.access).await.expect(200);
    delete(&app, &device, None).await.expect(204);
    assert_gone(&app, &device).await;
    assert_gone(&app, &other).await;
}

#[tokio::test]
async fn a_stale_sign_in_needs_the_password_or_a_step_up() {
    let (app, _, device) = ada().await;
    app.advance(11 * 60).await;
    delete(&app, &device, None)
        .await
        .problem(403, "step_up_required");
    delete(&app, &device, Some(json!({})))
        .await
        .problem(403, "step_up_required");
    let null = json!({ "currentPassword": null });
    delete(&app, &device, Some(null))
        .await
        .problem(403, "step_up_required");
    app.me(&device.access).await.expect(200);
    let right = json!({ "currentPassword": PASSWORD });
    delete(&app, &device, Some(right)).await.expect(204);
    assert_gone(&app, &device).await;
}

#[tokio::test]
async fn a_wrong_password_deletes_nothing_however_fresh_the_sign_in() {
    let (app, _, device) = ada().await;
    let wrong = json!({ "currentPassword": "not the password" });
    for _ in 0..5 {
        let answer = delete(&app, &device, Some(wrong.clone())).await;
        answer.problem(401, "invalid_credentials");
    }
    // Who holds a stolen session does not find the password out here.
    delete(&app, &device, Some(wrong))
        .await
        .problem(429, "account_locked");
    app.me(&device.access).await.expect(200);
}

#[tokio::test]
async fn address_username_and_number_are_free_at_once_for_somebody_new() {
    let app = App::start().await;
    let more = json!({ "username": "ada" });
    let ada = app.person_with("first@example.com", &more).await;
    let device = app.sign_in(&ada).await;
    // Former ones go with the present ones.
    app.move_to(&device, EMAIL).await;
    app.move_to_number(&device, "+46701740606").await;
    app.move_to_number(&device, NUMBER).await;
    let not_me = app.mail_to("first@example.com", "email_changed").await;
    let ask = json!({ "email": EMAIL });
    app.patch("/api/auth/forgot/password", &ask)
        .send()
        .await
        .expect(202);
    let reset = app.mail_to(EMAIL, "reset_password").await;
    let token_id = app.ask_change(&device, "email", "last@example.com").await;
    let code = app.mail_to("last@example.com", "change_email").await.code();
    delete(&app, &device, None).await.expect(204);

    let more = json!({ "username": "ada", "phoneNumber": NUMBER });
    let eve = app.person_with(EMAIL, &more).await;
    assert_ne!(eve.id, ada.id);
    let eves = app.sign_in(&eve).await;
    app.person("first@example.com").await;
    for identity in [
        json!({ "username": "ada" }),
        json!({ "phoneNumber": NUMBER }),
    ] {
        let signed_in = app.try_sign_in(identity, PASSWORD).await.json(200);
        assert_eq!(signed_in["user"]["id"], eve.id.as_str());
    }
    app.advance(61).await;
    app.move_to_number(&eves, "+46701740606").await;
    // Nothing of the old account opens the new one.
    let before = app.user(&eves).await;
    assert_gone(&app, &device).await;
    app.not_me(&not_me).await.problem(400, "code_expired");
    let by_link =
        json!({ "password": "gravel umbrella seventeen hats", "token": reset.link_token() });
    let call = app.patch("/api/auth/forgot/password", &by_link);
    call.send().await.problem(400, "code_expired");
    let answer = app
        .try_change(&eves, "email", "last@example.com", &token_id, &code)
        .await;
    answer.problem(400, "code_expired");
    assert_eq!(app.user(&eves).await, before);
    let call = app.get("/api/auth/user/events").bearer(&eves.access);
    let events = call.send().await.json(200);
    assert!(!events.to_string().contains("user.deleted"), "{events}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_username_that_is_taken_while_the_account_goes_is_not_lost() {
    let app = App::start().await;
    let mut renamed = 0;
    for round in 0..30 {
        let ada = app.person(&format!("ada{round}@example.com")).await;
        let device = app.sign_in(&ada).await;
        let names = [0, 1].map(|n| json!({ "username": format!("ada{round}-{n}") }));
        let mut calls: Vec<_> = names
            .iter()
            .map(|name| {
                app.patch("/api/auth/edit/basic", name)
                    .bearer(&device.access)
            })
            .collect();
        calls.insert(round % 3, app.delete(PATH).bearer(&device.access));
        for answer in at_once(calls).await {
            let status = answer.status.as_u16();
            assert!([200, 204, 401, 409].contains(&status), "{}", answer.text);
            renamed += usize::from(status == 200);
        }
        if app.me(&device.access).await.status == 200 {
            delete(&app, &device, None).await.expect(204);
        }
        // Somebody else can have each.
        for (n, name) in names.iter().enumerate() {
            app.sign_up_with(&format!("eve{round}-{n}@example.com"), name)
                .await;
        }
    }
    // Else there was no race.
    assert!(renamed > 0);
}

#[tokio::test]
async fn an_address_that_could_still_take_the_account_back_hears_of_its_end() {
    let (app, _, device) = ada().await;
    app.move_to(&device, "mallory@example.com").await;
    delete(&app, &device, None).await.expect(204);
    for address in [EMAIL, "mallory@example.com"] {
        let mut mails = app.mails_to(address).await;
        mails.retain(|mail| mail.template == "account_deleted");
        assert_eq!(mails.len(), 1, "{address}");
    }
}

#[tokio::test]
async fn an_address_that_was_given_up_long_ago_does_not() {
    let (app, ada, device) = ada().await;
    app.move_to(&device, "ada@example.org").await;
    app.advance(7 * 24 * 60 * 60).await;
    let moved = Person {
        email: "ada@example.org".to_owned(),
        ..ada
    };
    let device = app.sign_in(&moved).await;
    let before = app.mails_to(EMAIL).await.len();
    delete(&app, &device, None).await.expect(204);
    assert_eq!(app.mails_to(EMAIL).await.len(), before);
    app.mail_to(&moved.email, "account_deleted").await;
}

#[tokio::test]
async fn an_administrator_can_not_delete_themself() {
    let app = App::start().await;
    let admin = app.person("admin@latchkey.local").await;
    let device = app.sign_in(&admin).await;
    for body in [None, Some(json!({ "currentPassword": PASSWORD }))] {
        delete(&app, &device, body).await.problem(409, "conflict");
    }
    let roles = app.user(&device).await["roles"].clone();
    assert!(roles.as_array().unwrap().contains(&json!("admin")));
}

#[tokio::test]
async fn an_account_with_more_sessions_than_a_plan_has_goes_whole() {
    let (app, ada, _) = ada().await;
    let mut devices = Vec::new();
    for _ in 0..20 {
        devices.push(app.sign_in(&ada).await);
    }
    delete(&app, &devices[19], None).await.expect(204);
    for device in &devices {
        assert_gone(&app, device).await;
    }
}

#[tokio::test]
async fn odd_requests_are_refused_and_delete_nothing() {
    let (app, _, device) = ada().await;
    for (body, field, code) in [
        (
            json!({ "currentPassword": 1 }),
            "currentPassword",
            "invalid_type",
        ),
        (
            json!({ "currentPassword": [PASSWORD] }),
            "currentPassword",
            "invalid_type",
        ),
        (json!({ "password": PASSWORD }), "password", "unknown_field"),
        (
            json!({ "userId": "01890a5d-ac96-774b-bcce-b302099a8057" }),
            "userId",
            "unknown_field",
        ),
    ] {
        let bad = delete(&app, &device, Some(body.clone())).await.bad_fields();
        assert_eq!(bad, [(field.to_owned(), code.to_owned())], "{body}");
    }
    let long = json!({ "currentPassword": "a".repeat(5000) });
    let answer = delete(&app, &device, Some(long)).await;
    assert!(
        [401, 422].contains(&answer.status.as_u16()),
        "{}",
        answer.text
    );
    let large = json!({ "currentPassword": "a".repeat(17_000) });
    delete(&app, &device, Some(large))
        .await
        .problem(413, "payload_too_large");
    let call = app
        .delete(PATH)
        .bearer(&device.access)
        .body("text/plain", "{}");
    call.send().await.problem(415, "unsupported_media_type");
    app.delete(PATH)
        .send()
        .await
        .problem(401, "unauthenticated");
    app.delete(PATH)
        .refresh_cookie(&device.refresh)
        .send()
        .await
        .problem(401, "unauthenticated");
    for path in ["/api/auth/user?confirm=true", "/api/auth/user/"] {
        let answer = app.get(path).bearer(&device.access).send().await;
        assert!(
            [404, 405].contains(&answer.status.as_u16()),
            "{}",
            answer.text
        );
    }
    app.me(&device.access).await.expect(200);
}
