//! Somebody is let back in before the marks of their block have lapsed.

use jiff::SignedDuration;
use latchkey_shared::clock::Clock;
use serde_json::json;

use super::Scene;

#[tokio::test]
async fn they_are_in_at_once_and_their_old_tokens_are_not() {
    let scene = Scene::start().await;
    let old = scene.sign_in().await;
    for status in ["blocked", "paused", "deactivated", "banned"] {
        scene.move_to(status).await;
        scene.move_to("active").await;
        scene.is_out(&old).await;
        let new = scene.sign_in().await;
        scene.is_in(&new).await;
        // What `courier` writes after the two changes nothing.
        scene.app.stack.settle().await;
        scene.is_in(&scene.sign_in().await).await;
        scene.is_out(&old).await;
    }
}

#[tokio::test]
async fn the_end_of_a_block_that_was_lifted_early_ends_nothing() {
    let scene = Scene::start().await;
    let path = format!("/api/admin/users/{}/status", scene.ada.id);
    let until = scene.app.stack.clock().now() + SignedDuration::from_hours(1);
    let body = json!({ "status": "blocked", "reason": "Spam.", "until": until });
    let call = scene.app.put(&path, &body).bearer(&scene.admin.access);
    call.send().await.expect(200);
    scene.move_to("active").await;
    // A block without an end, after the one with: the first one's end is not this one's.
    scene.move_to("blocked").await;
    scene.app.advance(2 * 60 * 60).await;
    let identity = json!({ "email": scene.ada.email });
    let answer = scene.app.try_sign_in(identity, latchkey_tests::PASSWORD);
    answer.await.problem(403, "account_blocked");
}
