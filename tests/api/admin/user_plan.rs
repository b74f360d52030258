//! `PUT /api/admin/users/{id}/plan`, and what a plan does.

use jiff::{SignedDuration, Timestamp};
use latchkey_shared::clock::Clock;
use latchkey_tests::{Answer, App, Device, Person, at_once, members};
use serde_json::{Value, json};

/// How long an instance may go on with the plans that it knows.
const BOOK_LIFE: i64 = 60;

async fn give(app: &App, admin: &Device, person: &Person, body: &Value) -> Answer {
    let path = format!("/api/admin/users/{}/plan", person.id);
    app.put(&path, body).bearer(&admin.access).send().await
}

async fn define(app: &App, admin: &Device, id: &str, max_sessions: u32) {
    let body = json!({
        "name": "Team", "limits": {}, "period": "calendar", "maxSessions": max_sessions,
    });
    let path = format!("/api/admin/plans/{id}");
    let call = app.put(&path, &body).bearer(&admin.access);
    call.send().await.expect(200);
}

async fn delete(app: &App, admin: &Device, id: &str) -> Answer {
    let path = format!("/api/admin/plans/{id}");
    app.delete(&path).bearer(&admin.access).send().await
}

async fn plan_of(app: &App, device: &Device) -> Value {
    app.me(&device.access).await.json(200)["user"]["plan"].clone()
}

fn in_an_hour(app: &App) -> Timestamp {
    app.stack.clock().now() + SignedDuration::from_hours(1)
}

#[tokio::test]
async fn a_plan_is_in_answers_at_once_and_in_the_next_token() {
    let app = App::start().await;
    let (_, admin) = app.first_admin().await;
    let ada = app.person("ada@example.com").await;
    let device = app.sign_in(&ada).await;
    let answer = give(&app, &admin, &ada, &json!({ "plan": "pro" })).await;
    let answer = answer.json(200);
    assert_eq!(members(&answer), ["until", "user"]);
    assert_eq!(answer["user"]["plan"], "pro");
    assert_eq!(answer["until"], Value::Null);
    assert_eq!(plan_of(&app, &device).await, "pro");
    assert_eq!(device.claims()["plan"], "free");
    let device = Device::from(&app.refresh(&device.refresh).await.json(200));
    assert_eq!(device.claims()["plan"], "pro");

    let events = app
        .get("/api/auth/user/events")
        .bearer(&device.access)
        .send()
        .await
        .json(200);
    let first = &events["events"][0];
    assert_eq!(first["type"], "user.plan_changed");
    assert_eq!(first["data"]["from"], "free");
    assert_eq!(first["data"]["to"], "pro");
}

#[tokio::test]
async fn a_plan_that_ends_leaves_its_user_on_the_free_one() {
    let app = App::start().await;
    let (_, admin) = app.first_admin().await;
    let ada = app.person("ada@example.com").await;
    define(&app, &admin, "team", 5).await;
    let body = json!({ "plan": "team", "until": in_an_hour(&app) });
    give(&app, &admin, &ada, &body).await.expect(200);
    let device = app.sign_in(&ada).await;
    app.advance(59 * 60).await;
    let device = Device::from(&app.refresh(&device.refresh).await.json(200));
    assert_eq!(device.claims()["plan"], "team");
    delete(
        &app,
        &Device::from(&app.refresh(&admin.refresh).await.json(200)),
        "team",
    )
    .await
    .problem(409, "conflict");

    app.advance(61).await;
    let device = Device::from(&app.refresh(&device.refresh).await.json(200));
    assert_eq!(device.claims()["plan"], "free");
    assert_eq!(plan_of(&app, &device).await, "free");
    // Written down too: once, and nobody is counted for the plan any more.
    let events = app
        .get("/api/auth/user/events")
        .bearer(&device.access)
        .send()
        .await
        .json(200);
    let events = events["events"].as_array().unwrap();
    let ended: Vec<&Value> = events
        .iter()
        .filter(|event| event["type"] == "user.plan_changed" && event["data"]["to"] == "free")
        .collect();
    assert_eq!(ended.len(), 1, "{events:?}");
    assert_eq!(ended[0]["data"]["from"], "team");
    assert_eq!(ended[0]["data"].get("by"), None);
    let admin = app
        .sign_in(&Person {
            email: "admin@latchkey.local".to_owned(),
            id: String::new(),
        })
        .await;
    delete(&app, &admin, "team").await.expect(204);
}

