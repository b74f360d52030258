//! A refresh at the moment of the change, before or beside the write of the marks.

use latchkey_tests::{Redis, at_once};
use serde_json::json;

use super::Scene;

#[tokio::test]
async fn before_the_marks_are_written_the_tables_refuse() {
    let Some(mut redis) = Redis::start().await else {
        return;
    };
    let scene = Scene::on(&redis, None).await;
    let device = scene.sign_in().await;
    // From now on nobody can write a mark, as if whoever does had died.
    redis.kill();
    scene.move_to("blocked").await;
    scene.is_out(&device).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_token_that_is_handed_out_beside_the_change_outlives_it() {
    for _ in 0..4 {
        let scene = Scene::start().await;
        let mut devices = Vec::new();
        for _ in 0..8 {
            devices.push(scene.sign_in().await);
        }
        let refreshes = devices.iter().map(|device| {
            let body = json!({ "refreshToken": device.refresh });
            scene.app.patch("/api/auth/user/refresh", &body)
        });
        let path = format!("/api/admin/users/{}/status", scene.ada.id);
        let body = json!({ "status": "banned", "reason": "A race." });
        let change = scene.app.put(&path, &body).bearer(&scene.admin.access);
        let answers = at_once(refreshes.chain([change])).await;
        let mut late = Vec::new();
        for answer in answers {
            let body: serde_json::Value = serde_json::from_str(&answer.text).unwrap();
            if answer.status == 200 && body["accessToken"].is_string() {
                late.push(latchkey_tests::Device::from(&body));
            }
        }
        for device in late.iter().chain(&devices) {
            scene.is_out(device).await;
        }
    }
}
