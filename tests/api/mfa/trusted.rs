//! Devices that are trusted for thirty days.

use latchkey_tests::{NEW_PASSWORD, PASSWORD, members};

use super::*;

const DAY: i64 = 24 * 60 * 60;

/// Signs in with the app on a browser that is to be trusted, and gives its cookie.
async fn trust(ada: &Ada) -> String {
    let first = ada.app.first_step(EMAIL).await;
    let body = json!({
        "token": first["token"],
        "code": ada.totp.next_code(&ada.app).await,
        "trustDevice": true,
    });
    let call = ada.app.post("/api/auth/sign-in", &body);
    let answer = call.header("user-agent", "Analytical/1").send().await;
    let cookie = cookie(&answer, "__Host-device=").expect("a cookie");
    answer.expect(200);
    cookie
}

/// A sign-in by password from the browser with this cookie.
async fn by_password(app: &App, cookie: &str, email: &str, password: &str) -> Answer {
    let body = json!({ "email": email, "password": password, "tokenDelivery": "body" });
    let call = app.post("/api/auth/sign-in", &body);
    call.header("cookie", cookie).send().await
}

/// Whether the browser with this cookie is asked for a second factor.
async fn is_asked(app: &App, cookie: &str) -> bool {
    let answer = by_password(app, cookie, EMAIL, PASSWORD).await.json(200);
    answer["status"] == "mfa_required"
}

async fn list(app: &App, device: &Device) -> Vec<Value> {
    let call = app.get("/api/auth/trusted-devices");
    let list = call.bearer(&device.access).send().await.json(200);
    list["trustedDevices"].as_array().unwrap().clone()
}

async fn forget(app: &App, device: &Device, id: &str) -> Answer {
    let call = app.delete(&format!("/api/auth/trusted-devices/{id}"));
    call.bearer(&device.access).send().await
}

#[tokio::test]
async fn a_trusted_device_is_asked_for_the_password_alone() {
    let ada = Ada::start().await;
    let cookie = trust(&ada).await;
    let answer = by_password(&ada.app, &cookie, EMAIL, PASSWORD).await;
    let device = Device::from(&answer.json(200));
    assert_eq!(device.claims()["acr"], "aal1");
    assert_eq!(device.claims()["amr"], json!(["pwd"]));
    // Still a password: a wrong one is wrong.
    let wrong = by_password(&ada.app, &cookie, EMAIL, "not the password").await;
    wrong.problem(401, "invalid_credentials");
    // Any other is asked.
    ada.app.first_step(EMAIL).await;
    let kinds = events(&ada.app, &device).await;
    assert!(kinds.contains(&"device.trusted".to_owned()), "{kinds:?}");
}

#[tokio::test]
async fn who_does_not_ask_for_it_trusts_nothing() {
    let ada = Ada::start().await;
    for trust in [json!(null), json!(false)] {
        let first = ada.app.first_step(EMAIL).await;
        let code = ada.totp.next_code(&ada.app).await;
        let mut body = json!({ "token": first["token"], "code": code });
        if trust.is_boolean() {
            body["trustDevice"] = trust;
        }
        let answer = ada.app.post("/api/auth/sign-in", &body).send().await;
        let cookie = cookie(&answer, "__Host-device=").expect("a cookie");
        assert!(is_asked(&ada.app, &cookie).await);
    }
    assert!(list(&ada.app, &ada.device).await.is_empty());
    // Nor does the first step.
    let body = json!({ "email": EMAIL, "password": PASSWORD, "trustDevice": true });
    let answer = ada.app.post("/api/auth/sign-in", &body).send().await;
    assert!(cookie(&answer, "__Host-device=").is_none());
    assert_eq!(answer.json(200)["status"], "mfa_required");
}

#[tokio::test]
async fn trust_ends_after_thirty_days() {
    let ada = Ada::start().await;
    let cookie = trust(&ada).await;
    ada.app.advance(30 * DAY - 60).await;
    assert!(!is_asked(&ada.app, &cookie).await);
    // Its use makes it no longer.
    ada.app.advance(61).await;
    assert!(is_asked(&ada.app, &cookie).await);
}

#[tokio::test]
async fn trusted_devices_are_listed_and_forgotten() {
    let ada = Ada::start().await;
    let app = &ada.app;
    let cookie = trust(&ada).await;
    let other = trust(&ada).await;
    let signed_in = by_password(app, &cookie, EMAIL, PASSWORD).await.json(200);
    let device = Device::from(&signed_in);
    let call = app.get("/api/auth/trusted-devices").bearer(&device.access);
    let listed = call.header("cookie", &cookie).send().await.json(200);
    assert_eq!(members(&listed), ["nextCursor", "trustedDevices"]);
    let listed = listed["trustedDevices"].as_array().unwrap();
    assert_eq!(listed.len(), 2);
    let documented = [
        "createdAt",
        "current",
        "device",
        "expiresAt",
        "id",
        "lastUsedAt",
        "userAgent",
    ];
    assert_eq!(members(&listed[0]), documented);
    let mine: Vec<_> = listed.iter().filter(|one| one["current"] == true).collect();
    assert_eq!(mine.len(), 1);
    assert_eq!(mine[0]["userAgent"], "Analytical/1");
    assert!(mine[0]["lastUsedAt"].is_string());
    let id = mine[0]["id"].as_str().unwrap();
    let eve = app.person("eve@example.com").await;
    let eve = app.sign_in(&eve).await;
    forget(app, &eve, id).await.problem(404, "not_found");
    assert!(!is_asked(app, &cookie).await);
    forget(app, &device, id).await.expect(204);
    forget(app, &device, id).await.problem(404, "not_found");
    assert!(is_asked(app, &cookie).await);
    assert!(!is_asked(app, &other).await);
    assert_eq!(list(app, &device).await.len(), 1);
    let kinds = events(app, &device).await;
    assert!(kinds.contains(&"device.untrusted".to_owned()));
}

