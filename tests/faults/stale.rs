//! Reads lag behind writes (row D9): a replica of DynamoDB that has not heard of anything yet
//! answers every read that would take it.

use latchkey_local::Options;
use latchkey_tests::{App, Device, Fault, Life, NEW_PASSWORD, PASSWORD, Rule};
use serde_json::json;

use crate::tables::Tables;

const EMAIL: &str = "ada@example.com";

/// A rule by which reads that don't ask for the present find nothing, ever.
fn behind() -> Rule {
    Rule::of(|seen| {
        if !seen.takes_stale() {
            return Fault::None;
        }
        match seen.operation.as_str() {
            "GetItem" => Fault::Answer("{}"),
            "BatchGetItem" => Fault::Answer(r#"{"Responses":{},"UnprocessedKeys":{}}"#),
            _ => Fault::Answer(r#"{"Items":[],"Count":0,"ScannedCount":0}"#),
        }
    })
}

/// Whether a stranger's wrong password was not looked at, since there were too many.
async fn is_locked_out(app: &App) -> bool {
    let body = json!({ "email": EMAIL, "password": "not the password" });
    let call = app.post("/api/auth/sign-in", &body);
    let answer = call.header("x-dev-client-ip", "198.51.100.7").send().await;
    let locked = answer.status == 429;
    if locked {
        answer.problem(429, "account_locked");
    } else {
        answer.problem(401, "invalid_credentials");
    }
    locked
}

#[tokio::test]
async fn nothing_that_decides_is_read_from_a_replica_that_lags() {
    let life = Life::of(Options::default()).await;
    let app = &life.app;
    life.faults.on_dynamodb(behind);
    let (admin, _) = app.first_admin().await;
    // Who has just signed up can verify, and sign in, and be found taken.
    let ada = app.person(EMAIL).await;
    let taken = app.sign_up(EMAIL).await;
    app.try_code(&taken, "000000")
        .await
        .problem(400, "code_invalid");
    let [one, two] = [app.sign_in(&ada).await, app.sign_in(&ada).await];
    let one = Device::from(&app.refresh(&one.refresh).await.json(200));
    app.me(&one.access).await.expect(200);
    let sessions = app.get("/api/auth/sessions").bearer(&one.access);
    let sessions = sessions.send().await.json(200);
    assert_eq!(sessions["sessions"].as_array().map(Vec::len), Some(2));
    // What has ended is over at once.
    let call = app.delete("/api/auth/user/logout").bearer(&two.access);
    call.send().await.expect(204);
    app.claim_over(&two).await;
    // A code is used once, and a count is exact.
    let reset = app.mailed_reset(EMAIL).await;
    let body = reset.with(json!({ "email": EMAIL, "password": NEW_PASSWORD }));
    app.forgot_password(&body).await.expect(200);
    let again = app.forgot_password(&body).await;
    again.problem(400, "code_expired");
    app.claim_over(&one).await;
    assert!(app.opens(EMAIL, NEW_PASSWORD).await);
    assert!(!app.opens(EMAIL, PASSWORD).await);
    for _ in 0..5 {
        assert!(!is_locked_out(app).await);
    }
    assert!(is_locked_out(app).await);
    app.advance(61).await;
    // Who is shut out is so at once, and back at once.
    let admin = app.sign_in(&admin).await;
    let signed_in = app
        .try_sign_in(json!({ "email": EMAIL }), NEW_PASSWORD)
        .await;
    let device = Device::from(&signed_in.json(200));
    app.set_status(&admin, &ada, "blocked").await.expect(200);
    app.claim_over(&device).await;
    let refused = app
        .try_sign_in(json!({ "email": EMAIL }), NEW_PASSWORD)
        .await;
    refused.problem(403, "account_blocked");
    app.set_status(&admin, &ada, "active").await.expect(200);
    assert!(app.opens(EMAIL, NEW_PASSWORD).await);
    app.stack.settle().await;
    Tables::of(app).await.hold("read from a replica that lags");
}
