//! What happens while Redis or DynamoDB is away.

use latchkey_local::Options;
use latchkey_tests::{Fault, Life, PASSWORD, Redis, Rule, members};
use secrecy::SecretString;

use super::*;

#[track_caller]
fn is_away(answer: Answer) {
    assert!(answer.header("retry-after").is_some());
    answer.problem(503, "unavailable");
}

/// All is well again, once the breaker's pause is over.
async fn lift(life: &Life) {
    life.faults.lift();
    life.app.advance(2).await;
}

#[tokio::test]
async fn without_redis_apps_and_recovery_codes_go_on_and_messages_wait() {
    let Some(mut redis) = Redis::start().await else {
        return;
    };
    let ada = Ada::on(
        App::of(Options {
            redis_url: Some(SecretString::from(redis.url())),
            ..Options::default()
        })
        .await,
    )
    .await;
    let app = &ada.app;
    let grace = app.person("grace@example.com").await;
    let hers = app.sign_in(&grace).await;
    let recovery = app
        .enable_by_message(&hers, "email", "grace@example.com", "confirm_mfa_change")
        .await;
    redis.kill();
    let device = ada.sign_in().await;
    app.sign_in_with_code(EMAIL, &ada.recovery[0]).await;
    let proof = code(&ada.totp.next_code(app).await);
    app.step_up(&device, &proof).await.expect(200);
    // Who has mail alone gets a ticket, and no mail.
    let first = app.first_step("grace@example.com").await;
    assert!(!members(&first).contains(&"challenge"));
    let ask = json!({ "method": "email" });
    is_away(app.second_step(&first, &ask).send().await);
    is_away(app.enable(&device, &ask).await);
    is_away(app.disable(&hers, &ask).await);
    let answer = app.second_step(&first, &code(&recovery[0])).send().await;
    answer.expect(200);
    // A wrong code is counted all the same.
    for _ in 0..5 {
        let wrong = code(&ada.totp.wrong_code(app));
        ada.try_second(wrong).await.problem(400, "code_invalid");
    }
    let right = code(&ada.totp.next_code(app).await);
    ada.try_second(right).await.problem(429, "account_locked");
}

#[tokio::test]
async fn without_dynamodb_no_code_is_looked_at() {
    let life = Life::of(Options {
        hurried: true,
        ..Options::default()
    })
    .await;
    let app = &life.app;
    let ada = app.person(EMAIL).await;
    let device = app.sign_in(&ada).await;
    let begun = app.enable(&device, &json!({ "method": "totp" })).await;
    let begun = begun.json(200);
    let totp = TotpApp::of(&begun);
    let finish = json!({ "token": begun["token"], "code": totp.code(app) });
    life.faults.on_dynamodb(|| Rule::every(Fault::LostBefore));
    is_away(app.enable(&device, &finish).await);
    lift(&life).await;
    let enabled = app.enable(&device, &finish).await.json(200);
    let recovery = enabled["recoveryCodes"][0].as_str().unwrap();
    let right = totp.next_code(app).await;
    let first = app.first_step(EMAIL).await;
    life.faults.on_dynamodb(|| Rule::every(Fault::LostBefore));
    for shown in [&right, recovery] {
        let fields = code(shown);
        is_away(app.second_step(&first, &fields).send().await);
        is_away(app.step_up(&device, &fields).await);
        is_away(app.disable(&device, &fields).await);
        is_away(app.renew_recovery_codes(&device, &fields).await);
    }
    is_away(app.enable(&device, &json!({ "method": "email" })).await);
    for path in ["/api/auth/mfa", "/api/auth/trusted-devices"] {
        is_away(app.get(path).bearer(&device.access).send().await);
    }
    let path = "/api/auth/trusted-devices/01890a5d-ac96-774b-bcce-b302099a8057";
    is_away(app.delete(path).bearer(&device.access).send().await);
    lift(&life).await;
    // Nothing was used up.
    let answer = app.second_step(&first, &code(&right)).send().await;
    answer.expect(200);
    app.sign_in_with_code(EMAIL, recovery).await;
}

#[tokio::test]
async fn an_answer_that_was_lost_uses_a_code_up_once() {
    let life = Life::of(Options {
        hurried: true,
        ..Options::default()
    })
    .await;
    let app = &life.app;
    let ada = app.person(EMAIL).await;
    let device = app.sign_in(&ada).await;
    let (totp, _) = app.enable_totp(&device).await;
    let first = app.first_step(EMAIL).await;
    let right = code(&totp.code(app));
    // Every write lands, and is sent again because its answer never came.
    life.faults
        .on_dynamodb(|| Rule::first(20, Fault::LostAfter));
    let answer = app.second_step(&first, &right).send().await;
    lift(&life).await;
    assert!(
        [200, 400, 503].contains(&answer.status.as_u16()),
        "{}",
        answer.text
    );
    let sessions = app.get("/api/auth/sessions").bearer(&device.access);
    let sessions = sessions.send().await.json(200);
    let count = sessions["sessions"].as_array().unwrap().len();
    assert!(count <= 2, "{sessions}");
    if count == 2 {
        let again = app.first_step(EMAIL).await;
        let answer = app.second_step(&again, &right).send().await;
        answer.problem(400, "code_invalid");
    }
    let identity = json!({ "email": EMAIL });
    app.try_sign_in(identity, PASSWORD).await.expect(200);
}
