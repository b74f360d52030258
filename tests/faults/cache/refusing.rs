//! Redis answers by errors: a replica, a full one, one that is still loading (row R3). Each is a
//! cache that can't be asked, and never one that has nothing against anybody.

use latchkey_tests::Redis;

use super::{Scene, by_marks, in_ci};

/// A port where no master listens.
const NO_MASTER: &str = "REPLICAOF 127.0.0.1 1";

#[tokio::test]
async fn a_replica_without_a_master_lets_nobody_in_and_nobody_through() {
    for (number, stale) in ["yes", "no"].into_iter().enumerate() {
        let Some(redis) = Redis::start().await else {
            assert!(!in_ci());
            return;
        };
        let scene = Scene::on(&redis).await;
        let serve = format!("CONFIG SET replica-serve-stale-data {stale}");
        assert_eq!(redis.command(&serve).await, "+OK");
        assert_eq!(redis.command(NO_MASTER).await, "+OK");
        let refusal = redis.command("SET x 1").await;
        assert!(
            refusal.starts_with("-READONLY") || refusal.starts_with("-MASTERDOWN"),
            "{refusal}"
        );
        scene.claim_who_is_in().await;
        scene
            .claim_counted_alone(&format!("203.0.113.{number}"))
            .await;

        // Who signs out now is out, though no mark can be written; also when this replica is the
        // master, which never had the mark.
        let app = &scene.life.app;
        let other = app.sign_in(&scene.ada).await;
        by_marks(app, &other).send().await.expect(200);
        let call = app.delete("/api/auth/user/logout").bearer(&other.access);
        call.send().await.expect(204);
        assert_eq!(redis.command("REPLICAOF NO ONE").await, "+OK");
        app.claim_over(&other).await;
        scene.claim_who_is_in().await;
        app.advance(10).await;
        app.claim_over(&other).await;
        scene.claim_who_is_in().await;
    }
}

#[tokio::test]
async fn a_full_redis_lets_nobody_in_and_nobody_through() {
    let Some(redis) = Redis::start().await else {
        assert!(!in_ci());
        return;
    };
    let scene = Scene::on(&redis).await;
    assert_eq!(redis.command("CONFIG SET maxmemory 1").await, "+OK");
    let refusal = redis.command("SET x 1").await;
    assert!(refusal.starts_with("-OOM"), "{refusal}");
    scene.claim_who_is_in().await;
    scene.claim_counted_alone("203.0.113.3").await;
    let app = &scene.life.app;
    let other = app.sign_in(&scene.ada).await;
    let call = app.delete("/api/auth/user/logout").bearer(&other.access);
    call.send().await.expect(204);
    app.claim_over(&other).await;

    assert_eq!(redis.command("CONFIG SET maxmemory 0").await, "+OK");
    app.advance(10).await;
    app.claim_over(&other).await;
    scene.claim_who_is_in().await;
}

#[tokio::test]
async fn a_redis_that_is_still_loading_lets_nobody_in_and_nobody_through() {
    let files = tempfile::tempdir().unwrap();
    let settings = [
        "--enable-debug-command",
        "yes",
        "--dir",
        files.path().to_str().unwrap(),
        // It answers others now and then while it loads.
        "--loading-process-events-interval-bytes",
        "1024",
    ];
    let Some(redis) = Redis::start_with(&settings).await else {
        assert!(!in_ci());
        return;
    };
    let scene = Scene::on(&redis).await;
    let filler = "x".repeat(2000);
    for number in 0..200 {
        let set = redis
            .command(&format!("SET filler:{number} {filler}"))
            .await;
        assert_eq!(set, "+OK");
    }
    // Half a second a key: longer than this test.
    let slow = redis.command("CONFIG SET key-load-delay 500000").await;
    assert_eq!(slow, "+OK");
    let reload = redis.command("DEBUG RELOAD");
    let asked = async {
        while !redis.command("GET x").await.starts_with("-LOADING") {}
        scene.claim_who_is_in().await;
        scene.claim_counted_alone("203.0.113.4").await;
        let refusal = redis.command("GET x").await;
        assert!(refusal.starts_with("-LOADING"), "{refusal}");
        redis.command("CONFIG SET key-load-delay 0").await
    };
    let (reloaded, quick) = tokio::join!(reload, asked);
    assert_eq!((&*reloaded, &*quick), ("+OK", "+OK"));
    scene.life.app.advance(10).await;
    scene.claim_who_is_in().await;
}
