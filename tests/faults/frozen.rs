//! The function is frozen between two requests, as Lambda does, and everything at the other ends
//! of its connections goes on without it (row L2).

use latchkey_local::Options;
use latchkey_tests::{Device, Life, PASSWORD, Redis, Rule, in_ci};
use secrecy::SecretString;
use serde_json::json;

use crate::tables::Tables;

const EMAIL: &str = "ada@example.com";
const HOURS: i64 = 60 * 60;

/// Ten hours, in which DynamoDB, SES and Redis close every connection. The first requests after it
/// find that out, and succeed; what has run out meanwhile has run out for them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_requests_after_a_freeze_succeed_and_know_the_time() {
    let Some(redis) = Redis::start().await else {
        assert!(!in_ci());
        return;
    };
    let life = Life::of(Options {
        hurried: true,
        redis_url: Some(SecretString::from(redis.url())),
        ..Options::default()
    })
    .await;
    let app = &life.app;
    let ada = app.person(EMAIL).await;
    let pending = app.sign_up("eve@example.com").await;
    let code = app.code_of(&pending).await;
    let mut device = app.sign_in(&ada).await;
    for _ in 0..3 {
        app.me(&device.access).await.expect(200);
        app.stack.settle().await;

        let frozen = life.freeze().await;
        let mut cut = 0;
        for wire in [
            &life.faults.store,
            &life.faults.courier_store,
            &life.faults.messages,
        ] {
            wire.faults(Rule::none());
            cut += wire.cut().await;
        }
        assert!(cut >= 2, "{cut}");
        let killed = redis.command("CLIENT KILL TYPE normal").await;
        assert_ne!(killed, ":0");
        app.stack.clock().advance(10 * HOURS).unwrap();
        drop(frozen);

        // The time is now's, for what it had in its hands before as well.
        app.me(&device.access).await.problem(401, "unauthenticated");
        device = Device::from(&app.refresh(&device.refresh).await.json(200));
        app.me(&device.access).await.expect(200);
        app.try_code(&pending, &code)
            .await
            .problem(400, "code_expired");
        assert!(app.opens(EMAIL, PASSWORD).await);
        // Redis is asked on a new connection, and so is SES.
        let name = json!({ "email": EMAIL });
        app.ask_otp(&name).await.expect(202);
        app.mail_to(EMAIL, "otp").await;
        Tables::of(app).await.hold("after a freeze");
    }
    assert_eq!(app.mails_to(EMAIL).await.len(), 4);
    assert!(app.stack.dead_letters().is_empty());
}

/// A mail that was on its way when the freeze came goes out after it, once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_freeze_interrupts_is_finished_after_it() {
    let life = Life::of(Options {
        hurried: true,
        ..Options::default()
    })
    .await;
    let app = &life.app;
    // The call of SES is under way, and its connection is closed while nobody listens.
    life.faults
        .messages
        .faults(Rule::nth(1, latchkey_tests::Fault::Silence));
    let pending = app.sign_up(EMAIL).await;
    life.faults.messages.has_seen(1).await;
    let frozen = life.freeze().await;
    life.faults.messages.cut().await;
    life.faults.courier_store.cut().await;
    drop(frozen);
    app.stack.settle().await;
    let mails = app.mails_to(EMAIL).await;
    assert_eq!(mails.len(), 1);
    app.try_code(&pending, &mails[0].code()).await.expect(200);
    assert!(app.stack.dead_letters().is_empty());
}
