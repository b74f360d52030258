//! `PUT /api/admin/users/{id}/status`

use jiff::{SignedDuration, Timestamp};
use latchkey_shared::clock::Clock;
use latchkey_tests::{Answer, App, Device, PASSWORD, Person, at_once, members};
use serde_json::{Value, json};

use super::set_roles;

/// The statuses that an admin can give to somebody in good standing.
const SHUT_OUT: [&str; 5] = [
    "blocked",
    "paused",
    "deactivated",
    "banned",
    "security_issue",
];

struct Scene {
    app: App,
    admin: Person,
    device: Device,
    ada: Person,
}

impl Scene {
    async fn start() -> Self {
        let app = App::start().await;
        let (admin, device) = app.first_admin().await;
        let ada = app.person("ada@example.com").await;
        Self {
            app,
            admin,
            device,
            ada,
        }
    }

    async fn put(&self, id: &str, body: &Value) -> Answer {
        self.app
            .put(&format!("/api/admin/users/{id}/status"), body)
            .bearer(&self.device.access)
            .send()
            .await
    }

    async fn sign_in(&self) -> Answer {
        let identity = json!({ "email": self.ada.email });
        self.app.try_sign_in(identity, PASSWORD).await
    }

    fn in_an_hour(&self) -> Timestamp {
        self.app.stack.clock().now() + SignedDuration::from_hours(1)
    }
}

#[tokio::test]
async fn every_status_keeps_its_owner_out_until_they_are_active_again() {
    let scene = Scene::start().await;
    for status in SHUT_OUT {
        let device = scene.app.sign_in(&scene.ada).await;
        let body = json!({ "status": status, "reason": "Spam." });
        let answer = scene.put(&scene.ada.id, &body).await;
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let answer = answer.json(200);
        assert_eq!(members(&answer), ["reason", "until", "user"]);
        assert_eq!(answer["user"]["status"], status);
        assert_eq!(answer["user"]["id"], scene.ada.id.as_str());
        assert_eq!(answer["reason"], "Spam.");
        assert_eq!(answer["until"], Value::Null);

        scene
            .app
            .me(&device.access)
            .await
            .problem(401, "unauthenticated");
        let refreshed = scene.app.refresh(&device.refresh).await;
        refreshed.problem(401, "session_expired");
        let code = format!("account_{status}");
        scene.sign_in().await.problem(403, &code);
        // Who does not know the password learns nothing of it.
        let identity = json!({ "email": scene.ada.email });
        let wrong = scene.app.try_sign_in(identity, "not the password").await;
        wrong.problem(401, "invalid_credentials");

        let answer = scene
            .app
            .set_status(&scene.device, &scene.ada, "active")
            .await;
        assert_eq!(answer.json(200)["user"]["status"], "active");
        let signed_in = Device::from(&scene.sign_in().await.json(200));
        scene.app.me(&signed_in.access).await.expect(200);
    }
}

#[tokio::test]
async fn the_owner_is_told_of_each_and_not_why() {
    let scene = Scene::start().await;
    for (status, template) in [
        ("blocked", "account_blocked"),
        ("paused", "account_paused"),
        ("deactivated", "account_deactivated"),
        ("banned", "account_banned"),
        ("security_issue", "account_secured"),
        ("active", "account_active"),
    ] {
        let body = json!({ "status": status, "reason": "Nobody else must read this." });
        scene.put(&scene.ada.id, &body).await.expect(200);
        let mail = scene.app.mail_to(&scene.ada.email, template).await;
        assert!(!mail.text.contains("Nobody"), "{}", mail.text);
    }
    let body = json!({ "status": "blocked", "reason": "Spam.", "until": "2999-02-03T04:05:06Z" });
    let answer = scene.put(&scene.ada.id, &body).await.json(200);
    assert_eq!(answer["until"], "2999-02-03T04:05:06Z");
    let mail = scene.app.mail_to(&scene.ada.email, "account_blocked").await;
    let told = mail.text.contains("Until: 3 February 2999, 04:05 UTC");
    assert!(told, "{}", mail.text);
}

#[tokio::test]
async fn the_owner_s_audit_log_has_it() {
    let scene = Scene::start().await;
    let until = scene.in_an_hour();
    let body = json!({ "status": "blocked", "reason": "Spam.", "until": until });
    scene.put(&scene.ada.id, &body).await.expect(200);
    let again = scene
        .app
        .set_status(&scene.device, &scene.ada, "active")
        .await;
    again.expect(200);
    let device = scene.app.sign_in(&scene.ada).await;
    let events = scene
        .app
        .get("/api/auth/user/events")
        .bearer(&device.access)
        .send()
        .await
        .json(200);
    let events: Vec<&Value> = events["events"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["type"] == "user.status_changed")
        .map(|event| &event["data"])
        .collect();
    let [back, away] = events[..] else {
        panic!("{events:?}");
    };
    assert_eq!(away["from"], "active");
    assert_eq!(away["to"], "blocked");
    assert_eq!(away["reason"], "Spam.");
    assert_eq!(away["by"], scene.admin.id.as_str());
    assert!(away["until"].is_string());
    assert_eq!(back["from"], "blocked");
    assert_eq!(back["to"], "active");
    assert!(back["version"].as_u64() > away["version"].as_u64());
}

