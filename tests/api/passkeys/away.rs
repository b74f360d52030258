//! What happens while Redis or DynamoDB is away.

use latchkey_local::Options;
use latchkey_tests::{Answer, Fault, Life, Passkey, Redis, Rule};
use secrecy::SecretString;
use serde_json::json;

use super::*;

#[track_caller]
fn is_away(answer: Answer) {
    assert!(answer.header("retry-after").is_some());
    answer.problem(503, "unavailable");
}

#[tokio::test]
async fn without_redis_there_are_no_ceremonies_and_the_list_goes_on() {
    let Some(mut redis) = Redis::start().await else {
        return;
    };
    let app = App::of(Options {
        redis_url: Some(SecretString::from(redis.url())),
        ..Options::default()
    })
    .await;
    let ada = app.person("ada@example.com").await;
    let device = app.sign_in(&ada).await;
    let passkey = app.register_passkey(&device).await;
    let (request, creation) = (
        app.passkey_request().await,
        app.passkey_creation(&device).await,
    );
    redis.kill();
    let signed = passkey.sign(&request);
    is_away(app.passkey_sign_in(&signed).send().await);
    let (_, made) = Passkey::make(&creation);
    is_away(app.try_register(&device, &made).await);
    let proof = json!({ "passkey": signed });
    is_away(app.step_up(&device, &proof).await);
    is_away(
        app.ask_passkey("sign-in/passkey/options", None)
            .send()
            .await,
    );
    for path in ["passkeys/register/options", "step-up/passkey/options"] {
        is_away(app.ask_passkey(path, Some(&device)).send().await);
    }
    let listed = app.passkeys(&device).await;
    let path = format!("/api/auth/passkeys/{}", text(&listed[0], "id"));
    let call = app.delete(&path).bearer(&device.access);
    call.send().await.expect(204);
}

#[tokio::test]
async fn without_dynamodb_nobody_gets_in() {
    let life = Life::of(Options {
        hurried: true,
        ..Options::default()
    })
    .await;
    let app = &life.app;
    let ada = app.person("ada@example.com").await;
    let device = app.sign_in(&ada).await;
    let passkey = app.register_passkey(&device).await;
    let request = app.passkey_request().await;
    let (_, made) = Passkey::make(&app.passkey_creation(&device).await);
    life.faults.on_dynamodb(|| Rule::every(Fault::LostBefore));
    is_away(app.passkey_sign_in(&passkey.sign(&request)).send().await);
    is_away(app.try_register(&device, &made).await);
    let listed = app.get("/api/auth/passkeys").bearer(&device.access);
    is_away(listed.send().await);
    // The options of a sign-in need nothing of it.
    app.passkey_request().await;
    life.faults.lift();
}
