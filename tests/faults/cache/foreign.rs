//! What we did not write is under our keys (row R5), and what we wrote has lost its expiry (R6).

use std::collections::BTreeSet;

use latchkey_tests::{App, PASSWORD, Redis};
use serde_json::json;

use super::{Scene, in_ci};

const HOUR: i64 = 60 * 60;

/// Where everything here comes from that is counted by source.
const SOURCE: &str = "203.0.113.77";

/// Every kind of entry that requests leave, and what is done when it can't be read: an entry of a
/// new kind needs an answer to that too.
const KINDS: [&str; 17] = [
    // The tables are read.
    "deny",
    // This instance counts alone, a tenth.
    "route",
    "plan",
    // 503: nobody could count what goes out to somebody.
    "codes",
    "change",
    "forgot-password",
    "otp",
    "resend-verification",
    "step-up",
    "sms-account",
    "sms-prefix",
    "sms-source",
    // Sent all the same: a mail costs next to nothing, and each kind of request has a limit above.
    "mail-account",
    "mail-domain",
    "sign-up-mails",
    // Not counted: the durable lockout of each account holds.
    "stuffing",
    "stuffing-seen",
];

/// Leaves an entry of each kind.
async fn fill(scene: &Scene) {
    let app = &scene.life.app;
    let from = |call: latchkey_tests::Call| call.header("x-dev-client-ip", SOURCE);
    let more = json!({ "phoneNumber": "+46701740605" });
    app.person_with("bob@example.com", &more).await;
    let pending = app.sign_up("pending@example.com").await;
    let resend = json!({ "email": pending.email });
    let call = app.post("/api/auth/resend/verify/email", &resend);
    from(call).send().await.expect(202);
    for name in [
        json!({ "email": scene.ada.email }),
        json!({ "phoneNumber": "+46701740605" }),
    ] {
        let call = app.post("/api/auth/generate-otp", &name);
        from(call).send().await.expect(202);
    }
    let forgotten = json!({ "email": scene.ada.email });
    app.forgot_password(&forgotten).await.expect(202);
    let email = json!({ "email": "other@example.com" });
    app.edit(&scene.on, "email", &email).await.expect(202);
    app.step_up(&scene.on, &json!({ "method": "email" }))
        .await
        .expect(202);
    let wrong = json!({ "email": "nobody@example.com", "password": PASSWORD });
    let call = from(app.post("/api/auth/sign-in", &wrong));
    call.send().await.problem(401, "invalid_credentials");
    app.me(&scene.on.access).await.expect(200);
    app.stack.settle().await;
}

fn kind(key: &str) -> &str {
    key.split(':').nth(1).unwrap()
}

/// Claims that what sends something to somebody, and is counted only in Redis, is refused.
async fn claim_nothing_is_sent(app: &App, scene: &Scene) {
    let before = app.inbox().await.len();
    let ada = json!({ "email": scene.ada.email });
    let number = json!({ "phoneNumber": "+46701740605" });
    let email = json!({ "email": "other@example.com" });
    let pending = json!({ "email": "pending@example.com" });
    for (name, call) in [
        ("otp", app.post("/api/auth/generate-otp", &ada)),
        ("sms", app.post("/api/auth/generate-otp", &number)),
        ("forgot", app.patch("/api/auth/forgot/password", &ada)),
        (
            "resend",
            app.post("/api/auth/resend/verify/email", &pending),
        ),
        (
            "change",
            app.patch("/api/auth/edit/email", &email)
                .bearer(&scene.on.access),
        ),
        (
            "step-up",
            app.post("/api/auth/step-up", &json!({ "method": "email" }))
                .bearer(&scene.on.access),
        ),
    ] {
        let answer = call.send().await;
        assert_eq!(answer.status, 503, "{name}: {}", answer.text);
        answer.problem(503, "unavailable");
    }
    assert_eq!(app.inbox().await.len(), before);
}

#[tokio::test]
async fn garbage_under_any_key_opens_nothing() {
    let Some(redis) = Redis::start().await else {
        assert!(!in_ci());
        return;
    };
    let scene = Scene::on(&redis).await;
    let app = &scene.life.app;
    fill(&scene).await;
    let keys = redis.keys("lk:*").await;
    let kinds: BTreeSet<&str> = keys.iter().map(|key| kind(key)).collect();
    assert_eq!(kinds, BTreeSet::from(KINDS));
    // By the clock there is room again under every limit.
    app.advance(61).await;
    let on = app.sign_in(&scene.ada).await;
    for garbage in ["many", "12", "n:9790000000000:many"] {
        for key in redis.keys("lk:*").await {
            assert_eq!(redis.command(&format!("SET {key} {garbage}")).await, "+OK");
        }
        scene.claim_who_is_in().await;
        app.me(&on.access).await.expect(200);
        claim_nothing_is_sent(app, &scene).await;
    }
    // Three from here, as an instance that counts alone admits, and no more.
    let wrong = json!({ "email": "nobody@example.com", "password": PASSWORD });
    for admitted in [true, true, true, false] {
        let call = app.post("/api/auth/sign-in", &wrong);
        let answer = call.header("x-dev-client-ip", SOURCE).send().await;
        if admitted {
            answer.problem(401, "invalid_credentials");
        } else {
            answer.problem(429, "rate_limited");
        }
    }
    // Sign-ups go on, and their mail with them.
    app.person("new@example.com").await;
    // When it has been cleared away, all is well.
    redis.flush().await;
    let asked = json!({ "email": scene.ada.email });
    app.ask_otp(&asked).await.expect(202);
    scene.claim_who_is_in().await;
}

#[tokio::test]
async fn every_entry_has_an_expiry_and_nobody_is_kept_out_by_one_that_lost_it() {
    let Some(redis) = Redis::start().await else {
        assert!(!in_ci());
        return;
    };
    let scene = Scene::on(&redis).await;
    let app = &scene.life.app;
    fill(&scene).await;
    for key in redis.keys("lk:*").await {
        let left = redis.command(&format!("PTTL {key}")).await;
        let left: i64 = left.trim_start_matches(':').parse().unwrap();
        if key == "lk:deny:since" {
            assert_eq!(left, -1);
            continue;
        }
        // A day is the longest that anything is counted, but for the month of a plan. The key of
        // that says which month it is, so that it ends with it in any case.
        let days = if kind(&key) == "plan" { 31 } else { 1 };
        let longest = (days * 24 + 1) * HOUR * 1000;
        assert!((1..=longest).contains(&left), "{key}: {left}");
        assert_eq!(redis.command(&format!("PERSIST {key}")).await, ":1");
    }
    let ada = json!({ "email": scene.ada.email });
    app.ask_otp(&ada).await.problem(429, "rate_limited");
    app.advance(25 * HOUR).await;
    app.ask_otp(&ada).await.expect(202);
    app.ask_otp(&json!({ "phoneNumber": "+46701740605" }))
        .await
        .expect(202);
    // And nobody is kept in.
    for device in [&scene.on, &scene.out, &scene.banned] {
        let answer = app.me(&device.access).await;
        answer.problem(401, "unauthenticated");
    }
    assert!(app.opens(&scene.ada.email, PASSWORD).await);
}
