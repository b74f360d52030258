//! What access tokens say of how their user signed in: `amr`, `acr`, `auth_time`.

use latchkey_tests::PASSWORD;

use super::*;

#[track_caller]
fn says(device: &Device, acr: &str, amr: &[&str]) {
    let claims = device.claims();
    assert_eq!(claims["acr"], acr);
    assert_eq!(claims["amr"], json!(amr));
}

async fn refreshed(app: &App, device: &Device) -> Device {
    Device::from(&app.refresh(&device.refresh).await.json(200))
}

#[tokio::test]
async fn two_factors_are_told_and_stay_told() {
    let ada = Ada::start().await;
    says(&ada.device, "aal1", &["pwd"]);
    let device = ada.sign_in().await;
    says(&device, "aal2", &["pwd", "otp", "mfa"]);
    assert_eq!(device.claims()["auth_time"], device.claims()["iat"]);
    let began = device.claims()["auth_time"].clone();
    ada.app.advance(60).await;
    let device = refreshed(&ada.app, &device).await;
    says(&device, "aal2", &["pwd", "otp", "mfa"]);
    assert_eq!(device.claims()["auth_time"], began);
}

#[tokio::test]
async fn auth_time_is_that_of_the_second_step() {
    let ada = Ada::start().await;
    let first = ada.app.first_step(EMAIL).await;
    ada.app.advance(4 * 60).await;
    let answer = ada
        .app
        .second_step(&first, &code(&ada.totp.code(&ada.app)))
        .send()
        .await;
    let device = Device::from(&answer.json(200));
    assert_eq!(device.claims()["auth_time"], device.claims()["iat"]);
}

#[tokio::test]
async fn a_recovery_code_counts_as_the_second_factor() {
    let ada = Ada::start().await;
    let device = ada.app.sign_in_with_code(EMAIL, &ada.recovery[0]).await;
    says(&device, "aal2", &["pwd", "otp", "mfa"]);
}

#[tokio::test]
async fn a_session_of_before_gains_nothing_by_a_refresh() {
    let ada = Ada::start().await;
    let before = ada.device.claims()["auth_time"].clone();
    // Neither does what happens in another session.
    ada.sign_in().await;
    let device = refreshed(&ada.app, &ada.device).await;
    says(&device, "aal1", &["pwd"]);
    assert_eq!(device.claims()["auth_time"], before);
}

#[tokio::test]
async fn a_step_up_by_password_is_one_factor_and_by_code_two() {
    let ada = Ada::start().await;
    let app = &ada.app;
    app.advance(11 * 60).await;
    let proof = json!({ "password": PASSWORD });
    let device = Device::from(&app.step_up(&ada.device, &proof).await.json(200));
    says(&device, "aal1", &["pwd"]);
    assert_eq!(device.claims()["auth_time"], device.claims()["iat"]);
    app.advance(60).await;
    let proof = code(&ada.totp.code(app));
    let device = Device::from(&app.step_up(&device, &proof).await.json(200));
    says(&device, "aal2", &["pwd", "otp", "mfa"]);
    assert_eq!(device.claims()["auth_time"], device.claims()["iat"]);
    assert_eq!(device.session_id, ada.device.session_id);
    let device = refreshed(app, &device).await;
    says(&device, "aal2", &["pwd", "otp", "mfa"]);
}

#[tokio::test]
async fn a_mail_to_who_signs_in_with_an_app_is_no_second_factor() {
    let ada = Ada::start().await;
    let app = &ada.app;
    let asked = app
        .step_up(&ada.device, &json!({ "method": "email" }))
        .await;
    let mailed = app.mailed(asked, EMAIL, "step_up").await;
    let stepped_up = app.step_up(&ada.device, &mailed.with(json!({}))).await;
    let device = Device::from(&stepped_up.json(200));
    says(&device, "aal1", &["pwd", "otp"]);
}
