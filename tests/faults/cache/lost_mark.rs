//! A mark that was lost alone, behind the back of everybody (row R7): a failover to a replica that
//! missed it, after it had been acknowledged.
//!
//! No entry says anything of a user but the marks, so there is none whose version could be
//! compared. What a lost mark opens is bounded: routes that change who can get in read the account
//! from DynamoDB every time; the rest takes the access token until `janitor` or `courier` writes
//! the mark again, a minute at most for an account that is shut out, and never past the token's
//! quarter of an hour.

use latchkey_tests::{Call, Device, NEW_PASSWORD, PASSWORD, Redis};
use serde_json::json;

use super::{Scene, by_marks, in_ci};

/// What a stolen session must not do, and what is told of the account.
fn sensitive(scene: &Scene, device: &Device) -> Vec<(&'static str, Call)> {
    let app = &scene.life.app;
    let current = json!({ "password": NEW_PASSWORD, "currentPassword": PASSWORD });
    let email = json!({ "email": "other@example.com" });
    let phone = json!({ "phoneNumber": "+46701740605" });
    let password = json!({ "password": PASSWORD });
    let deletion = json!({ "currentPassword": PASSWORD });
    let status = json!({ "status": "banned", "reason": "For a test." });
    let ada = format!("/api/admin/users/{}/status", scene.ada.id);
    [
        ("me", app.get("/api/auth/user/me")),
        ("password", app.patch("/api/auth/edit/password", &current)),
        ("email", app.patch("/api/auth/edit/email", &email)),
        ("phone", app.patch("/api/auth/edit/phone", &phone)),
        ("step-up", app.post("/api/auth/step-up", &password)),
        ("export", app.get("/api/auth/user/export")),
        ("deletion", app.delete("/api/auth/user").json(&deletion)),
        ("admin", app.put(&ada, &status)),
    ]
    .map(|(name, call)| (name, call.bearer(&device.access)))
    .into()
}

#[tokio::test]
async fn without_its_mark_nothing_sensitive_is_open_to_who_is_out() {
    let Some(redis) = Redis::start().await else {
        assert!(!in_ci());
        return;
    };
    let scene = Scene::on(&redis).await;
    let app = &scene.life.app;
    for (whose, device) in [("banned", &scene.banned), ("signed out", &scene.out)] {
        for key in redis.keys("lk:deny:user:*").await {
            redis.command(&format!("DEL {key}")).await;
        }
        for key in redis.keys("lk:deny:session:*").await {
            redis.command(&format!("DEL {key}")).await;
        }
        // Nothing but the mark stood against this token where the tables are not asked.
        by_marks(app, device).send().await.expect(200);
        for (name, call) in sensitive(&scene, device) {
            let answer = call.send().await;
            assert_eq!(answer.status, 401, "{name} {whose}: {}", answer.text);
        }
        let answer = app.refresh(&device.refresh).await;
        answer.problem(401, "session_expired");
    }
    // `janitor` comes every minute.
    app.advance(60).await;
    let answer = by_marks(app, &scene.banned).send().await;
    answer.problem(401, "unauthenticated");
    // For a session that ended nobody does, but its token has its end.
    app.advance(15 * 60).await;
    app.claim_over(&scene.out).await;
    let call = app.get("/api/auth/user/events").bearer(&scene.admin.access);
    call.send().await.problem(401, "unauthenticated");
}
