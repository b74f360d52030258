//! A passkey comes to the same gate as a password: status, lock, devices.

use latchkey_tests::{Answer, Call, Passkey, at_once};
use serde_json::json;

use super::*;

#[tokio::test]
async fn an_account_that_is_not_active_is_shut() {
    let app = App::start().await;
    let (_, admin) = app.first_admin().await;
    let ada = app.person("ada@example.com").await;
    let device = app.sign_in(&ada).await;
    let passkey = app.register_passkey(&device).await;
    for status in [
        "blocked",
        "paused",
        "deactivated",
        "banned",
        "security_issue",
    ] {
        app.set_status(&admin, &ada, status).await.expect(200);
        let answer = app.try_passkey(&passkey, &Ceremony::default()).await;
        answer.problem(403, &format!("account_{status}"));
        // Who has no good proof is not told.
        let wrong = Ceremony {
            flags: PRESENT,
            ..Ceremony::default()
        };
        let answer = app.try_passkey(&passkey, &wrong).await;
        answer.problem(401, "invalid_credentials");
        app.set_status(&admin, &ada, "active").await.expect(200);
        app.advance(1).await;
        app.sign_in_by(&passkey).await;
    }
}

/// A sign-in from far away.
async fn from(app: &App, source: &str, passkey: &Passkey, ceremony: &Ceremony) -> Answer {
    let options = app.passkey_request().await;
    let made = passkey.sign_with(&options, ceremony);
    let call = app.passkey_sign_in(&made);
    call.header("x-dev-client-ip", source).send().await
}

fn wrong_password(app: &App, source: &str) -> Call {
    let body = json!({ "email": "ada@example.com", "password": "not the password" });
    let call = app.post("/api/auth/sign-in", &body);
    call.header("x-dev-client-ip", source)
}

const STRANGER: &str = "198.51.100.7";
const ELSEWHERE: &str = "203.0.113.9";

#[tokio::test]
async fn a_lock_holds_for_passkeys_too_but_for_where_the_user_has_been() {
    let (app, _, device) = app_with_ada().await;
    let passkey = app.register_passkey(&device).await;
    let good = Ceremony::default();
    from(&app, ELSEWHERE, &passkey, &good).await.expect(200);
    for _ in 0..5 {
        let answer = wrong_password(&app, STRANGER).send().await;
        answer.problem(401, "invalid_credentials");
    }
    let locked = from(&app, STRANGER, &passkey, &good).await;
    assert!(locked.header("retry-after").is_some());
    locked.problem(429, "account_locked");
    // A place that a passkey was used at is known.
    from(&app, ELSEWHERE, &passkey, &good).await.expect(200);
    app.advance(61).await;
    from(&app, STRANGER, &passkey, &good).await.expect(200);
    // And that ended the count.
    for _ in 0..4 {
        let answer = wrong_password(&app, STRANGER).send().await;
        answer.problem(401, "invalid_credentials");
    }
    from(&app, STRANGER, &passkey, &good).await.expect(200);
}

#[tokio::test]
async fn a_browser_that_is_known_counts_apart() {
    let (app, _, device) = app_with_ada().await;
    let passkey = app.register_passkey(&device).await;
    let made = passkey.sign(&app.passkey_request().await);
    let call = app.post("/api/auth/sign-in/passkey/verify", &made);
    let signed_in = call.header("x-dev-client-ip", ELSEWHERE).send().await;
    let cookies = signed_in.headers.get_all("set-cookie").iter();
    let cookie = cookies
        .filter_map(|cookie| cookie.to_str().unwrap().split(';').next())
        .find(|cookie| cookie.starts_with("__Host-device="))
        .unwrap()
        .to_owned();
    for _ in 0..5 {
        wrong_password(&app, STRANGER).send().await.expect(401);
    }
    let made = passkey.sign(&app.passkey_request().await);
    let call = app
        .passkey_sign_in(&made)
        .header("x-dev-client-ip", STRANGER);
    call.header("cookie", &cookie).send().await.expect(200);
}

#[tokio::test]
async fn refused_passkeys_lock_as_wrong_passwords_do() {
    let (app, ada, device) = app_with_ada().await;
    let passkey = app.register_passkey(&device).await;
    let wrong = Ceremony {
        flags: PRESENT,
        ..Ceremony::default()
    };
    for _ in 0..5 {
        let answer = from(&app, STRANGER, &passkey, &wrong).await;
        answer.problem(401, "invalid_credentials");
    }
    let locked = from(&app, STRANGER, &passkey, &Ceremony::default()).await;
    locked.problem(429, "account_locked");
    let body = json!({ "email": ada.email, "password": latchkey_tests::PASSWORD });
    let call = app.post("/api/auth/sign-in", &body);
    let locked = call.header("x-dev-client-ip", STRANGER).send().await;
    locked.problem(429, "account_locked");
}

#[tokio::test]
async fn a_credential_that_nobody_has_locks_nobody() {
    let (app, _, device) = app_with_ada().await;
    let passkey = app.register_passkey(&device).await;
    let unknown = Ceremony {
        credential: Some(vec![7; 32]),
        ..Ceremony::default()
    };
    for _ in 0..6 {
        let answer = from(&app, STRANGER, &passkey, &unknown).await;
        answer.problem(401, "invalid_credentials");
    }
    let good = Ceremony::default();
    from(&app, STRANGER, &passkey, &good).await.expect(200);
}

#[tokio::test]
async fn many_good_proofs_at_once_all_get_in() {
    let (app, _, device) = app_with_ada().await;
    let passkey = app.register_passkey(&device).await;
    let mut calls = Vec::new();
    for _ in 0..8 {
        let made = passkey.sign(&app.passkey_request().await);
        calls.push(app.passkey_sign_in(&made));
    }
    for answer in at_once(calls).await {
        answer.expect(200);
    }
}
