//! `POST /api/auth/disable/mfa`

use latchkey_tests::{NEW_PASSWORD, PASSWORD, members};

use super::*;

/// Whether a password alone signs Ada in.
async fn password_is_enough(app: &App) -> bool {
    let answer = app.try_sign_in(json!({ "email": EMAIL }), PASSWORD);
    answer.await.json(200)["status"] == "signed_in"
}

#[tokio::test]
async fn a_code_of_the_app_ends_it() {
    let ada = Ada::start().await;
    let app = &ada.app;
    let device = ada.sign_in().await;
    let proof = code(&ada.totp.next_code(app).await);
    let disabled = app.disable(&device, &proof).await.json(200);
    assert_eq!(members(&disabled), ["user"]);
    assert_eq!(disabled["user"]["mfaEnabled"], false);
    assert!(password_is_enough(app).await);
    let expected = json!({
        "methods": [], "available": ["totp", "email"], "recoveryCodesLeft": 0,
    });
    assert_eq!(app.factors(&device).await, expected);
    assert_eq!(told(app, "mfa_disabled").await.len(), 1);
    let kinds = events(app, &device).await;
    assert!(kinds.contains(&"mfa.disabled".to_owned()));
    // There is nothing left to end, nor to step up by.
    let again = app.disable(&device, &code(&ada.recovery[0])).await;
    again.problem(409, "conflict");
    for dead in [&ada.recovery[1], &ada.totp.next_code(app).await] {
        assert_eq!(app.step_up(&device, &code(dead)).await.status, 422);
    }
    // Another time the app has another secret, and the codes are new.
    let (totp, recovery) = app.enable_totp(&device).await;
    assert_eq!(recovery.len(), 10);
    let old = ada.try_second(code(&ada.totp.code(app))).await;
    old.problem(400, "code_invalid");
    let old = ada.try_second(code(&ada.recovery[0])).await;
    old.problem(400, "code_invalid");
    app.sign_in_with_code(EMAIL, &totp.code(app)).await;
}

#[tokio::test]
async fn a_recovery_code_serves_once() {
    let ada = Ada::start().await;
    let app = &ada.app;
    let proof = code(&ada.recovery[0]);
    app.disable(&ada.device, &proof).await.expect(200);
    assert!(password_is_enough(app).await);
    assert_eq!(told(app, "recovery_code_used").await.len(), 1);
    assert_eq!(told(app, "mfa_disabled").await.len(), 1);
    app.enable_totp(&ada.device).await;
    let again = app.disable(&ada.device, &proof).await;
    again.problem(400, "code_invalid");
}

#[tokio::test]
async fn without_a_factor_nothing_ends() {
    let ada = Ada::start().await;
    let app = &ada.app;
    let device = ada.sign_in().await;
    for body in [
        json!({}),
        json!({ "methods": ["totp"] }),
        json!({ "password": PASSWORD }),
    ] {
        let answer = app.disable(&device, &body).await;
        assert!(answer.bad_fields().iter().any(|(field, _)| field == "code"));
    }
    let wrong = code(&ada.totp.wrong_code(app));
    let refused = app.disable(&device, &wrong).await;
    refused.problem(400, "code_invalid");
    let (_, totp, recovery) = ada.eve().await;
    for hers in [totp.code(app), recovery[0].clone()] {
        let refused = app.disable(&device, &code(&hers)).await;
        refused.problem(400, "code_invalid");
    }
    assert!(!password_is_enough(app).await);
    assert!(told(app, "mfa_disabled").await.is_empty());
}

#[tokio::test]
async fn it_takes_a_fresh_proof() {
    let ada = Ada::start().await;
    ada.app.advance(10 * 60 + 1).await;
    let proof = code(&ada.totp.code(&ada.app));
    let stale = ada.app.disable(&ada.device, &proof).await;
    stale.problem(403, "step_up_required");
    assert!(!password_is_enough(&ada.app).await);
}

