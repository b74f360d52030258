//! Who is let into `/api/admin`.

use latchkey_tests::{App, Call, Device};
use serde_json::{Value, json};

use super::set_roles;

/// A good request of every route, about nobody that there is.
fn calls(app: &App) -> Vec<(&'static str, Call)> {
    let id = "01890a5d-ac96-774b-bcce-b302099a8057";
    let user = format!("/api/admin/users/{id}");
    let status = json!({ "status": "banned", "reason": "Spam." });
    let plan = json!({
        "name": "Team", "limits": {}, "period": "calendar", "maxSessions": 5,
    });
    vec![
        ("status", app.put(&format!("{user}/status"), &status)),
        (
            "plan",
            app.put(&format!("{user}/plan"), &json!({ "plan": "pro" })),
        ),
        ("unlock", app.post(&format!("{user}/unlock"), &Value::Null)),
        ("list", app.get("/api/admin/plans")),
        ("show", app.get("/api/admin/plans/free")),
        ("define", app.put("/api/admin/plans/team", &plan)),
        ("delete", app.delete("/api/admin/plans/team")),
    ]
}

async fn statuses(app: &App, device: &Device) -> Vec<(&'static str, u16)> {
    let mut statuses = Vec::new();
    for (name, call) in calls(app) {
        let answer = call.bearer(&device.access).send().await;
        statuses.push((name, answer.status.as_u16()));
    }
    statuses
}

#[tokio::test]
async fn a_user_without_the_permission_is_kept_out() {
    let app = App::start().await;
    let ada = app.person("ada@example.com").await;
    let device = app.sign_in(&ada).await;
    for (_, call) in calls(&app) {
        let answer = call.bearer(&device.access).send().await;
        answer.problem(403, "forbidden");
    }
}

#[tokio::test]
async fn an_admin_is_let_in() {
    let app = App::start().await;
    let (_, device) = app.first_admin().await;
    let expected = [
        ("status", 404),
        ("plan", 404),
        ("unlock", 404),
        ("list", 200),
        ("show", 200),
        ("define", 200),
        ("delete", 204),
    ];
    assert_eq!(statuses(&app, &device).await, expected);
}

#[tokio::test]
async fn a_role_counts_as_the_row_has_it_and_not_as_the_token_says() {
    let app = App::start().await;
    let (admin, device) = app.first_admin().await;
    // So that the check of the token itself reads no row.
    app.advance(20 * 60).await;
    let device = latchkey_tests::Device::from(&app.refresh(&device.refresh).await.json(200));
    set_roles(&app, &admin.id, &["user"]).await;
    assert_eq!(device.claims()["roles"], json!(["user", "admin"]));
    app.me(&device.access).await.expect(200);
    for (name, status) in statuses(&app, &device).await {
        assert_eq!(status, 403, "{name}");
    }
    set_roles(&app, &admin.id, &["user", "admin"]).await;
    app.get("/api/admin/plans")
        .bearer(&device.access)
        .send()
        .await
        .expect(200);
}
