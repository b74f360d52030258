//! `PATCH /api/auth/edit/basic`

use latchkey_tests::{Answer, App, Device, PASSWORD, Person, at_once};
use serde_json::{Value, json};

const PATH: &str = "/api/auth/edit/basic";

/// Ada, who has a username, and the device that she is signed in on.
async fn ada() -> (App, Person, Device) {
    let app = App::start().await;
    let more = json!({ "username": "ada" });
    let ada = app.person_with("ada@example.com", &more).await;
    let device = app.sign_in(&ada).await;
    (app, ada, device)
}

async fn edit(app: &App, device: &Device, body: Value) -> Answer {
    app.edit(device, "basic", &body).await
}

#[tokio::test]
async fn name_picture_and_username_are_changed_each_by_itself() {
    let (app, _, device) = ada().await;
    let before = app.user(&device).await;
    let mut expected = before.clone();
    for (field, value) in [
        ("name", json!("Augusta Ada King")),
        ("imageUrl", json!("https://example.com/ada.png")),
        ("username", json!("countess")),
        // Shown as typed, also where only the case differs.
        ("username", json!("Countess")),
    ] {
        expected[field] = value.clone();
        let answer = edit(&app, &device, json!({ field: value })).await;
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.json(200), json!({ "user": expected }));
        assert_eq!(app.user(&device).await, expected);
    }
    let all = json!({ "name": " Ada ", "imageUrl": "https://example.com/b", "username": "ada" });
    let user = edit(&app, &device, all).await.json(200)["user"].clone();
    // Trimmed, as at sign-up.
    assert_eq!(user["name"], "Ada");
    assert_eq!(user, app.user(&device).await);
}

#[tokio::test]
async fn null_takes_picture_and_username_away_but_no_name() {
    let (app, _, device) = ada().await;
    let picture = json!({ "imageUrl": "https://example.com/ada.png" });
    edit(&app, &device, picture).await.expect(200);
    let body = json!({ "imageUrl": null, "username": null, "name": null });
    let user = edit(&app, &device, body).await.json(200)["user"].clone();
    assert_eq!(
        (&user["imageUrl"], &user["username"]),
        (&json!(null), &json!(null))
    );
    assert_eq!(user["name"], "Ada Lovelace");
    assert_eq!(user, app.user(&device).await);
    let by_name = json!({ "username": "ada" });
    app.try_sign_in(by_name, PASSWORD)
        .await
        .problem(401, "invalid_credentials");
    // What is not there can be taken away again.
    edit(&app, &device, json!({ "username": null }))
        .await
        .expect(200);
}

#[tokio::test]
async fn a_name_of_null_alone_changes_nothing() {
    let (app, _, device) = ada().await;
    let before = app.user(&device).await;
    let answer = edit(&app, &device, json!({ "name": null })).await;
    assert_eq!(answer.json(200), json!({ "user": before }));
    assert_eq!(app.user(&device).await, before);
    let call = app.get("/api/auth/user/events").bearer(&device.access);
    let events = call.send().await.json(200);
    assert!(!events.to_string().contains("profile_changed"), "{events}");
}

#[tokio::test]
async fn an_empty_change_changes_nothing() {
    let (app, _, device) = ada().await;
    let before = app.user(&device).await;
    let answer = edit(&app, &device, json!({})).await.json(200);
    assert_eq!(answer, json!({ "user": before }));
}

#[tokio::test]
async fn a_new_username_signs_in_and_the_old_one_is_free_again() {
    let (app, ada, device) = ada().await;
    edit(&app, &device, json!({ "username": "countess" }))
        .await
        .expect(200);
    let by_new = json!({ "username": "Countess" });
    let signed_in = app.try_sign_in(by_new, PASSWORD).await.json(200);
    assert_eq!(signed_in["user"]["id"], ada.id.as_str());
    app.try_sign_in(json!({ "username": "ada" }), PASSWORD)
        .await
        .expect(401);

    let more = json!({ "username": "ADA" });
    let eve = app.person_with("eve@example.com", &more).await;
    let signed_in = app
        .try_sign_in(json!({ "username": "ada" }), PASSWORD)
        .await
        .json(200);
    assert_eq!(signed_in["user"]["id"], eve.id.as_str());
    // Nobody gets it back for having had it.
    let back = edit(&app, &device, json!({ "username": "ada" })).await;
    back.problem(409, "username_taken");
}

