//! The service's clock steps back by five minutes (row T2).

use std::fs;

use latchkey_tests::{Device, Life, NEW_PASSWORD, PASSWORD};
use serde_json::json;

use crate::tables::Tables;

const EMAIL: &str = "ada@example.com";
const STEP: i64 = 5 * 60;

#[tokio::test]
async fn a_clock_that_steps_back_revives_nothing() {
    let data = tempfile::tempdir().unwrap();
    let life = Life::on(data.path()).await;
    let app = &life.app;
    let ada = app.person(EMAIL).await;
    let out = app.sign_in(&ada).await;
    // Over for longer than the step before it.
    let late = app.sign_up("late@example.com").await;
    let late_code = app.code_of(&late).await;
    app.advance(10 * 60 + STEP + 1).await;
    let device = app.sign_in(&ada).await;
    let stolen = device.refresh.clone();
    let device = Device::from(&app.refresh(&device.refresh).await.json(200));
    let device = Device::from(&app.refresh(&device.refresh).await.json(200));
    let out = Device::from(&app.refresh(&out.refresh).await.json(200));
    let call = app.delete("/api/auth/user/logout").bearer(&out.access);
    call.send().await.expect(204);
    let eve = app.sign_up("eve@example.com").await;
    let code = app.code_of(&eve).await;
    app.try_code(&eve, &code).await.expect(200);
    let reset = app.mailed_reset("eve@example.com").await;
    let reset = reset.with(json!({ "email": "eve@example.com", "password": NEW_PASSWORD }));
    app.forgot_password(&reset).await.expect(200);
    app.stack.settle().await;
    life.kill().await;

    let file = data.path().join("clock-offset-seconds");
    let offset: i64 = fs::read_to_string(&file).unwrap().trim().parse().unwrap();
    fs::write(&file, (offset - STEP).to_string()).unwrap();
    let life = Life::on(data.path()).await;
    let app = &life.app;
    app.claim_over(&out).await;
    app.try_code(&late, &late_code)
        .await
        .problem(400, "code_expired");
    app.try_code(&eve, &code).await.problem(400, "code_expired");
    let again = app.forgot_password(&reset).await;
    again.problem(400, "code_expired");
    assert!(!app.opens("eve@example.com", PASSWORD).await);
    // The end of all sessions lies ahead by this clock, and a session that begins after it.
    assert!(app.opens("eve@example.com", NEW_PASSWORD).await);
    // Who is signed in stays so, and a stolen token is still known by its counter.
    let device = Device::from(&app.refresh(&device.refresh).await.json(200));
    app.me(&device.access).await.expect(200);
    app.refresh(&stolen)
        .await
        .problem(401, "refresh_token_reused");
    app.claim_over(&device).await;
    app.advance(STEP + 1).await;
    assert!(app.opens("eve@example.com", NEW_PASSWORD).await);
    app.stack.settle().await;
    Tables::of(app).await.hold("stepped back");
}