#[tokio::test]
async fn the_factors_that_are_named_end() {
    let ada = Ada::start().await;
    let app = &ada.app;
    let device = ada.sign_in().await;
    app.enable_by_message(&device, "email", EMAIL, "confirm_mfa_change")
        .await;
    let mut one_of_two = code(&ada.totp.next_code(app).await);
    one_of_two["methods"] = json!(["email", "sms"]);
    let answer = app.disable(&device, &one_of_two).await.json(200);
    assert_eq!(answer["user"]["mfaEnabled"], true);
    assert_eq!(app.factors(&device).await["methods"], json!(["totp"]));
    assert_eq!(app.factors(&device).await["recoveryCodesLeft"], 10);
    // The code was used up all the same.
    one_of_two["methods"] = json!(["totp"]);
    let again = app.disable(&device, &one_of_two).await;
    again.problem(400, "code_invalid");
    for none in [json!([]), json!(["sms"])] {
        let mut body = code(&ada.totp.next_code(app).await);
        body["methods"] = none;
        let fields = app.disable(&device, &body).await.bad_fields();
        let expected = [("methods".to_owned(), "invalid_choice".to_owned())];
        assert_eq!(fields, expected);
        // Nothing was used up by it.
        let first = app.first_step(EMAIL).await;
        let answer = app.second_step(&first, &code(body["code"].as_str().unwrap()));
        answer.send().await.expect(200);
    }
}

#[tokio::test]
async fn the_app_ends_by_a_code_of_another_factor() {
    let ada = Ada::start().await;
    let app = &ada.app;
    let device = ada.sign_in().await;
    app.enable_by_message(&device, "email", EMAIL, "confirm_mfa_change")
        .await;
    let asked = app.disable(&device, &json!({ "method": "email" })).await;
    let asked = asked.json(202);
    let mailed = app.mail_to(EMAIL, "confirm_mfa_change").await.code();
    let body = json!({ "code": mailed, "token": asked["token"], "methods": ["totp"] });
    app.disable(&device, &body).await.expect(200);
    assert_eq!(app.factors(&device).await["methods"], json!(["email"]));
    let again = app.disable(&device, &body).await;
    assert_eq!(again.status, 422);
    let again = json!({ "code": mailed, "token": asked["token"] });
    let again = app.disable(&device, &again).await;
    again.problem(400, "code_expired");
    let first = app.first_step(EMAIL).await;
    assert_eq!(first["methods"], json!(["email"]));
}

#[tokio::test]
async fn a_mailed_code_is_good_in_the_session_that_asked_for_it() {
    let (app, _, device) = app_with_ada().await;
    app.enable_by_message(&device, "email", EMAIL, "confirm_mfa_change")
        .await;
    let first = app.first_step(EMAIL).await;
    let sent = app.mail_to(EMAIL, "sign_in_code").await.code();
    let answer = app.second_step(&first, &code(&sent)).send().await;
    let other = Device::from(&answer.json(200));
    app.advance(61).await;
    let asked = app.disable(&device, &json!({ "method": "email" })).await;
    let asked = asked.json(202);
    let mailed = app.mail_to(EMAIL, "confirm_mfa_change").await.code();
    let body = json!({ "code": mailed, "token": asked["token"] });
    let elsewhere = app.disable(&other, &body).await;
    elsewhere.problem(400, "code_expired");
    // It is none of a sign-in either.
    let first = app.first_step(EMAIL).await;
    let answer = app.second_step(&first, &code(&mailed)).send().await;
    assert_eq!(answer.status, 400);
    app.disable(&device, &body).await.expect(200);
}

#[tokio::test]
async fn a_new_password_leaves_the_second_factor_on() {
    let ada = Ada::start().await;
    let app = &ada.app;
    app.reset_password(&ada.person, NEW_PASSWORD)
        .await
        .expect(200);
    app.advance(1).await;
    let identity = json!({ "email": EMAIL });
    let step = app.try_sign_in(identity, NEW_PASSWORD).await.json(200);
    assert_eq!(step["status"], "mfa_required");
    let answer = app.second_step(&step, &code(&ada.totp.code(app)));
    let device = Device::from(&answer.send().await.json(200));
    let factors = app.factors(&device).await;
    assert_eq!(factors["methods"], json!(["totp"]));
    assert_eq!(factors["recoveryCodesLeft"], 10);
}
