//! Sessions in which no second factor was shown, of an account that has one: they stand for a
//! password alone, which is not enough to set up another way in.

use latchkey_tests::PASSWORD;

use super::*;

/// What would be another way past the second factor.
async fn ways_around(app: &App, device: &Device) -> Vec<Answer> {
    let mut answers = Vec::new();
    for method in ["email", "sms", "totp"] {
        answers.push(app.enable(device, &json!({ "method": method })).await);
    }
    let call = app.ask_passkey("passkeys/register/options", Some(device));
    answers.push(call.send().await);
    let email = json!({ "email": "eve@example.com" });
    answers.push(app.edit(device, "email", &email).await);
    let number = json!({ "phoneNumber": "+46701740699" });
    answers.push(app.edit(device, "phone", &number).await);
    answers
}

#[tokio::test]
async fn a_password_alone_adds_no_way_in() {
    let ada = Ada::start().await;
    // The session of before, made fresh by who has the password.
    let proof = json!({ "password": PASSWORD });
    let device = Device::from(&ada.app.step_up(&ada.device, &proof).await.json(200));
    assert_eq!(device.claims()["acr"], "aal1");
    let before = ada.app.inbox().await.len();
    for answer in ways_around(&ada.app, &device).await {
        answer.problem(403, "step_up_required");
    }
    assert_eq!(ada.app.inbox().await.len(), before);
    // With the app it may.
    let proof = code(&ada.totp.next_code(&ada.app).await);
    let device = Device::from(&ada.app.step_up(&device, &proof).await.json(200));
    let call = ada
        .app
        .ask_passkey("passkeys/register/options", Some(&device));
    call.send().await.expect(200);
    let email = ada.app.enable(&device, &json!({ "method": "email" })).await;
    email.expect(202);
}

#[tokio::test]
async fn a_set_up_that_was_begun_before_is_not_finished_after() {
    let (app, ada, device) = app_with_ada().await;
    let begun = app.enable(&device, &json!({ "method": "email" })).await;
    let begun = begun.json(202);
    let code = app.mail_to(EMAIL, "confirm_mfa_change").await.code();
    let other = app.sign_in(&ada).await;
    app.enable_totp(&other).await;
    let body = json!({ "token": begun["token"], "code": code });
    let answer = app.enable(&device, &body).await;
    answer.problem(403, "step_up_required");
}

#[tokio::test]
async fn a_password_alone_takes_no_account_over_or_away() {
    let ada = Ada::start().await;
    let app = &ada.app;
    let proof = json!({ "password": PASSWORD });
    let device = Device::from(&app.step_up(&ada.device, &proof).await.json(200));
    let password =
        json!({ "password": "gravel umbrella seventeen hats", "currentPassword": PASSWORD });
    app.edit(&device, "password", &password)
        .await
        .problem(403, "step_up_required");
    let own = json!({ "currentPassword": PASSWORD });
    for call in [
        app.get("/api/auth/user/export"),
        app.delete("/api/auth/user").json(&own),
        app.delete("/api/auth/user"),
        app.delete("/api/auth/passkeys/01890a5d-ac96-774b-bcce-b302099a8057"),
    ] {
        let status = call.bearer(&device.access).send().await.status;
        assert!(status == 403 || status == 404, "{status}");
    }
    app.me(&device.access).await.expect(200);
    // With the app it may.
    let proof = code(&ada.totp.next_code(app).await);
    let device = Device::from(&app.step_up(&device, &proof).await.json(200));
    app.edit(&device, "password", &password).await.expect(200);
}
