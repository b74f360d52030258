//! `POST /api/auth/enable/mfa`: setting an app up.

use std::collections::HashSet;

use latchkey_tests::{PASSWORD, members};

use super::*;

async fn begin(app: &App, device: &Device) -> Value {
    let begun = app.enable(device, &json!({ "method": "totp" })).await;
    begun.json(200)
}

async fn finish(app: &App, device: &Device, begun: &Value, code: &str) -> Answer {
    let body = json!({ "token": begun["token"], "code": code });
    app.enable(device, &body).await
}

/// Whether a password alone signs Ada in.
async fn password_is_enough(app: &App) -> bool {
    let answer = app.try_sign_in(json!({ "email": EMAIL }), PASSWORD);
    answer.await.json(200)["status"] == "signed_in"
}

#[tokio::test]
async fn an_app_is_asked_for_once_its_first_code_was_right() {
    let (app, _, device) = app_with_ada().await;
    let call = app.post("/api/auth/enable/mfa", &json!({ "method": "totp" }));
    let answer = call.bearer(&device.access).send().await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let begun = answer.json(200);
    let documented = ["otpauthUri", "qrSvg", "secret", "token"];
    assert_eq!(members(&begun), documented);
    let totp = TotpApp::of(&begun);
    assert!(password_is_enough(&app).await);
    let wrong = finish(&app, &device, &begun, &totp.wrong_code(&app)).await;
    assert_eq!(wrong.problem(400, "code_invalid")["attemptsLeft"], 4);
    assert!(password_is_enough(&app).await);
    assert_eq!(app.user(&device).await["mfaEnabled"], false);

    let enabled = finish(&app, &device, &begun, &totp.code(&app)).await;
    let enabled = enabled.json(200);
    assert_eq!(members(&enabled), ["recoveryCodes"]);
    assert!(!password_is_enough(&app).await);
    assert_eq!(app.user(&device).await["mfaEnabled"], true);
    let expected = json!({
        "methods": ["totp"], "available": ["email"], "recoveryCodesLeft": 10,
    });
    assert_eq!(app.factors(&device).await, expected);
    assert_eq!(told(&app, "mfa_enabled").await.len(), 1);
    let events = events(&app, &device).await;
    assert_eq!(
        events.iter().filter(|kind| *kind == "mfa.enabled").count(),
        1
    );
}

#[tokio::test]
async fn ten_recovery_codes_come_with_the_first_factor_and_never_again() {
    let ada = Ada::start().await;
    assert_eq!(ada.recovery.len(), 10);
    let different: HashSet<&String> = ada.recovery.iter().collect();
    assert_eq!(different.len(), 10);
    for code in &ada.recovery {
        // 80 bits are 16 characters of 5.
        let characters = code.chars().filter(|c| *c != '-').count();
        assert!(characters >= 16, "{code}");
    }
    let device = ada.sign_in().await;
    let more = ada
        .app
        .enable_by_message(&device, "email", EMAIL, "confirm_mfa_change")
        .await;
    assert_eq!(more, Vec::<String>::new());
    assert_eq!(ada.app.factors(&device).await["recoveryCodesLeft"], 10);
    // No answer shows those of before.
    let export = ada.app.get("/api/auth/user/export").bearer(&device.access);
    let shown = [
        ada.app.factors(&device).await.to_string(),
        ada.app.user(&device).await.to_string(),
        export.send().await.json(200).to_string(),
    ];
    for text in shown {
        assert!(!ada.recovery.iter().any(|code| text.contains(code)));
    }
}

#[tokio::test]
async fn a_set_up_that_nobody_finishes_is_gone_after_ten_minutes() {
    let (app, _, device) = app_with_ada().await;
    let begun = begin(&app, &device).await;
    let totp = TotpApp::of(&begun);
    app.advance(10 * 60 - 5).await;
    let proof = json!({ "password": PASSWORD });
    let device = Device::from(&app.step_up(&device, &proof).await.json(200));
    app.advance(6).await;
    let late = finish(&app, &device, &begun, &totp.code(&app)).await;
    late.problem(400, "code_expired");
    assert!(password_is_enough(&app).await);
    assert_eq!(app.factors(&device).await["methods"], json!([]));
    // Another can be begun, with another secret.
    let again = begin(&app, &device).await;
    assert_ne!(again["secret"], begun["secret"]);
}