#[tokio::test]
async fn trust_dies_with_the_password() {
    let ada = Ada::start().await;
    let app = &ada.app;
    let cookie = trust(&ada).await;
    app.reset_password(&ada.person, NEW_PASSWORD)
        .await
        .expect(200);
    app.advance(1).await;
    let answer = by_password(app, &cookie, EMAIL, NEW_PASSWORD).await;
    let step = answer.json(200);
    assert_eq!(step["status"], "mfa_required");
    let second = app.second_step(&step, &code(&ada.totp.next_code(app).await));
    let device = Device::from(&second.send().await.json(200));
    assert!(list(app, &device).await.is_empty());
}

#[tokio::test]
async fn trust_dies_with_a_change_of_the_password_by_its_owner() {
    let ada = Ada::start().await;
    let app = &ada.app;
    let cookie = trust(&ada).await;
    let device = ada.sign_in().await;
    let change = json!({ "password": NEW_PASSWORD, "currentPassword": PASSWORD });
    app.edit(&device, "password", &change).await.expect(200);
    assert!(list(app, &device).await.is_empty());
    let answer = by_password(app, &cookie, EMAIL, NEW_PASSWORD).await;
    assert_eq!(answer.json(200)["status"], "mfa_required");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trust_taken_back_at_the_same_moment_is_no_wrong_password() {
    let ada = Ada::start().await;
    let app = &ada.app;
    for _ in 0..3 {
        let cookie = trust(&ada).await;
        let id = list(app, &ada.device).await[0]["id"].clone();
        let path = format!("/api/auth/trusted-devices/{}", id.as_str().unwrap());
        let body = json!({ "email": EMAIL, "password": PASSWORD });
        let sign_in = || {
            let call = app.post("/api/auth/sign-in", &body);
            call.header("cookie", &cookie)
        };
        let forget = app.delete(&path).bearer(&ada.device.access);
        let calls = [sign_in(), sign_in(), forget, sign_in(), sign_in()];
        for answer in latchkey_tests::at_once(calls).await {
            let status = answer.status.as_u16();
            assert!([200, 204, 409].contains(&status), "{}", answer.text);
        }
        assert!(is_asked(app, &cookie).await);
    }
}

#[tokio::test]
async fn trust_dies_with_the_second_factors() {
    let ada = Ada::start().await;
    let app = &ada.app;
    let cookie = trust(&ada).await;
    let device = ada.sign_in().await;
    let proof = code(&ada.totp.next_code(app).await);
    app.disable(&device, &proof).await.expect(200);
    assert!(list(app, &device).await.is_empty());
    app.enable_totp(&device).await;
    assert!(is_asked(app, &cookie).await);
    assert!(list(app, &device).await.is_empty());
}

#[tokio::test]
async fn the_cookie_of_somebody_else_is_no_trust() {
    let ada = Ada::start().await;
    let app = &ada.app;
    let hers = trust(&ada).await;
    let (_, _, _) = ada.eve().await;
    let answer = by_password(app, &hers, "eve@example.com", PASSWORD).await;
    assert_eq!(answer.json(200)["status"], "mfa_required");
    // Nor is one that was changed.
    for forged in [
        hers.replace("__Host-device=", "__Host-device=A"),
        format!("{hers}A"),
        hers.split('.').next().unwrap().to_owned(),
    ] {
        assert!(is_asked(app, &forged).await, "{forged}");
    }
}

#[tokio::test]
async fn two_people_trust_one_browser_each_for_themselves() {
    let ada = Ada::start().await;
    let app = &ada.app;
    let cookie_of_ada = trust(&ada).await;
    let (_, totp, _) = ada.eve().await;
    let first = by_password(app, &cookie_of_ada, "eve@example.com", PASSWORD).await;
    let first = first.json(200);
    let body = json!({
        "token": first["token"], "code": totp.next_code(app).await, "trustDevice": true,
    });
    let call = app.post("/api/auth/sign-in", &body);
    let answer = call.header("cookie", &cookie_of_ada).send().await;
    let both = cookie(&answer, "__Host-device=").unwrap();
    answer.expect(200);
    assert!(!is_asked(app, &both).await);
    let eve = by_password(app, &both, "eve@example.com", PASSWORD).await;
    assert_eq!(eve.json(200)["status"], "signed_in");
}

#[tokio::test]
async fn a_client_without_cookies_is_not_trusted() {
    let ada = Ada::start().await;
    let app = &ada.app;
    let first = app.first_step(EMAIL).await;
    let fields = json!({ "code": ada.totp.code(app), "trustDevice": true });
    let answer = app.second_step(&first, &fields).send().await;
    let expected = [("trustDevice".to_owned(), "invalid_choice".to_owned())];
    assert_eq!(answer.bad_fields(), expected);
}

#[tokio::test]
async fn trust_is_no_step_up() {
    let ada = Ada::start().await;
    let app = &ada.app;
    let cookie = trust(&ada).await;
    let signed_in = by_password(app, &cookie, EMAIL, PASSWORD).await.json(200);
    let device = Device::from(&signed_in);
    let call = app.ask_passkey("passkeys/register/options", Some(&device));
    let call = call.header("cookie", &cookie);
    call.send().await.problem(403, "step_up_required");
    let call = app
        .post("/api/auth/step-up", &json!({}))
        .bearer(&device.access);
    call.header("cookie", &cookie).send().await.expect(422);
}