#[tokio::test]
async fn what_makes_no_sense_is_named() {
    let app = App::start().await;
    let (_, admin) = app.first_admin().await;
    let ada = app.person("ada@example.com").await;
    for (body, field, code) in [
        (json!({}), "plan", "required"),
        (json!({ "plan": "gold" }), "plan", "unknown_plan"),
        (json!({ "plan": "Free" }), "plan", "invalid_id"),
        (json!({ "plan": null }), "plan", "invalid_type"),
        (
            json!({ "plan": "pro", "until": "2020-01-01T00:00:00Z" }),
            "until",
            "out_of_range",
        ),
        (
            json!({ "plan": "free", "until": "2999-01-01T00:00:00Z" }),
            "until",
            "not_allowed",
        ),
        (
            json!({ "plan": "pro", "until": "soon" }),
            "until",
            "invalid_time",
        ),
        (
            json!({ "plan": "pro", "reason": "x" }),
            "reason",
            "unknown_field",
        ),
    ] {
        let fields = give(&app, &admin, &ada, &body).await.bad_fields();
        assert_eq!(fields, [(field.to_owned(), code.to_owned())], "{body}");
    }
    let nobody = Person {
        email: String::new(),
        id: "01890a5d-ac96-774b-bcce-b302099a8057".to_owned(),
    };
    let answer = give(&app, &admin, &nobody, &json!({ "plan": "pro" })).await;
    answer.problem(404, "not_found");
}

#[tokio::test]
async fn a_plan_that_somebody_has_stays() {
    let app = App::start().await;
    let (_, admin) = app.first_admin().await;
    let ada = app.person("ada@example.com").await;
    let eve = app.person("eve@example.com").await;
    define(&app, &admin, "team", 5).await;
    define(&app, &admin, "club", 5).await;
    for person in [&ada, &eve] {
        // Twice is once.
        for _ in 0..2 {
            let answer = give(&app, &admin, person, &json!({ "plan": "team" })).await;
            answer.expect(200);
        }
    }
    delete(&app, &admin, "team").await.problem(409, "conflict");
    let answer = give(&app, &admin, &ada, &json!({ "plan": "club" })).await;
    answer.expect(200);
    delete(&app, &admin, "team").await.problem(409, "conflict");
    // Whoever deletes their account has no plan any more.
    let device = app.sign_in(&eve).await;
    let call = app.delete("/api/auth/user").bearer(&device.access);
    call.send().await.expect(204);
    delete(&app, &admin, "team").await.expect(204);
    delete(&app, &admin, "club").await.problem(409, "conflict");
    let answer = give(&app, &admin, &ada, &json!({ "plan": "free" })).await;
    answer.expect(200);
    delete(&app, &admin, "club").await.expect(204);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_is_never_deleted_from_under_who_gets_it() {
    let app = App::start().await;
    let (_, admin) = app.first_admin().await;
    let ada = app.person("ada@example.com").await;
    for round in 0..5 {
        let id = format!("team{round}");
        define(&app, &admin, &id, 5).await;
        let path = format!("/api/admin/users/{}/plan", ada.id);
        let given = app.put(&path, &json!({ "plan": id })).bearer(&admin.access);
        let path = format!("/api/admin/plans/{id}");
        let deleted = app.delete(&path).bearer(&admin.access);
        at_once([given, deleted]).await;
        let device = app.sign_in(&ada).await;
        let has_it = plan_of(&app, &device).await == id.as_str();
        let shown = app.get(&path).bearer(&admin.access).send().await;
        assert_eq!(shown.status == 200, has_it);
    }
}

#[tokio::test]
async fn the_plan_says_how_many_sessions_there_may_be() {
    let app = App::start().await;
    let (_, admin) = app.first_admin().await;
    let ada = app.person("ada@example.com").await;
    define(&app, &admin, "duo", 2).await;
    let body = json!({ "plan": "duo", "until": in_an_hour(&app) });
    give(&app, &admin, &ada, &body).await.expect(200);
    app.advance(BOOK_LIFE).await;
    let devices = [
        app.sign_in(&ada).await,
        app.sign_in(&ada).await,
        app.sign_in(&ada).await,
    ];
    let mut on = Vec::new();
    for device in &devices {
        on.push(app.me(&device.access).await.status == 200);
    }
    assert_eq!(on, [false, true, true]);

    // With another number in the plan it is another number of sessions, a minute later.
    define(&app, &admin, "duo", 3).await;
    app.advance(BOOK_LIFE).await;
    let fourth = app.sign_in(&ada).await;
    app.me(&devices[1].access).await.expect(200);
    app.me(&fourth.access).await.expect(200);
    // And with none it is that of the free one.
    app.advance(60 * 60).await;
    app.sign_in(&ada).await;
    app.refresh(&devices[1].refresh).await.expect(200);
}

#[tokio::test]
async fn who_has_not_verified_their_address_is_given_no_plan() {
    let app = App::start().await;
    let (_, admin) = app.first_admin().await;
    let pending = app.sign_up("ada@example.com").await;
    let path = format!("/api/admin/users/{}/plan", pending.user_id);
    let call = app
        .put(&path, &json!({ "plan": "pro" }))
        .bearer(&admin.access);
    call.send().await.problem(409, "conflict");
}
