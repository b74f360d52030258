//! A block runs out.

use jiff::SignedDuration;
use latchkey_shared::clock::Clock;
use latchkey_tests::PASSWORD;
use serde_json::json;

use super::Scene;

#[tokio::test]
async fn who_was_blocked_for_an_hour_is_in_after_it_and_told() {
    for status in ["blocked", "paused"] {
        let scene = Scene::start().await;
        let old = scene.sign_in().await;
        let until = scene.app.stack.clock().now() + SignedDuration::from_hours(1);
        let body = json!({ "status": status, "reason": "Spam.", "until": until });
        let path = format!("/api/admin/users/{}/status", scene.ada.id);
        let call = scene.app.put(&path, &body).bearer(&scene.admin.access);
        call.send().await.expect(200);

        let identity = json!({ "email": scene.ada.email });
        scene.app.advance(59 * 60).await;
        let answer = scene.app.try_sign_in(identity, PASSWORD).await;
        answer.problem(403, &format!("account_{status}"));

        scene.app.advance(61).await;
        let device = scene.sign_in().await;
        scene.is_in(&device).await;
        scene.is_out(&old).await;
        let mails = scene.app.mails_to(&scene.ada.email).await;
        let told = mails
            .iter()
            .filter(|mail| mail.template == "account_active");
        assert_eq!(told.count(), 1);
    }
}
