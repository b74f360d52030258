//! `GET /api/auth/sessions`, `DELETE /api/auth/sessions/{id}` and `/api/auth/user/me`

use latchkey_tests::{Answer, App, Client, Device, at_once, members};
use serde_json::{Value, json};

async fn list(app: &Client, device: &Device) -> Answer {
    app.get("/api/auth/sessions")
        .bearer(&device.access)
        .send()
        .await
}

/// The ids of the sessions that a device sees, in their order.
async fn ids(app: &Client, device: &Device) -> Vec<String> {
    let list = list(app, device).await.json(200);
    assert_eq!(members(&list), ["sessions"]);
    let sessions = list["sessions"].as_array().unwrap();
    let id = |session: &Value| session["id"].as_str().unwrap().to_owned();
    sessions.iter().map(id).collect()
}

async fn end(app: &Client, device: &Device, id: &str) -> Answer {
    app.delete(&format!("/api/auth/sessions/{id}"))
        .bearer(&device.access)
        .send()
        .await
}

#[tokio::test]
async fn one_sees_every_session_and_which_is_this() {
    let app = App::start().await;
    let ada = app.person("ada@example.com").await;
    let eve = app.person("eve@example.com").await;
    app.sign_in(&eve).await;
    let mut devices = Vec::new();
    for _ in 0..3 {
        devices.push(app.sign_in(&ada).await);
        app.advance(60).await;
    }
    for device in &devices {
        let list = list(&app, device).await.json(200);
        let sessions = list["sessions"].as_array().unwrap();
        assert_eq!(sessions.len(), 3);
        for session in sessions {
            assert_eq!(
                members(session),
                [
                    "createdAt",
                    "current",
                    "device",
                    "expiresAt",
                    "id",
                    "ip",
                    "lastUsedAt",
                    "location",
                    "userAgent"
                ]
            );
            assert_eq!(session["current"], session["id"] == device.session_id);
        }
    }
}

#[tokio::test]
async fn the_one_used_last_comes_first() {
    let app = App::start().await;
    let ada = app.person("ada@example.com").await;
    let first = app.sign_in(&ada).await;
    app.advance(60).await;
    let second = app.sign_in(&ada).await;
    let (a, b) = (first.session_id.clone(), second.session_id.clone());
    assert_eq!(ids(&app, &first).await, [b.clone(), a.clone()]);
    app.advance(60).await;
    app.refresh(&first.refresh).await.expect(200);
    assert_eq!(ids(&app, &second).await, [a, b]);
}

#[tokio::test]
async fn a_refresh_moves_what_the_list_says_of_a_session() {
    let app = App::start().await;
    let ada = app.person("ada@example.com").await;
    let device = app.sign_in(&ada).await;
    let before = list(&app, &device).await.json(200)["sessions"][0].clone();
    app.advance(60).await;
    app.patch(
        "/api/auth/user/refresh",
        &json!({ "refreshToken": device.refresh }),
    )
    .header("x-dev-client-ip", "2001:db8::7")
    .header("user-agent", "Another/2.0")
    .send()
    .await
    .expect(200);
    let after = list(&app, &device).await.json(200)["sessions"][0].clone();
    for member in ["id", "createdAt", "expiresAt"] {
        assert_eq!(after[member], before[member], "{member}");
    }
    assert!(after["lastUsedAt"].as_str() > before["lastUsedAt"].as_str());
    assert_eq!(after["ip"], "2001:db8::7");
    assert_eq!(after["userAgent"], "Another/2.0");
}

#[tokio::test]
async fn the_list_holds_no_secret_and_nobody_keeps_it() {
    let app = App::start().await;
    let ada = app.person("ada@example.com").await;
    let device = app.sign_in(&ada).await;
    let answer = list(&app, &device).await.expect(200);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let text = answer.text.to_ascii_lowercase();
    for part in device.access.split('.').chain([device.refresh.as_str()]) {
        assert!(!answer.text.contains(part));
    }
    for word in ["token", "counter", "hash", "lkr_"] {
        assert!(!text.contains(word), "{word} in {text}");
    }
}

#[tokio::test]
async fn one_can_end_another_session_of_ones_own() {
    let app = App::start().await;
    let ada = app.person("ada@example.com").await;
    let (here, there) = (app.sign_in(&ada).await, app.sign_in(&ada).await);
    let answer = end(&app, &here, &there.session_id).await.expect(204);
    assert_eq!(answer.text, "");
    app.me(&there.access).await.problem(401, "unauthenticated");
    app.refresh(&there.refresh)
        .await
        .problem(401, "session_expired");
    assert_eq!(ids(&app, &here).await, [here.session_id.as_str()]);
    // It is gone, and so is its name.
    end(&app, &here, &there.session_id)
        .await
        .problem(404, "not_found");
    app.refresh(&here.refresh).await.expect(200);
}

