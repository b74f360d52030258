//! Mail and SMS as second factors.

use latchkey_tests::{PASSWORD, members};

use super::*;

/// Ada with mail alone as her second factor.
async fn with_mail() -> (App, Device, Vec<String>) {
    let (app, _, device) = app_with_ada().await;
    let recovery = app
        .enable_by_message(&device, "email", EMAIL, "confirm_mfa_change")
        .await;
    (app, device, recovery)
}

/// Ada with an app, mail and SMS.
async fn with_all(app: App) -> Ada {
    let person = app.person(EMAIL).await;
    let device = app.sign_in(&person).await;
    verify_number(&app, &device).await;
    let (totp, recovery) = app.enable_totp(&device).await;
    let proof = code(&totp.code(&app));
    let device = Device::from(&app.step_up(&device, &proof).await.json(200));
    app.enable_by_message(&device, "email", EMAIL, "confirm_mfa_change")
        .await;
    app.enable_by_message(&device, "sms", NUMBER, "otp_sms")
        .await;
    Ada {
        app,
        person,
        device,
        totp,
        recovery,
    }
}

async fn ask(app: &App, first: &Value, method: &str) -> Answer {
    let call = app.second_step(first, &json!({ "method": method }));
    call.send().await
}

#[tokio::test]
async fn mail_is_set_up_by_the_code_that_came_by_it() {
    let (app, _, device) = app_with_ada().await;
    let asked = app.enable(&device, &json!({ "method": "email" })).await;
    let asked = asked.json(202);
    let documented = [
        "channel",
        "expiresAt",
        "resendAfter",
        "sentTo",
        "token",
        "tokenId",
    ];
    assert_eq!(members(&asked), documented);
    assert_eq!(asked["channel"], "email");
    let right = app.mail_to(EMAIL, "confirm_mfa_change").await.code();
    let wrong = latchkey_tests::other_than(&right);
    let body = |code: &str| json!({ "token": asked["token"], "code": code });
    let refused = app.enable(&device, &body(wrong)).await;
    assert_eq!(refused.problem(400, "code_invalid")["attemptsLeft"], 4);
    assert_eq!(app.user(&device).await["mfaEnabled"], false);
    let enabled = app.enable(&device, &body(&right)).await.json(200);
    assert_eq!(enabled["recoveryCodes"].as_array().unwrap().len(), 10);
    assert_eq!(app.factors(&device).await["methods"], json!(["email"]));
    assert_eq!(told(&app, "mfa_enabled").await.len(), 1);
}

#[tokio::test]
async fn a_code_that_went_to_another_address_sets_nothing_up() {
    let (app, _, device) = app_with_ada().await;
    let asked = app.enable(&device, &json!({ "method": "email" })).await;
    let asked = asked.json(202);
    let code = app.mail_to(EMAIL, "confirm_mfa_change").await.code();
    app.move_to(&device, "lovelace@example.com").await;
    let body = json!({ "token": asked["token"], "code": code });
    let answer = app.enable(&device, &body).await;
    answer.problem(400, "code_expired");
    assert_eq!(app.factors(&device).await["methods"], json!([]));
}

#[tokio::test]
async fn sms_needs_a_number_that_is_verified() {
    let (app, _, device) = app_with_ada().await;
    let sms = json!({ "method": "sms" });
    app.enable(&device, &sms).await.problem(409, "conflict");
    assert_eq!(
        app.factors(&device).await["available"],
        json!(["totp", "email"])
    );
    verify_number(&app, &device).await;
    let available = app.factors(&device).await["available"].clone();
    assert_eq!(available, json!(["totp", "email", "sms"]));
    app.enable_by_message(&device, "sms", NUMBER, "otp_sms")
        .await;
    // It is the only factor, so its code is on its way at once.
    let first = app.first_step(EMAIL).await;
    assert_eq!(first["methods"], json!(["sms"]));
    assert_eq!(first["challenge"]["channel"], "sms");
    let sent = app.mail_to(NUMBER, "otp_sms").await.code();
    let answer = app.second_step(&first, &code(&sent)).send().await;
    let device = Device::from(&answer.json(200));
    assert_eq!(device.claims()["amr"], json!(["pwd", "sms", "mfa"]));
    assert_eq!(device.claims()["acr"], "aal2");
}

#[tokio::test]
async fn a_deployment_offers_what_it_lists_alone() {
    let app = App::with(&[("MFA_METHODS", "totp, email")]).await;
    let ada = app.person(EMAIL).await;
    let device = app.sign_in(&ada).await;
    verify_number(&app, &device).await;
    let fields = app
        .enable(&device, &json!({ "method": "sms" }))
        .await
        .bad_fields();
    assert_eq!(fields, [("method".to_owned(), "invalid_choice".to_owned())]);
    let available = app.factors(&device).await["available"].clone();
    assert_eq!(available, json!(["totp", "email"]));
    app.enable_totp(&device).await;
}

#[tokio::test]
async fn a_factor_that_is_switched_off_is_asked_for_no_more_and_still_holds_the_account() {
    let directory = tempfile::tempdir().unwrap();
    let app = App::kept(directory.path(), &[]).await;
    let ada = app.person(EMAIL).await;
    let device = app.sign_in(&ada).await;
    let recovery = app
        .enable_by_message(&device, "email", EMAIL, "confirm_mfa_change")
        .await;
    app.stop().await;
    let app = App::kept(directory.path(), &[("MFA_METHODS", "totp")]).await;
    let first = app.first_step(EMAIL).await;
    assert_eq!(first["methods"], json!([]));
    assert_eq!(ask(&app, &first, "email").await.status, 422);
    assert!(told(&app, "sign_in_code").await.is_empty());
    let answer = app.second_step(&first, &code("123456")).send().await;
    assert_eq!(answer.status, 422);
    let answer = app.second_step(&first, &code(&recovery[0])).send().await;
    answer.expect(200);
}