#[tokio::test]
async fn a_set_up_ends_with_the_one_that_is_begun_after_it() {
    let (app, _, device) = app_with_ada().await;
    let first = begin(&app, &device).await;
    let second = begin(&app, &device).await;
    let code = TotpApp::of(&first).code(&app);
    let over = finish(&app, &device, &first, &code).await;
    over.problem(400, "code_expired");
    // The code of one secret is none of the other's.
    let mixed = finish(&app, &device, &second, &code).await;
    mixed.problem(400, "code_invalid");
    let code = TotpApp::of(&second).code(&app);
    finish(&app, &device, &second, &code).await.expect(200);
    let twice = finish(&app, &device, &second, &code).await;
    twice.problem(403, "step_up_required");
    assert!(!password_is_enough(&app).await);
}

#[tokio::test]
async fn five_wrong_codes_end_a_set_up() {
    let (app, _, device) = app_with_ada().await;
    let begun = begin(&app, &device).await;
    let totp = TotpApp::of(&begun);
    for left in [4, 3, 2, 1, 0] {
        let wrong = finish(&app, &device, &begun, &totp.wrong_code(&app)).await;
        assert_eq!(wrong.problem(400, "code_invalid")["attemptsLeft"], left);
    }
    let right = finish(&app, &device, &begun, &totp.code(&app)).await;
    right.problem(400, "code_expired");
    assert!(password_is_enough(&app).await);
}

#[tokio::test]
async fn a_set_up_is_finished_where_it_was_begun() {
    let (app, ada, device) = app_with_ada().await;
    let other = app.sign_in(&ada).await;
    let eve = app.person("eve@example.com").await;
    let eve = app.sign_in(&eve).await;
    let begun = begin(&app, &device).await;
    let totp = TotpApp::of(&begun);
    for stranger in [&other, &eve] {
        let answer = finish(&app, stranger, &begun, &totp.code(&app)).await;
        answer.problem(400, "code_expired");
    }
    let unknown = json!({ "token": "01890a5d-ac96-774b-bcce-b302099a8057" });
    let answer = finish(&app, &device, &unknown, &totp.code(&app)).await;
    answer.problem(400, "code_expired");
    // Nobody's try but hers was counted.
    let answer = finish(&app, &device, &begun, &totp.wrong_code(&app)).await;
    assert_eq!(answer.problem(400, "code_invalid")["attemptsLeft"], 4);
    let code = totp.code(&app);
    finish(&app, &device, &begun, &code).await.expect(200);
}

#[tokio::test]
async fn what_is_on_can_not_be_set_up_over_again() {
    let ada = Ada::start().await;
    let device = ada.sign_in().await;
    let twice = ada.app.enable(&device, &json!({ "method": "totp" })).await;
    twice.problem(409, "conflict");
    // The app of before is the one that is asked for.
    ada.sign_in().await;
}

#[tokio::test]
async fn of_two_set_ups_finished_at_once_one_counts() {
    let (app, _, device) = app_with_ada().await;
    let begun = begin(&app, &device).await;
    let code = TotpApp::of(&begun).code(&app);
    let body = json!({ "token": begun["token"], "code": code });
    let calls = (0..4).map(|_| {
        let call = app.post("/api/auth/enable/mfa", &body);
        call.bearer(&device.access)
    });
    let answers = latchkey_tests::at_once(calls).await;
    let done = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(done, 1, "{answers:?}");
    assert_eq!(app.factors(&device).await["recoveryCodesLeft"], 10);
}

#[tokio::test]
async fn setting_up_takes_a_proof_that_is_fresh() {
    let (app, _, device) = app_with_ada().await;
    app.advance(10 * 60 + 1).await;
    let stale = app.enable(&device, &json!({ "method": "totp" })).await;
    stale.problem(403, "step_up_required");
}

#[tokio::test]
async fn the_code_that_set_an_app_up_signs_nobody_in() {
    let (app, _, device) = app_with_ada().await;
    app.begin_step().await;
    let begun = begin(&app, &device).await;
    let first_code = TotpApp::of(&begun).code(&app);
    finish(&app, &device, &begun, &first_code).await.expect(200);
    let first = app.first_step(EMAIL).await;
    let answer = app.second_step(&first, &code(&first_code)).send().await;
    answer.problem(400, "code_invalid");
}
