//! Options are good once, for 5 minutes.

use latchkey_tests::{Passkey, at_once};

use super::*;

const LIFE: i64 = 5 * 60;

#[tokio::test]
async fn a_proof_opens_once() {
    let (app, _, device) = app_with_ada().await;
    let passkey = app.register_passkey(&device).await;
    let made = passkey.sign(&app.passkey_request().await);
    app.passkey_sign_in(&made).send().await.expect(200);
    let answer = app.passkey_sign_in(&made).send().await;
    answer.problem(401, "invalid_credentials");
}

#[tokio::test]
async fn twenty_proofs_of_one_challenge_open_once() {
    let (app, _, device) = app_with_ada().await;
    let passkey = app.register_passkey(&device).await;
    let options = app.passkey_request().await;
    let calls = (0..20).map(|_| app.passkey_sign_in(&passkey.sign(&options)));
    let mut opened = 0;
    for answer in at_once(calls).await {
        if answer.status == 200 {
            opened += 1;
        } else {
            answer.problem(401, "invalid_credentials");
        }
    }
    assert_eq!(opened, 1);
    let path = "/api/auth/sessions";
    let sessions = app.get(path).bearer(&device.access).send().await.json(200);
    assert_eq!(sessions["sessions"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn two_devices_with_one_counter_open_once() {
    let (app, _, device) = app_with_ada().await;
    let passkey = app.register_with(&device, &Ceremony::counting(1)).await;
    let mut calls = Vec::new();
    for _ in 0..4 {
        let options = app.passkey_request().await;
        let made = passkey.sign_with(&options, &Ceremony::counting(2));
        calls.push(app.passkey_sign_in(&made));
    }
    let answers = at_once(calls).await;
    let opened = answers.iter().filter(|answer| answer.status == 200);
    assert_eq!(opened.count(), 1);
}

#[tokio::test]
async fn a_new_passkey_is_taken_once() {
    let (app, _, device) = app_with_ada().await;
    let options = app.passkey_creation(&device).await;
    let mut calls = Vec::new();
    for _ in 0..10 {
        let (_, made) = Passkey::make(&options);
        let call = app.post("/api/auth/passkeys/register/verify", &made);
        calls.push(call.bearer(&device.access));
    }
    let mut taken = 0;
    for answer in at_once(calls).await {
        if answer.status == 201 {
            taken += 1;
        } else {
            answer.problem(400, "passkey_invalid");
        }
    }
    assert_eq!(taken, 1);
    assert_eq!(app.passkeys(&device).await.len(), 1);
}

#[tokio::test]
async fn options_end_after_five_minutes() {
    let (app, _, device) = app_with_ada().await;
    let passkey = app.register_passkey(&device).await;
    let (request, creation) = (
        app.passkey_request().await,
        app.passkey_creation(&device).await,
    );
    let late = app.passkey_request().await;
    app.advance(LIFE - 5).await;
    let answer = app.passkey_sign_in(&passkey.sign(&request)).send().await;
    answer.expect(200);
    app.advance(6).await;
    let answer = app.passkey_sign_in(&passkey.sign(&late)).send().await;
    answer.problem(401, "invalid_credentials");
    let (_, made) = Passkey::make(&creation);
    let answer = app.try_register(&device, &made).await;
    answer.problem(400, "passkey_invalid");
}

#[tokio::test]
async fn options_of_one_purpose_serve_no_other() {
    let (app, _, device) = app_with_ada().await;
    let passkey = app.register_passkey(&device).await;
    let call = app.ask_passkey("step-up/passkey/options", Some(&device));
    let step_up = call.send().await.json(200);
    let creation = app.passkey_creation(&device).await;
    for options in [step_up, creation] {
        let answer = app.passkey_sign_in(&passkey.sign(&options)).send().await;
        answer.problem(401, "invalid_credentials");
    }
}
