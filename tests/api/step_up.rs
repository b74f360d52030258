//! `POST /api/auth/step-up`

mod by_code;

use latchkey_tests::{Answer, App, Device, NEW_PASSWORD, PASSWORD, Person, members};
use reqwest::Method;
use serde_json::{Value, json};

const PATH: &str = "/api/auth/step-up";

async fn app_with_ada() -> (App, Person, Device) {
    let app = App::start().await;
    let ada = app.person("ada@example.com").await;
    let device = app.sign_in(&ada).await;
    (app, ada, device)
}

fn with_password() -> Value {
    json!({ "password": PASSWORD })
}

/// Sends something that a stolen session must not do.
async fn sensitive(app: &App, device: &Device) -> Answer {
    let call = app.get("/api/auth/user/export").bearer(&device.access);
    call.send().await
}

#[tokio::test]
async fn the_password_makes_the_same_session_fresh_again() {
    let (app, ada, device) = app_with_ada().await;
    sensitive(&app, &device).await.expect(200);
    app.advance(10 * 60 + 1).await;
    sensitive(&app, &device)
        .await
        .problem(403, "step_up_required");
    let answer = app.step_up(&device, &with_password()).await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let signed_in = answer.json(200);
    let documented = [
        "accessToken",
        "expiresIn",
        "refreshToken",
        "session",
        "status",
        "tokenType",
        "user",
    ];
    assert_eq!(members(&signed_in), documented);
    assert_eq!(signed_in["status"], "signed_in");
    assert_eq!(signed_in["session"]["current"], true);
    assert_eq!(signed_in["user"]["id"], ada.id);
    let fresh = Device::from(&signed_in);
    assert_eq!(fresh.session_id, device.session_id);
    sensitive(&app, &fresh).await.expect(200);
    // The token of before says what was true then.
    app.me(&device.access).await.expect(200);
    sensitive(&app, &device)
        .await
        .problem(403, "step_up_required");

    let (before, after) = (device.claims(), fresh.claims());
    assert_eq!(after["sid"], before["sid"]);
    let moved = after["auth_time"].as_i64().unwrap() - before["auth_time"].as_i64().unwrap();
    assert!((600..=630).contains(&moved), "{moved}");
    assert_eq!(after["auth_time"], after["iat"]);
    assert_eq!(after["amr"], json!(["pwd"]));
    let sessions = app.get("/api/auth/sessions").bearer(&fresh.access);
    let sessions = sessions.send().await.json(200);
    assert_eq!(sessions["sessions"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn refreshing_neither_makes_fresh_nor_takes_it_away() {
    let (app, _, device) = app_with_ada().await;
    let begun = device.claims()["auth_time"].clone();
    app.advance(10 * 60 + 1).await;
    let device = Device::from(&app.refresh(&device.refresh).await.json(200));
    assert_eq!(device.claims()["auth_time"], begun);
    sensitive(&app, &device)
        .await
        .problem(403, "step_up_required");
    let fresh = Device::from(&app.step_up(&device, &with_password()).await.json(200));
    let proved = fresh.claims()["auth_time"].clone();
    let mut device = fresh;
    for _ in 0..3 {
        app.advance(60).await;
        device = Device::from(&app.refresh(&device.refresh).await.json(200));
        assert_eq!(device.claims()["auth_time"], proved);
        sensitive(&app, &device).await.expect(200);
    }
    app.advance(7 * 60 + 1).await;
    device = Device::from(&app.refresh(&device.refresh).await.json(200));
    sensitive(&app, &device)
        .await
        .problem(403, "step_up_required");
}

#[tokio::test]
async fn another_session_of_the_same_user_stays_as_it_is() {
    let (app, ada, device) = app_with_ada().await;
    let other = app.sign_in(&ada).await;
    app.advance(10 * 60 + 1).await;
    app.step_up(&device, &with_password()).await.expect(200);
    sensitive(&app, &other)
        .await
        .problem(403, "step_up_required");
    let other = Device::from(&app.refresh(&other.refresh).await.json(200));
    sensitive(&app, &other)
        .await
        .problem(403, "step_up_required");
}

#[tokio::test]
async fn a_wrong_password_is_refused_and_changes_nothing() {
    let (app, ada, device) = app_with_ada().await;
    app.advance(10 * 60 + 1).await;
    for wrong in [
        NEW_PASSWORD,
        &PASSWORD.to_uppercase(),
        &format!("{PASSWORD} "),
    ] {
        let answer = app.step_up(&device, &json!({ "password": wrong })).await;
        assert!(answer.refresh_cookie().is_none());
        answer.problem(401, "invalid_credentials");
    }
    let device = Device::from(&app.refresh(&device.refresh).await.json(200));
    sensitive(&app, &device)
        .await
        .problem(403, "step_up_required");
    // It counts for nothing at sign-in: a thief of a session locks nobody out.
    for _ in 0..12 {
        app.step_up(&device, &json!({ "password": NEW_PASSWORD }))
            .await;
    }
    assert!(app.opens(&ada.email, PASSWORD).await);
    app.step_up(&device, &with_password())
        .await
        .problem(429, "account_locked");
}

#[tokio::test]
async fn the_refresh_token_comes_as_it_is_asked_for() {
    let (app, _, device) = app_with_ada().await;
    for body in [
        with_password(),
        json!({ "password": PASSWORD, "tokenDelivery": "cookie" }),
    ] {
        let call = app.post(PATH, &body).bearer(&device.access);
        let answer = call.send().await;
        let cookie = answer.refresh_cookie().expect("a cookie");
        assert!(cookie.contains("HttpOnly"), "{cookie}");
        assert!(cookie.contains("Secure"), "{cookie}");
        let signed_in = answer.json(200);
        assert!(!members(&signed_in).contains(&"refreshToken"));
        let value = cookie.split(['=', ';']).nth(1).unwrap();
        let call = app.call(Method::PATCH, "/api/auth/user/refresh");
        call.refresh_cookie(value).send().await.expect(200);
        app.advance(31).await;
    }
}

#[tokio::test]
async fn a_session_that_is_over_can_not_be_made_fresh() {
    let (app, ada, device) = app_with_ada().await;
    let other = app.sign_in(&ada).await;
    let asked = app.step_up(&other, &json!({ "method": "email" })).await;
    let mailed = app.mailed(asked, &ada.email, "step_up").await;
    let all_others = app.delete("/api/auth/user/logout-all?keepCurrent=true");
    all_others.bearer(&device.access).send().await.expect(204);
    for proof in [with_password(), mailed.with(json!({}))] {
        app.step_up(&other, &proof)
            .await
            .problem(401, "unauthenticated");
    }
    app.step_up(&device, &with_password()).await.expect(200);
}

#[tokio::test]
async fn every_bad_field_is_named() {
    let (app, _, device) = app_with_ada().await;
    let id = "01890a5d-ac96-774b-bcce-b302099a8057";
    for (body, expected) in [
        (json!({}), vec!["password"]),
        (json!({ "password": null }), vec!["password"]),
        (json!({ "password": 1 }), vec!["password"]),
        (json!({ "password": "" }), vec!["password"]),
        (json!({ "password": "z".repeat(1025) }), vec!["password"]),
        (json!({ "method": "sms" }), vec!["method"]),
        (json!({ "method": 1 }), vec!["method"]),
        (
            json!({ "password": PASSWORD, "method": "email" }),
            vec!["password"],
        ),
        (
            json!({ "password": PASSWORD, "tokenId": id, "code": "111111" }),
            vec!["password"],
        ),
        (
            json!({ "method": "pigeon", "tokenId": id, "code": "111111" }),
            vec!["method"],
        ),
        (json!({ "tokenId": id }), vec!["code"]),
        (json!({ "code": "111111" }), vec!["tokenId"]),
        (
            json!({ "tokenId": "1", "code": "x" }),
            vec!["code", "tokenId"],
        ),
        (
            json!({ "password": PASSWORD, "tokenDelivery": "url" }),
            vec!["tokenDelivery"],
        ),
        (
            json!({ "password": PASSWORD, "userId": id, "sessionId": id }),
            vec!["sessionId", "userId"],
        ),
    ] {
        let call = app.post(PATH, &body).bearer(&device.access);
        let fields = call.send().await.bad_fields();
        let names: Vec<_> = fields.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, expected, "{body}");
    }
    let call = || app.call(Method::POST, PATH).bearer(&device.access);
    call().send().await.problem(400, "malformed_json");
    let text = call().body("text/plain", "{}").send().await;
    text.problem(415, "unsupported_media_type");
    let large = call().body("application/json", " ".repeat(16 * 1024 + 1));
    large.send().await.problem(413, "payload_too_large");
    let mails = app.mails_to("ada@example.com").await;
    assert!(mails.iter().all(|mail| mail.template != "step_up"));
}