#[tokio::test]
async fn one_can_end_the_session_that_calls() {
    let app = App::start().await;
    let ada = app.person("ada@example.com").await;
    let device = app.sign_in(&ada).await;
    end(&app, &device, &device.session_id).await.expect(204);
    app.me(&device.access).await.problem(401, "unauthenticated");
    end(&app, &device, &device.session_id)
        .await
        .problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_session_of_somebody_else_is_not_there() {
    let app = App::start().await;
    let ada = app.person("ada@example.com").await;
    let eve = app.person("eve@example.com").await;
    let (ada, eve) = (app.sign_in(&ada).await, app.sign_in(&eve).await);
    let theirs = end(&app, &eve, &ada.session_id).await;
    let theirs = theirs.problem(404, "not_found");
    let nobodys = end(&app, &eve, "01890a5d-ac96-774b-bcce-b302099a8057").await;
    let nobodys = nobodys.problem(404, "not_found");
    assert_eq!(theirs["detail"], nobodys["detail"]);

    app.me(&ada.access).await.expect(200);
    app.refresh(&ada.refresh).await.expect(200);
    assert_eq!(ids(&app, &eve).await, [eve.session_id.as_str()]);
}

#[tokio::test]
async fn what_is_no_id_is_not_there() {
    let app = App::start().await;
    let ada = app.person("ada@example.com").await;
    let device = app.sign_in(&ada).await;
    let upper = device.session_id.to_uppercase();
    let bare = device.session_id.replace('-', "");
    let long = "x".repeat(2_000);
    for id in [
        "nonsense",
        "current",
        "*",
        "%00",
        "%2e%2e",
        "%F0%28%8C%28",
        "0",
        "a%2Fb",
        "'%20OR%20'1'='1",
        &format!("%7B{}%7D", device.session_id),
        &format!("{}x", device.session_id),
        &format!("urn:uuid:{}", device.session_id),
        &ada.id,
        &bare,
        &upper,
        &long,
    ] {
        let answer = end(&app, &device, id).await;
        answer.problem(404, "not_found");
    }
    app.me(&device.access).await.expect(200);
}

#[tokio::test]
async fn sessions_are_for_those_who_are_signed_in() {
    let app = App::start().await;
    for call in [
        app.get("/api/auth/sessions"),
        app.delete("/api/auth/sessions/01890a5d-ac96-774b-bcce-b302099a8057"),
        app.get("/api/auth/user/me"),
        app.post("/api/auth/user/me", &json!({})),
    ] {
        let answer = call.send().await;
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        answer.problem(401, "unauthenticated");
    }
}

#[tokio::test]
async fn a_session_that_ran_out_is_not_listed() {
    let app = App::start().await;
    let ada = app.person("ada@example.com").await;
    app.sign_in(&ada).await;
    app.advance(7 * 24 * 60 * 60).await;
    let device = app.sign_in(&ada).await;
    assert_eq!(ids(&app, &device).await, [device.session_id.as_str()]);
}

#[tokio::test]
async fn me_is_the_user_and_the_session_by_either_method() {
    let app = App::start().await;
    let ada = app
        .person_with("ada@example.com", &json!({ "username": "ada" }))
        .await;
    let body = json!({ "username": "ada" });
    let signed_in = app
        .try_sign_in(body, latchkey_tests::PASSWORD)
        .await
        .json(200);
    let device = Device::from(&signed_in);
    for call in [
        app.get("/api/auth/user/me"),
        app.post("/api/auth/user/me", &json!({})),
        app.call("POST".parse().unwrap(), "/api/auth/user/me"),
    ] {
        let answer = call.bearer(&device.access).send().await;
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let me = answer.json(200);
        assert_eq!(members(&me), ["session", "user"]);
        assert_eq!(me["user"]["id"], ada.id);
        for member in ["user", "session"] {
            assert_eq!(me[member], signed_in[member]);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_end_a_session_at_once_one_does() {
    let app = App::start().await;
    let ada = app.person("ada@example.com").await;
    let (here, there) = (app.sign_in(&ada).await, app.sign_in(&ada).await);
    let path = format!("/api/auth/sessions/{}", there.session_id);
    let calls = (0..20).map(|_| app.delete(&path).bearer(&here.access));
    let mut ended = 0;
    for answer in at_once(calls).await {
        match answer.status.as_u16() {
            204 => ended += 1,
            _ => {
                answer.problem(404, "not_found");
            }
        }
    }
    assert_eq!(ended, 1);
    app.me(&there.access).await.problem(401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signing_in_often_at_once_never_leaves_more_sessions_than_allowed() {
    let app = App::start().await;
    let ada = app.person("ada@example.com").await;
    for _ in 0..18 {
        app.sign_in(&ada).await;
    }
    let body = json!({
        "email": ada.email,
        "password": latchkey_tests::PASSWORD,
        "tokenDelivery": "body",
    });
    let calls = (0..20).map(|_| app.post("/api/auth/sign-in", &body));
    let mut alive = 0;
    for answer in at_once(calls).await {
        let device = Device::from(&answer.json(200));
        let answer = list(&app, &device).await;
        if answer.status == 200 {
            let sessions = answer.json(200);
            assert_eq!(sessions["sessions"].as_array().unwrap().len(), 20);
            alive += 1;
        }
    }
    assert!(alive > 0);
}