#[tokio::test]
async fn the_only_factor_sends_its_code_at_once() {
    let (app, _, _) = with_mail().await;
    let first = app.first_step(EMAIL).await;
    let documented = ["challenge", "expiresAt", "methods", "status", "token"];
    assert_eq!(members(&first), documented);
    let sent = app.mail_to(EMAIL, "sign_in_code").await.code();
    let wrong = code(latchkey_tests::other_than(&sent));
    let refused = app.second_step(&first, &wrong).send().await;
    assert_eq!(refused.problem(400, "code_invalid")["attemptsLeft"], 4);
    let answer = app.second_step(&first, &code(&sent)).send().await;
    let device = Device::from(&answer.json(200));
    assert_eq!(device.claims()["amr"], json!(["pwd", "otp", "mfa"]));
    let again = app.first_step(EMAIL).await;
    let answer = app.second_step(&again, &code(&sent)).send().await;
    answer.problem(400, "code_expired");
}

#[tokio::test]
async fn a_code_is_good_with_the_ticket_that_it_was_asked_for_with_alone() {
    let (app, _, _) = with_mail().await;
    let first = app.first_step(EMAIL).await;
    let sent = app.mail_to(EMAIL, "sign_in_code").await.code();
    let other = app.first_step(EMAIL).await;
    // One a minute: no second mail.
    assert!(!members(&other).contains(&"challenge"));
    assert_eq!(told(&app, "sign_in_code").await.len(), 1);
    let answer = app.second_step(&other, &code(&sent)).send().await;
    answer.problem(400, "code_expired");
    // Which used nothing up.
    let answer = app.second_step(&first, &code(&sent)).send().await;
    answer.expect(200);
}

#[tokio::test]
async fn of_several_factors_the_one_that_is_named_is_meant() {
    let ada = with_all(App::start().await).await;
    let app = &ada.app;
    let first = app.first_step(EMAIL).await;
    assert_eq!(first["methods"], json!(["totp", "email", "sms"]));
    assert!(!members(&first).contains(&"challenge"));
    // Six digits without a name are the app's.
    let answer = app.second_step(&first, &code(&ada.totp.code(app)));
    answer.send().await.expect(200);

    for (method, to, template, amr) in [
        ("email", EMAIL, "sign_in_code", "otp"),
        ("sms", NUMBER, "otp_sms", "sms"),
    ] {
        app.advance(61).await;
        let first = app.first_step(EMAIL).await;
        let asked = ask(app, &first, method).await.json(200);
        assert_eq!(asked["status"], "mfa_required");
        assert_eq!(asked["token"], first["token"]);
        assert_eq!(asked["challenge"]["channel"], method);
        let sent = app.mail_to(to, template).await.code();
        for other in ["totp", "email", "sms"] {
            if other != method {
                let fields = json!({ "code": sent, "method": other });
                let answer = app.second_step(&first, &fields).send().await;
                assert_eq!(answer.status, 400, "{method} as {other}: {}", answer.text);
            }
        }
        let fields = json!({ "code": sent, "method": method });
        let answer = app.second_step(&first, &fields).send().await;
        let device = Device::from(&answer.json(200));
        assert_eq!(device.claims()["amr"], json!(["pwd", amr, "mfa"]));
    }
}

#[tokio::test]
async fn what_is_no_factor_of_the_account_sends_nothing() {
    let ada = Ada::start().await;
    let app = &ada.app;
    let device = ada.sign_in().await;
    verify_number(app, &device).await;
    let first = app.first_step(EMAIL).await;
    let before = app.inbox().await.len();
    for method in ["totp", "email", "sms"] {
        let answer = ask(app, &first, method).await;
        let fields = answer.bad_fields();
        assert_eq!(fields, [("method".to_owned(), "invalid_choice".to_owned())]);
        let body = json!({ "method": method });
        assert_eq!(app.disable(&device, &body).await.status, 422);
        assert_eq!(app.renew_recovery_codes(&device, &body).await.status, 422);
    }
    assert_eq!(app.inbox().await.len(), before);
}

#[tokio::test]
async fn messages_have_a_limit_over_all_that_they_are_for() {
    let ada = with_all(App::start().await).await;
    let app = &ada.app;
    let first = app.first_step(EMAIL).await;
    ask(app, &first, "email").await.expect(200);
    let device = Device::from(
        &app.second_step(&first, &code(&ada.totp.code(app)))
            .send()
            .await
            .json(200),
    );
    let first = app.first_step(EMAIL).await;
    for method in ["email", "sms"] {
        let answer = ask(app, &first, method).await;
        assert!(answer.header("retry-after").is_some());
        answer.problem(429, "rate_limited");
        let answer = app.disable(&device, &json!({ "method": method })).await;
        answer.problem(429, "rate_limited");
    }
}

#[tokio::test]
async fn a_step_up_takes_the_code_of_the_factor_that_it_was_asked_for() {
    let ada = with_all(App::start().await).await;
    let app = &ada.app;
    let proof = json!({ "password": PASSWORD });
    let device = Device::from(&app.step_up(&ada.device, &proof).await.json(200));
    let asked = app.step_up(&device, &json!({ "method": "sms" })).await;
    let mailed = app.mailed(asked, NUMBER, "otp_sms").await;
    let stepped_up = app.step_up(&device, &mailed.with(json!({}))).await;
    let device = Device::from(&stepped_up.json(200));
    assert_eq!(device.claims()["acr"], "aal2");
    let amr = device.claims()["amr"].clone();
    assert_eq!(amr, json!(["pwd", "otp", "mfa", "sms"]));
}
