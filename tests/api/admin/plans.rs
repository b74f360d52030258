//! `GET /api/admin/plans`, and `GET`, `PUT` and `DELETE /api/admin/plans/{id}`

use latchkey_tests::{Answer, App, Device, at_once, members};
use reqwest::Method;
use serde_json::{Value, json};

async fn call(app: &App, admin: &Device, method: Method, path: &str) -> Answer {
    let path = format!("/api/admin/plans{path}");
    app.call(method, &path).bearer(&admin.access).send().await
}

async fn define(app: &App, admin: &Device, id: &str, body: &Value) -> Answer {
    let path = format!("/api/admin/plans/{id}");
    app.put(&path, body).bearer(&admin.access).send().await
}

fn team() -> Value {
    json!({
        "name": "Team",
        "limits": { "minute": 100, "week": 5000, "year": null },
        "roleLimits": { "robot": { "day": 9 } },
        "period": "subscription",
        "maxSessions": 7,
    })
}

async fn ids(app: &App, admin: &Device) -> Vec<String> {
    let list = call(app, admin, Method::GET, "").await.json(200);
    assert_eq!(members(&list), ["nextCursor", "plans"]);
    let plans = list["plans"].as_array().unwrap().iter();
    plans
        .map(|plan| plan["id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn three_plans_are_there_from_the_start() {
    let app = App::start().await;
    let (_, admin) = app.first_admin().await;
    assert_eq!(ids(&app, &admin).await, ["free", "pro", "unlimited"]);
    let free = call(&app, &admin, Method::GET, "/free").await.json(200);
    let free = &free["plan"];
    let names = [
        "builtIn",
        "id",
        "limits",
        "maxSessions",
        "name",
        "period",
        "roleLimits",
    ];
    assert_eq!(members(free), names);
    assert_eq!(
        members(&free["limits"]),
        ["day", "minute", "month", "week", "year"]
    );
    assert_eq!(free["maxSessions"], 20);
    let unlimited = call(&app, &admin, Method::GET, "/unlimited")
        .await
        .json(200);
    let limits = unlimited["plan"]["limits"].as_object().unwrap();
    assert!(limits.values().all(Value::is_null), "{limits:?}");
}

#[tokio::test]
async fn a_plan_is_made_changed_and_deleted() {
    let app = App::start().await;
    let (_, admin) = app.first_admin().await;
    let made = define(&app, &admin, "team", &team()).await.json(200);
    let expected = json!({
        "id": "team",
        "name": "Team",
        "limits": { "minute": 100, "day": null, "week": 5000, "month": null, "year": null },
        "roleLimits": {
            "robot": { "minute": null, "day": 9, "week": null, "month": null, "year": null },
        },
        "period": "subscription",
        "maxSessions": 7,
        "builtIn": false,
    });
    assert_eq!(made["plan"], expected);
    let read = call(&app, &admin, Method::GET, "/team").await.json(200);
    assert_eq!(read, made);
    assert_eq!(
        ids(&app, &admin).await,
        ["free", "pro", "team", "unlimited"]
    );

    // As it was read, with one thing changed.
    let mut changed = read["plan"].clone();
    changed["maxSessions"] = json!(1);
    let answer = define(&app, &admin, "team", &changed).await.json(200);
    assert_eq!(answer["plan"], changed);

    call(&app, &admin, Method::DELETE, "/team")
        .await
        .expect(204);
    for method in [Method::GET, Method::DELETE] {
        let answer = call(&app, &admin, method, "/team").await;
        answer.problem(404, "not_found");
    }
    assert_eq!(ids(&app, &admin).await, ["free", "pro", "unlimited"]);
    define(&app, &admin, "team", &team()).await.expect(200);
}

#[tokio::test]
async fn a_built_in_plan_can_be_changed_but_not_deleted() {
    let app = App::start().await;
    let (_, admin) = app.first_admin().await;
    for id in ["free", "pro", "unlimited"] {
        let answer = define(&app, &admin, id, &team()).await.json(200);
        assert_eq!(answer["plan"]["builtIn"], true);
        let path = format!("/{id}");
        let answer = call(&app, &admin, Method::DELETE, &path).await;
        answer.problem(409, "conflict");
    }
    let free = call(&app, &admin, Method::GET, "/free").await.json(200);
    assert_eq!(free["plan"]["maxSessions"], 7);
}

#[tokio::test]
async fn what_makes_no_sense_is_named() {
    let app = App::start().await;
    let (_, admin) = app.first_admin().await;
    for (change, expected) in [
        (json!({ "name": "" }), vec!["name"]),
        (json!({ "period": "lunar" }), vec!["period"]),
        (json!({ "maxSessions": 0 }), vec!["maxSessions"]),
        (json!({ "maxSessions": 91 }), vec!["maxSessions"]),
        (json!({ "maxSessions": "many" }), vec!["maxSessions"]),
        (json!({ "limits": { "day": 0 } }), vec!["limits.day"]),
        (json!({ "limits": { "day": -1 } }), vec!["limits"]),
        (json!({ "limits": { "day": 1.5 } }), vec!["limits"]),
        (
            json!({ "limits": { "hour": 1, "day": 4_294_967_296_u64 } }),
            vec!["limits.day", "limits.hour"],
        ),
        (json!({ "roleLimits": [] }), vec!["roleLimits"]),
        (json!({ "roleLimits": { "A": {} } }), vec!["roleLimits"]),
        (
            json!({ "roleLimits": { "a": { "day": 0 }, "b": { "hour": 1 } } }),
            vec!["roleLimits.a.day", "roleLimits.b.hour"],
        ),
        (
            json!({ "roleLimits": {
                "a": {}, "b": {}, "c": {}, "d": {}, "e": {}, "f": {}, "g": {}, "h": {}, "i": {},
            } }),
            vec!["roleLimits"],
        ),
        (
            json!({ "limits": null, "price": 5 }),
            vec!["limits", "price"],
        ),
    ] {
        let mut body = team();
        for (name, value) in change.as_object().unwrap() {
            body[name] = value.clone();
        }
        let fields = define(&app, &admin, "team", &body).await.bad_fields();
        let fields: Vec<_> = fields.into_iter().map(|(field, _)| field).collect();
        assert_eq!(fields, expected, "{change}");
    }
    for id in ["Team", "1st", "a.b", "%20"] {
        let answer = define(&app, &admin, id, &team()).await;
        answer.problem(404, "not_found");
    }
    assert_eq!(ids(&app, &admin).await, ["free", "pro", "unlimited"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plans_that_are_made_at_once_are_all_there_or_refused() {
    let app = App::start().await;
    let (_, admin) = app.first_admin().await;
    let calls = (0..10).map(|number| {
        app.put(&format!("/api/admin/plans/p{number}"), &team())
            .bearer(&admin.access)
    });
    let answers = at_once(calls).await;
    let mut made: Vec<String> = Vec::new();
    for answer in answers {
        if answer.status == 409 {
            answer.problem(409, "conflict");
        } else {
            let id = &answer.json(200)["plan"]["id"];
            made.push(id.as_str().unwrap().to_owned());
        }
    }
    assert!(!made.is_empty());
    made.extend(["free", "pro", "unlimited"].map(str::to_owned));
    made.sort();
    assert_eq!(ids(&app, &admin).await, made);
}

#[tokio::test]
async fn a_limit_that_is_named_twice_is_refused() {
    let app = App::start().await;
    let (_, admin) = app.first_admin().await;
    let body =
        r#"{"name":"A","limits":{"minute":5,"minute":500000},"period":"calendar","maxSessions":3}"#;
    let call = app.call(Method::PUT, "/api/admin/plans/acme");
    let call = call.body("application/json", body).bearer(&admin.access);
    call.send().await.problem(422, "validation_failed");
    let read = call_plan(&app, &admin).await;
    read.problem(404, "not_found");
}

async fn call_plan(app: &App, admin: &Device) -> Answer {
    call(app, admin, Method::GET, "/acme").await
}
