//! Somebody is signed in on several devices when they are shut out.

use super::Scene;

#[tokio::test]
async fn every_device_is_out_at_once_and_nobody_else() {
    let scene = Scene::start().await;
    let devices = [
        scene.sign_in().await,
        scene.sign_in().await,
        scene.sign_in().await,
    ];
    let eve = scene.app.person("eve@example.com").await;
    let other = scene.app.sign_in(&eve).await;
    scene.move_to("banned").await;
    for device in &devices {
        scene.is_out(device).await;
    }
    scene.is_in(&other).await;
    scene.is_in(&scene.admin).await;
}

#[tokio::test]
async fn they_stay_out_when_the_marks_have_lapsed() {
    let scene = Scene::start().await;
    let devices = [scene.sign_in().await, scene.sign_in().await];
    scene.move_to("deactivated").await;
    for _ in 0..3 {
        scene.app.advance(super::DENY_LIFE).await;
        for device in &devices {
            scene.is_out(device).await;
        }
    }
}
