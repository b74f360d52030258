//! Redis loses what it knows.

use latchkey_tests::Redis;

use super::{Scene, command};

#[tokio::test]
async fn a_redis_that_lost_everything_lets_nobody_in_and_signs_nobody_out() {
    let Some(redis) = Redis::start().await else {
        return;
    };
    let scene = Scene::on(&redis, None).await;
    let device = scene.sign_in().await;
    let eve = scene.app.person("eve@example.com").await;
    let other = scene.app.sign_in(&eve).await;
    scene.move_to("banned").await;
    scene.app.stack.settle().await;
    assert_eq!(command(&redis, "FLUSHALL"), "+OK");
    scene.is_out(&device).await;
    scene.is_in(&other).await;
}

#[tokio::test]
async fn a_mark_that_was_lost_alone_is_written_again() {
    let Some(redis) = Redis::start().await else {
        return;
    };
    let scene = Scene::on(&redis, None).await;
    let device = scene.sign_in().await;
    scene.move_to("banned").await;
    scene.app.stack.settle().await;
    let keys = format!(
        "DEL lk:deny:user:{} lk:deny:session:{}",
        scene.ada.id, device.session_id
    );
    assert_eq!(command(&redis, &keys), ":2");
    // Nothing but the mark stood against this token.
    assert!(scene.is_taken(&device.access).await);
    scene.app.advance(1).await;
    scene.is_out(&device).await;
}

#[tokio::test]
async fn a_flush_after_the_return_of_an_account_does_not_shut_it_out() {
    let Some(redis) = Redis::start().await else {
        return;
    };
    let scene = Scene::on(&redis, None).await;
    let old = scene.sign_in().await;
    scene.move_to("banned").await;
    scene.move_to("active").await;
    scene.app.stack.settle().await;
    command(&redis, "FLUSHALL");
    scene.app.advance(1).await;
    scene.is_out(&old).await;
    scene.is_in(&scene.sign_in().await).await;
}
