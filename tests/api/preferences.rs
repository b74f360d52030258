//! `GET` and `PATCH /api/auth/preferences`

use latchkey_tests::{Answer, App, Device, PASSWORD, at_once};
use serde_json::{Value, json};

const PATH: &str = "/api/auth/preferences";

async fn ada() -> (App, Device) {
    let app = App::start().await;
    let ada = app.person("ada@example.com").await;
    let device = app.sign_in(&ada).await;
    (app, device)
}

async fn shown(app: &App, device: &Device) -> Value {
    app.get(PATH).bearer(&device.access).send().await.json(200)
}

async fn change(app: &App, device: &Device, body: Value) -> Answer {
    app.patch(PATH, &body).bearer(&device.access).send().await
}

#[tokio::test]
async fn everybody_begins_with_the_same() {
    let (app, device) = ada().await;
    let defaults = json!({ "notifyNewDevice": true, "notifyNewLocation": true, "locale": "en" });
    assert_eq!(shown(&app, &device).await, defaults);
    assert_eq!(change(&app, &device, json!({})).await.json(200), defaults);
}

#[tokio::test]
async fn each_is_changed_by_itself_and_kept() {
    let (app, device) = ada().await;
    let mut expected = shown(&app, &device).await;
    for (field, sent, kept) in [
        ("notifyNewDevice", json!(false), json!(false)),
        ("notifyNewLocation", json!(false), json!(false)),
        ("locale", json!("DE-ch"), json!("de-CH")),
        ("notifyNewDevice", json!(true), json!(true)),
        // Kept also where nothing is written in it yet.
        ("locale", json!("sv"), json!("sv")),
        // Null is as if it were not sent.
        ("locale", json!(null), json!("sv")),
    ] {
        expected[field] = kept;
        let answer = change(&app, &device, json!({ field: sent })).await;
        assert_eq!(answer.json(200), expected);
        assert_eq!(shown(&app, &device).await, expected);
    }
    // Another user's are their own.
    let eve = app.person("eve@example.com").await;
    let eves = app.sign_in(&eve).await;
    assert_eq!(shown(&app, &eves).await["locale"], "en");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_three_changes_at_once_all_last() {
    let (app, device) = ada().await;
    for round in 0..20 {
        let on = round % 2 == 1;
        let locale = if on { "en" } else { "de" };
        let bodies = [
            json!({ "notifyNewDevice": on }),
            json!({ "notifyNewLocation": on }),
            json!({ "locale": locale }),
        ];
        let calls = bodies
            .iter()
            .map(|body| app.patch(PATH, body).bearer(&device.access));
        let mut done = 0;
        for answer in at_once(calls).await {
            done += usize::from(answer.status == 200);
        }
        assert_eq!(done, 3, "round {round}");
        let expected = json!({ "notifyNewDevice": on, "notifyNewLocation": on, "locale": locale });
        assert_eq!(shown(&app, &device).await, expected);
    }
}

#[tokio::test]
async fn a_change_is_an_event_and_no_change_is_none() {
    let (app, device) = ada().await;
    for _ in 0..2 {
        change(&app, &device, json!({ "notifyNewDevice": false }))
            .await
            .expect(200);
    }
    let call = app.get("/api/auth/user/events").bearer(&device.access);
    let body = call.send().await.json(200);
    let changes: Vec<&Value> = body["events"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["type"] == "user.profile_changed")
        .collect();
    let [event] = changes[..] else {
        panic!("{changes:?}");
    };
    assert_eq!(event["data"], json!({ "fields": ["notifyNewDevice"] }));
}

#[tokio::test]
async fn mails_come_in_the_language_that_was_chosen() {
    let (app, device) = ada().await;
    change(&app, &device, json!({ "locale": "de-AT" }))
        .await
        .expect(200);
    app.move_to(&device, "lovelace@example.com").await;
    for (to, template) in [
        ("lovelace@example.com", "change_email"),
        ("lovelace@example.com", "email_confirmed"),
        ("ada@example.com", "email_changed"),
    ] {
        let mail = app.mail_to(to, template).await;
        assert!(mail.html.contains("lang=\"de\""), "{}", mail.html);
    }
    app.move_to_number(&device, "+46701740605").await;
    let english = App::start().await;
    let eve = english.person("eve@example.com").await;
    let eves = english.sign_in(&eve).await;
    english.move_to_number(&eves, "+46701740605").await;
    let texts = [&app, &english].map(|app| app.mail_to("+46701740605", "change_phone"));
    let [german, english] = texts;
    let (german, english) = (german.await, english.await);
    let words = |text: &str| text.replace(|c: char| c.is_ascii_digit(), "");
    assert_ne!(words(&german.text), words(&english.text));
    // The last mail of all, too.
    app.delete("/api/auth/user")
        .bearer(&device.access)
        .send()
        .await
        .expect(204);
    let farewell = app.mail_to("lovelace@example.com", "account_deleted").await;
    assert!(farewell.html.contains("lang=\"de\""), "{}", farewell.html);
}

#[tokio::test]
async fn a_sign_up_takes_the_language_of_the_browser() {
    let app = App::start().await;
    for (n, (header, language, locale)) in [
        ("de-CH,de;q=0.9,en;q=0.8", "de", "de-CH"),
        ("sv,de;q=0.7,en;q=0.3", "de", "de"),
        ("sv", "en", "en"),
        ("*;q=x,,;", "en", "en"),
    ]
    .into_iter()
    .enumerate()
    {
        let email = format!("ada{n}@example.com");
        let body = json!({ "name": "Ada", "email": email, "password": PASSWORD });
        let call = app
            .post("/api/auth/sign-up", &body)
            .header("accept-language", header);
        let answer = call.send().await.json(202);
        let mail = app.mail_to(&email, "verify_email").await;
        assert!(
            mail.html.contains(&format!("lang=\"{language}\"")),
            "{header}: {}",
            mail.html
        );
        let verify = json!({
            "code": mail.code(),
            "userId": answer["userId"],
            "tokenId": answer["verification"]["tokenId"],
            "email": email,
        });
        app.post("/api/auth/verify/email", &verify)
            .send()
            .await
            .expect(200);
        let signed_in = app
            .try_sign_in(json!({ "email": email }), PASSWORD)
            .await
            .json(200);
        assert_eq!(
            shown(&app, &Device::from(&signed_in)).await["locale"],
            locale
        );
    }
}

#[tokio::test]
async fn odd_values_are_refused_and_nothing_changes() {
    let (app, device) = ada().await;
    let before = shown(&app, &device).await;
    for (body, field, code) in [
        (json!({ "locale": "deutsch!" }), "locale", "invalid_locale"),
        (json!({ "locale": "" }), "locale", "invalid_locale"),
        (
            json!({ "locale": "de\r\nX: y" }),
            "locale",
            "invalid_locale",
        ),
        (
            json!({ "locale": "a".repeat(5000) }),
            "locale",
            "invalid_locale",
        ),
        (json!({ "locale": "../../de" }), "locale", "invalid_locale"),
        (json!({ "locale": ["de"] }), "locale", "invalid_type"),
        (
            json!({ "notifyNewDevice": "false" }),
            "notifyNewDevice",
            "invalid_type",
        ),
        (
            json!({ "notifyNewDevice": 0 }),
            "notifyNewDevice",
            "invalid_type",
        ),
        (
            json!({ "notifyNewLocation": {} }),
            "notifyNewLocation",
            "invalid_type",
        ),
        (
            json!({ "notifyNewDevice": false, "roles": ["admin"] }),
            "roles",
            "unknown_field",
        ),
    ] {
        let bad = change(&app, &device, body.clone()).await.bad_fields();
        assert_eq!(bad, [(field.to_owned(), code.to_owned())], "{body}");
    }
    let call = app
        .call(reqwest::Method::PATCH, PATH)
        .bearer(&device.access);
    call.send().await.problem(400, "malformed_json");
    app.get(PATH).send().await.problem(401, "unauthenticated");
    let call = app.patch(PATH, &json!({ "locale": "de" }));
    call.send().await.problem(401, "unauthenticated");
    assert_eq!(shown(&app, &device).await, before);
}