#[tokio::test]
async fn a_taken_username_is_said_to_be_and_nothing_changes() {
    let (app, _, device) = ada().await;
    app.person_with("eve@example.com", &json!({ "username": "eve" }))
        .await;
    app.sign_up_with("bob@example.com", &json!({ "username": "bob" }))
        .await;
    let before = app.user(&device).await;
    for taken in ["eve", "EVE", "bob"] {
        let body = json!({ "username": taken, "name": "Eve" });
        edit(&app, &device, body)
            .await
            .problem(409, "username_taken");
    }
    assert_eq!(app.user(&device).await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_twenty_who_want_one_username_one_gets_it() {
    let app = App::start().await;
    let mut devices = Vec::new();
    for n in 0..20 {
        let person = app.person(&format!("p{n}@example.com")).await;
        devices.push(app.sign_in(&person).await);
    }
    let body = json!({ "username": "ada" });
    let calls = devices
        .iter()
        .map(|device| app.patch(PATH, &body).bearer(&device.access));
    let answers = at_once(calls).await;
    let won = answers.iter().filter(|answer| answer.status == 200).count();
    let lost = answers.iter().filter(|answer| answer.status == 409).count();
    assert_eq!((won, lost), (1, 19));
    let mut holders = 0;
    for device in &devices {
        holders += usize::from(app.user(device).await["username"] == "ada");
    }
    assert_eq!(holders, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_twenty_changes_of_one_username_at_once_one_claim_is_left() {
    let (app, _, device) = ada().await;
    let bodies: Vec<Value> = (0..20)
        .map(|n| json!({ "username": format!("ada{n}") }))
        .collect();
    let calls = bodies
        .iter()
        .map(|body| app.patch(PATH, body).bearer(&device.access));
    for answer in at_once(calls).await {
        assert!(
            [200, 409].contains(&answer.status.as_u16()),
            "{}",
            answer.text
        );
    }
    let kept = app.user(&device).await["username"].clone();
    let kept = kept.as_str().unwrap();
    // Every name but the one that stayed is free.
    let eve = app.person("eve@example.com").await;
    let eves = app.sign_in(&eve).await;
    for n in 0..20 {
        let name = format!("ada{n}");
        let expected = if name == kept { 409 } else { 200 };
        edit(&app, &eves, json!({ "username": name }))
            .await
            .expect(expected);
    }
}

#[tokio::test]
async fn nothing_else_of_a_user_can_be_set_here() {
    let (app, _, device) = ada().await;
    let before = app.user(&device).await;
    let members = before.as_object().unwrap().keys().map(String::as_str);
    let open = ["name", "imageUrl", "username"];
    let closed: Vec<&str> = members
        .filter(|member| !open.contains(member))
        .chain([
            "passwordHash",
            "password",
            "epoch",
            "former",
            "shadow",
            "holdsPhone",
            "lapsesAt",
            "tokensValidAfter",
            "keptSession",
            "preferences",
            "permissions",
            "userId",
            "pk",
            "sk",
            "ttl",
            "$set",
            "__proto__",
            "constructor",
            "image_url",
            "Name",
        ])
        .collect();
    for field in &closed {
        for value in [
            json!("admin"),
            json!(true),
            json!(["admin"]),
            json!({ "a": 1 }),
            json!(null),
        ] {
            let body = json!({ "name": "Eve", *field: value });
            let bad = edit(&app, &device, body).await.bad_fields();
            assert_eq!(bad, [((*field).to_owned(), "unknown_field".to_owned())]);
        }
    }
    assert_eq!(app.user(&device).await, before);
}

#[tokio::test]
async fn every_bad_field_is_named_at_once() {
    let (app, _, device) = ada().await;
    let before = app.user(&device).await;
    let body = json!({
        "name": "a\u{202e}b",
        "imageUrl": "javascript:alert(1)",
        "username": "victim@example.com",
        "extra": 1,
    });
    let expected = [
        ("extra", "unknown_field"),
        ("imageUrl", "invalid_url"),
        ("name", "control_character"),
        ("username", "unsupported_characters"),
    ];
    let expected = expected.map(|(field, code)| (field.to_owned(), code.to_owned()));
    assert_eq!(edit(&app, &device, body).await.bad_fields(), expected);
    assert_eq!(app.user(&device).await, before);
}

#[tokio::test]
async fn odd_values_are_refused() {
    let (app, _, device) = ada().await;
    let before = app.user(&device).await;
    for (field, value, code) in [
        ("name", json!(""), "empty"),
        ("name", json!("  "), "empty"),
        ("name", json!("a".repeat(101)), "too_long"),
        (
            "name",
            json!("a\r\nBcc: eve@example.com"),
            "control_character",
        ),
        ("name", json!(1), "invalid_type"),
        ("name", json!(["Ada"]), "invalid_type"),
        ("name", json!({ "$ne": "" }), "invalid_type"),
        ("imageUrl", json!("http://example.com/a.png"), "invalid_url"),
        (
            "imageUrl",
            json!("data:text/html,<script>alert(1)</script>"),
            "invalid_url",
        ),
        (
            "imageUrl",
            json!("https://u:p@example.com/a.png"),
            "invalid_url",
        ),
        (
            "imageUrl",
            json!("https://example.com/\"onerror=\"alert(1)"),
            "invalid_url",
        ),
        (
            "imageUrl",
            json!(format!("https://example.com/{}", "a".repeat(2048))),
            "too_long",
        ),
        ("imageUrl", json!(true), "invalid_type"),
        // Never what an address or a number could be: they are names to sign in with, too.
        (
            "username",
            json!("ada@example.com"),
            "unsupported_characters",
        ),
        ("username", json!("+46701740605"), "unsupported_characters"),
        ("username", json!("0701740605"), "invalid_username"),
        ("username", json!("\u{430}da"), "unsupported_characters"),
        ("username", json!("ad"), "too_short"),
        ("username", json!("a".repeat(31)), "too_long"),
        ("username", json!(""), "empty"),
        ("username", json!(["ada"]), "invalid_type"),
    ] {
        let bad = edit(&app, &device, json!({ field: value }))
            .await
            .bad_fields();
        assert_eq!(bad, [(field.to_owned(), code.to_owned())], "{value}");
    }
    assert_eq!(app.user(&device).await, before);
}

#[tokio::test]
async fn a_name_that_is_markup_stays_text() {
    let (app, _, device) = ada().await;
    for name in [
        "<a href=//evil.example>x</a>",
        "{{7*7}}",
        "<script>alert(1)</script>",
    ] {
        let answer = edit(&app, &device, json!({ "name": name })).await;
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.json(200)["user"]["name"], name);
        app.move_to(&device, &format!("ada{}@example.com", name.len()))
            .await;
        for mail in app.inbox().await {
            assert!(!mail.html.contains("evil.example"), "{}", mail.html);
            assert!(!mail.html.contains("<script"), "{}", mail.html);
        }
        app.advance(61).await;
    }
}

#[tokio::test]
async fn only_who_is_signed_in_changes_themselves() {
    let (app, _, device) = ada().await;
    let body = json!({ "name": "Eve" });
    app.patch(PATH, &body)
        .send()
        .await
        .problem(401, "unauthenticated");
    let call = app.patch(PATH, &body).bearer(&device.refresh);
    call.send().await.problem(401, "unauthenticated");
    app.delete("/api/auth/user/logout")
        .bearer(&device.access)
        .send()
        .await
        .expect(204);
    edit(&app, &device, body)
        .await
        .problem(401, "unauthenticated");
}

#[tokio::test]
async fn the_body_is_one_json_object() {
    let (app, _, device) = ada().await;
    let call = || {
        app.call(reqwest::Method::PATCH, PATH)
            .bearer(&device.access)
    };
    call().send().await.problem(400, "malformed_json");
    call()
        .body("application/json", "{")
        .send()
        .await
        .problem(400, "malformed_json");
    call()
        .body("text/plain", "{}")
        .send()
        .await
        .problem(415, "unsupported_media_type");
    let twice = r#"{"name":"Ada","name":"Eve"}"#;
    call()
        .body("application/json", twice)
        .send()
        .await
        .problem(422, "validation_failed");
    for body in [json!([]), json!("name"), json!(null)] {
        call()
            .json(&body)
            .send()
            .await
            .problem(422, "validation_failed");
    }
    let large = json!({ "name": "a".repeat(17_000) });
    call()
        .json(&large)
        .send()
        .await
        .problem(413, "payload_too_large");
}
