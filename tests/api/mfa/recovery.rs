//! Recovery codes.

use std::collections::HashSet;

use super::*;

#[tokio::test]
async fn each_works_once_and_the_owner_is_told_each_time() {
    let ada = Ada::start().await;
    let app = &ada.app;
    let device = app.sign_in_with_code(EMAIL, &ada.recovery[0]).await;
    assert_eq!(app.factors(&device).await["recoveryCodesLeft"], 9);
    assert_eq!(told(app, "recovery_code_used").await.len(), 1);
    let again = ada.try_second(code(&ada.recovery[0])).await;
    again.problem(400, "code_invalid");
    assert_eq!(told(app, "recovery_code_used").await.len(), 1);
    for (n, one) in ada.recovery.iter().enumerate().skip(1) {
        app.sign_in_with_code(EMAIL, one).await;
        assert_eq!(told(app, "recovery_code_used").await.len(), n + 1);
    }
    assert_eq!(app.factors(&device).await["recoveryCodesLeft"], 0);
    for one in &ada.recovery[..2] {
        let answer = ada.try_second(code(one)).await;
        answer.problem(400, "code_invalid");
    }
    let kinds = events(app, &device).await;
    let used = kinds
        .iter()
        .filter(|kind| *kind == "mfa.recovery_code_used");
    assert_eq!(used.count(), 10);
    // The app still does.
    ada.sign_in().await;
}

#[tokio::test]
async fn one_is_read_however_it_is_typed() {
    let ada = Ada::start().await;
    let spellings: [fn(&str) -> String; 5] = [
        |code| code.to_lowercase(),
        |code| code.replace('-', ""),
        |code| code.replace('-', " "),
        |code| format!("  {code} "),
        |code| code.replace('0', "o").replace('1', "I"),
    ];
    for (one, spelling) in ada.recovery.iter().zip(spellings) {
        ada.app.sign_in_with_code(EMAIL, &spelling(one)).await;
    }
}

#[tokio::test]
async fn it_needs_no_method_and_heeds_none() {
    let ada = Ada::start().await;
    let fields = json!({ "code": ada.recovery[0], "method": "totp" });
    ada.try_second(fields).await.expect(200);
}

#[tokio::test]
async fn new_ones_end_the_old() {
    let ada = Ada::start().await;
    let app = &ada.app;
    let device = ada.sign_in().await;
    let proof = code(&ada.totp.next_code(app).await);
    let call = app.post("/api/auth/mfa/recovery-codes", &proof);
    let answer = call.bearer(&device.access).send().await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let renewed = answer.json(200);
    let new: Vec<&str> = renewed["recoveryCodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|code| code.as_str().unwrap())
        .collect();
    let different: HashSet<&str> = new.iter().copied().collect();
    assert_eq!(different.len(), 10);
    assert!(
        ada.recovery
            .iter()
            .all(|old| !different.contains(old.as_str()))
    );
    assert_eq!(told(app, "recovery_codes_made").await.len(), 1);
    let dead = ada.try_second(code(&ada.recovery[0])).await;
    dead.problem(400, "code_invalid");
    app.sign_in_with_code(EMAIL, new[0]).await;
    let factors = app.factors(&device).await;
    assert_eq!(factors["recoveryCodesLeft"], 9);
    assert_eq!(factors["methods"], json!(["totp"]));
}

#[tokio::test]
async fn the_last_one_makes_new_ones() {
    let ada = Ada::start().await;
    let app = &ada.app;
    for one in &ada.recovery[1..] {
        app.sign_in_with_code(EMAIL, one).await;
    }
    let last = code(&ada.recovery[0]);
    let renewed = app.renew_recovery_codes(&ada.device, &last).await;
    let renewed = renewed.json(200);
    assert_eq!(renewed["recoveryCodes"].as_array().unwrap().len(), 10);
    assert_eq!(app.factors(&ada.device).await["recoveryCodesLeft"], 10);
    let again = app.renew_recovery_codes(&ada.device, &last).await;
    again.problem(400, "code_invalid");
    assert_eq!(told(app, "recovery_code_used").await.len(), 10);
    assert_eq!(told(app, "recovery_codes_made").await.len(), 1);
}

#[tokio::test]
async fn new_ones_take_a_factor_and_a_fresh_proof() {
    let ada = Ada::start().await;
    let app = &ada.app;
    let bad = code(&ada.totp.wrong_code(app));
    let refused = app.renew_recovery_codes(&ada.device, &bad).await;
    refused.problem(400, "code_invalid");
    app.advance(10 * 60 + 1).await;
    let proof = code(&ada.totp.code(app));
    let stale = app.renew_recovery_codes(&ada.device, &proof).await;
    stale.problem(403, "step_up_required");
    app.sign_in_with_code(EMAIL, &ada.recovery[0]).await;
}

#[tokio::test]
async fn who_has_no_second_factor_has_none() {
    let (app, _, device) = app_with_ada().await;
    let proof = code("123456");
    let refused = app.renew_recovery_codes(&device, &proof).await;
    refused.problem(409, "conflict");
    assert_eq!(app.factors(&device).await["recoveryCodesLeft"], 0);
}

#[tokio::test]
async fn one_steps_up() {
    let ada = Ada::start().await;
    let proof = code(&ada.recovery[0]);
    let stepped_up = ada.app.step_up(&ada.device, &proof).await;
    let device = Device::from(&stepped_up.json(200));
    assert_eq!(device.claims()["acr"], "aal2");
    assert_eq!(told(&ada.app, "recovery_code_used").await.len(), 1);
    let again = ada.app.step_up(&device, &proof).await;
    again.problem(400, "code_invalid");
}

#[tokio::test]
async fn those_of_somebody_else_are_none() {
    let ada = Ada::start().await;
    let (eve, _, hers) = ada.eve().await;
    let answer = ada.try_second(code(&hers[0])).await;
    answer.problem(400, "code_invalid");
    let answer = ada.app.step_up(&eve, &code(&ada.recovery[0])).await;
    answer.problem(400, "code_invalid");
    ada.app.sign_in_with_code("eve@example.com", &hers[0]).await;
}
