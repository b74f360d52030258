//! Redis is gone, or says nothing (rows R1 and R4).

use std::time::Duration;

use latchkey_tests::{Redis, at_once};
use tokio::time::Instant;

use super::{Scene, by_marks, in_ci};

/// Longer than the breaker rests at most.
const RESTED: i64 = 10;

/// Well under what as many calls would wait for a Redis that says nothing: 250 ms each.
const SPARED: Duration = Duration::from_secs(3);
const MANY: usize = 40;

/// Opens the breaker, and claims that nobody waits for Redis from then on.
async fn claim_spared(scene: &Scene) {
    // A request that no plan counts: of what a plan allows, an instance alone gives a tenth.
    let app = &scene.life.app;
    let sessions = || app.get("/api/auth/sessions").bearer(&scene.on.access);
    for _ in 0..3 {
        sessions().send().await.expect(200);
    }
    let begun = Instant::now();
    for _ in 0..MANY {
        sessions().send().await.expect(200);
    }
    assert!(begun.elapsed() < SPARED, "{:?}", begun.elapsed());
}

/// Claims that all come back at once and Redis is not overrun by it.
async fn claim_no_stampede(scene: &Scene, redis: &Redis) {
    let app = &scene.life.app;
    app.advance(RESTED).await;
    let before = redis.connections().await;
    let calls = (0..64).map(|_| by_marks(app, &scene.on));
    for answer in at_once(calls).await {
        answer.expect(200);
    }
    // The one that probes, one that all share, and this question.
    let opened = redis.connections().await - before;
    assert!(opened <= 3, "{opened}");
}

#[tokio::test]
async fn a_redis_that_refuses_connections_is_left_alone_and_found_again() {
    let Some(mut redis) = Redis::start().await else {
        assert!(!in_ci());
        return;
    };
    let scene = Scene::on(&redis).await;
    redis.kill();
    scene.claim_who_is_in().await;
    scene.claim_counted_alone("203.0.113.1").await;
    claim_spared(&scene).await;

    redis.restart().await;
    claim_no_stampede(&scene, &redis).await;
    scene.claim_who_is_in().await;
    // What counts in it goes on.
    let email = serde_json::json!({ "email": scene.ada.email });
    scene.life.app.ask_otp(&email).await.expect(202);
}

#[tokio::test]
async fn a_redis_that_says_nothing_is_left_alone_and_its_late_answers_are_nobody_s() {
    let Some(redis) = Redis::start().await else {
        assert!(!in_ci());
        return;
    };
    let scene = Scene::on(&redis).await;
    let app = &scene.life.app;
    redis.freeze();
    // Three whose answers come when nobody waits for them any more: two denials and a good word.
    for device in [&scene.out, &scene.banned] {
        let answer = by_marks(app, device).send().await;
        answer.problem(401, "unauthenticated");
    }
    by_marks(app, &scene.on).send().await.expect(200);
    claim_spared(&scene).await;
    scene.claim_counted_alone("203.0.113.2").await;

    redis.thaw();
    claim_no_stampede(&scene, &redis).await;
    for _ in 0..3 {
        by_marks(app, &scene.on).send().await.expect(200);
        let answer = by_marks(app, &scene.out).send().await;
        answer.problem(401, "unauthenticated");
    }
    scene.claim_who_is_in().await;
}
