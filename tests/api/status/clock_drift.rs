//! The instances' clocks do not agree.

use std::fs;

use latchkey_tests::{App, Redis};

use super::{Scene, on_redis};

/// How far one instance's clock is ahead: less than a token from the future is forgiven.
const AHEAD: i64 = 20;

/// The same service on an instance whose clock is behind by [`AHEAD`].
async fn behind(scene: Scene, redis: &Redis, data: &std::path::Path) -> Scene {
    let Scene { app, admin, ada } = scene;
    app.stop().await;
    let file = data.join("clock-offset-seconds");
    let offset: i64 = fs::read_to_string(&file).unwrap().trim().parse().unwrap();
    fs::write(&file, (offset - AHEAD).to_string()).unwrap();
    let app = App::of(on_redis(redis, Some(data))).await;
    Scene { app, admin, ada }
}

#[tokio::test]
async fn a_session_of_a_fast_clock_is_denied_by_a_slow_one() {
    let Some(redis) = Redis::start().await else {
        return;
    };
    let data = tempfile::tempdir().unwrap();
    let scene = Scene::on(&redis, Some(data.path())).await;
    scene.app.advance(AHEAD).await;
    let device = scene.sign_in().await;
    let scene = behind(scene, &redis, data.path()).await;
    assert!(scene.is_taken(&device.access).await);
    scene.move_to("banned").await;
    scene.is_out(&device).await;
    // Nor does it come back with the account.
    scene.move_to("active").await;
    scene.is_out(&device).await;
}

#[tokio::test]
async fn a_slow_clock_s_change_holds_after_a_fast_one_s() {
    let Some(redis) = Redis::start().await else {
        return;
    };
    let data = tempfile::tempdir().unwrap();
    let scene = Scene::on(&redis, Some(data.path())).await;
    scene.app.advance(AHEAD).await;
    scene.move_to("banned").await;
    let scene = behind(scene, &redis, data.path()).await;
    scene.move_to("active").await;
    scene.app.stack.settle().await;
    // A session begins after the last end of all sessions, which the fast clock timed.
    scene.app.advance(AHEAD + 1).await;
    scene.is_in(&scene.sign_in().await).await;
}