#[tokio::test]
async fn what_makes_no_sense_is_named() {
    let scene = Scene::start().await;
    let long = "x".repeat(501);
    for (body, expected) in [
        (
            json!({}),
            vec![("reason", "required"), ("status", "required")],
        ),
        (
            json!({ "status": "gone", "reason": " " }),
            vec![("reason", "empty"), ("status", "invalid_choice")],
        ),
        (
            json!({ "status": 7, "reason": 7, "until": 7 }),
            vec![
                ("reason", "invalid_type"),
                ("status", "invalid_type"),
                ("until", "invalid_type"),
            ],
        ),
        (
            json!({ "status": "Banned", "reason": long }),
            vec![("reason", "too_long"), ("status", "invalid_choice")],
        ),
        (
            json!({ "status": "blocked", "reason": "x", "until": "tomorrow" }),
            vec![("until", "invalid_time")],
        ),
        (
            json!({ "status": "blocked", "reason": "x", "until": "2020-01-01T00:00:00Z" }),
            vec![("until", "out_of_range")],
        ),
        (
            json!({ "status": "banned", "reason": "x", "until": "2999-01-01T00:00:00Z" }),
            vec![("until", "not_allowed")],
        ),
        (
            json!({ "status": "banned", "reason": "x", "id": 1 }),
            vec![("id", "unknown_field")],
        ),
    ] {
        let fields = scene.put(&scene.ada.id, &body).await.bad_fields();
        let expected: Vec<_> = expected
            .into_iter()
            .map(|(field, code)| (field.to_owned(), code.to_owned()))
            .collect();
        assert_eq!(fields, expected, "{body}");
    }
    scene.sign_in().await.expect(200);
}

#[tokio::test]
async fn moves_that_are_not_in_the_table_are_refused() {
    let scene = Scene::start().await;
    let pending = scene.app.sign_up("eve@example.com").await;
    let eve = Person {
        email: pending.email,
        id: pending.user_id,
    };
    for status in ["active", "banned", "deleted", "pending"] {
        let answer = scene.app.set_status(&scene.device, &eve, status).await;
        answer.problem(409, "conflict");
    }
    for status in ["active", "deleted", "pending"] {
        let answer = scene
            .app
            .set_status(&scene.device, &scene.ada, status)
            .await;
        answer.problem(409, "conflict");
    }
    // What is held for its safety can't be let out by a block that ends.
    let held = scene
        .app
        .set_status(&scene.device, &scene.ada, "security_issue");
    held.await.expect(200);
    for status in ["blocked", "paused"] {
        let answer = scene
            .app
            .set_status(&scene.device, &scene.ada, status)
            .await;
        answer.problem(409, "conflict");
    }
}

#[tokio::test]
async fn nobody_and_no_id_are_not_found() {
    let scene = Scene::start().await;
    let body = json!({ "status": "banned", "reason": "Spam." });
    for id in ["01890a5d-ac96-774b-bcce-b302099a8057", "ada", "%20", "1"] {
        scene.put(id, &body).await.problem(404, "not_found");
    }
}

#[tokio::test]
async fn nobody_changes_their_own_status() {
    let scene = Scene::start().await;
    for status in SHUT_OUT {
        let answer = scene
            .app
            .set_status(&scene.device, &scene.admin, status)
            .await;
        answer.problem(403, "forbidden");
    }
    scene.app.me(&scene.device.access).await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_admins_who_shut_each_other_out_at_once_one_stays() {
    let scene = Scene::start().await;
    let app = &scene.app;
    set_roles(app, &scene.ada.id, &["user", "admin"]).await;
    let other = app.sign_in(&scene.ada).await;
    let body = json!({ "status": "banned", "reason": "Mutiny." });
    let shut_out = |id: &str, device: &Device| {
        app.put(&format!("/api/admin/users/{id}/status"), &body)
            .bearer(&device.access)
    };
    let answers = at_once([
        shut_out(&scene.ada.id, &scene.device),
        shut_out(&scene.admin.id, &other),
    ])
    .await;
    let done = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(done, 1, "{answers:?}");
    let on = [
        app.me(&scene.device.access).await.status.as_u16(),
        app.me(&other.access).await.status.as_u16(),
    ];
    assert!(on == [200, 401] || on == [401, 200], "{on:?}");
}
