//! Several changes of one account at once.

use std::collections::BTreeSet;

use latchkey_tests::{Answer, at_once};
use serde_json::{Value, json};

use super::Scene;

/// What is written down of the account's moves, newest first.
async fn moves(scene: &Scene) -> Vec<Value> {
    let device = scene.sign_in().await;
    let events = scene
        .app
        .get("/api/auth/user/events")
        .bearer(&device.access)
        .send()
        .await
        .json(200);
    let events = events["events"].as_array().unwrap().iter();
    events
        .filter(|event| event["type"] == "user.status_changed")
        .map(|event| event["data"].clone())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_either_follows_the_one_before_or_is_refused() {
    let scene = Scene::start().await;
    scene.move_to("blocked").await;
    let path = format!("/api/admin/users/{}/status", scene.ada.id);
    let calls = (0..20).map(|number| {
        let body = json!({ "status": "blocked", "reason": format!("Reason {number}.") });
        scene.app.put(&path, &body).bearer(&scene.admin.access)
    });
    let answers = at_once(calls).await;
    let (done, refused): (Vec<Answer>, Vec<Answer>) =
        answers.into_iter().partition(|answer| answer.status == 200);
    assert!(!refused.is_empty(), "no two met");
    for answer in refused {
        answer.problem(409, "conflict");
    }
    scene.move_to("active").await;
    let moves = moves(&scene).await;
    // One before them, and one after.
    assert_eq!(moves.len(), done.len() + 2);
    let versions: BTreeSet<u64> = moves
        .iter()
        .map(|event| event["version"].as_u64().unwrap())
        .collect();
    assert_eq!(versions.len(), moves.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_marks_are_those_of_the_last() {
    let scene = Scene::start().await;
    for _ in 0..5 {
        scene.move_to("banned").await;
        let path = format!("/api/admin/users/{}/status", scene.ada.id);
        let calls = (0..10).map(|number| {
            let status = ["active", "paused"][number % 2];
            let body = json!({ "status": status, "reason": "A race." });
            scene.app.put(&path, &body).bearer(&scene.admin.access)
        });
        at_once(calls).await;
        scene.app.stack.settle().await;
        let identity = json!({ "email": scene.ada.email });
        let answer = scene.app.try_sign_in(identity, latchkey_tests::PASSWORD);
        let answer = answer.await;
        if answer.status == 200 {
            let device = latchkey_tests::Device::from(&answer.json(200));
            scene.is_in(&device).await;
        } else {
            answer.problem(403, "account_paused");
        }
    }
}
