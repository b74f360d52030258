//! `GET /api/auth/user/export`

use latchkey_tests::{App, Device, PASSWORD, TotpApp, members};
use serde_json::{Value, json};

const PATH: &str = "/api/auth/user/export";

async fn export(app: &App, device: &Device) -> Value {
    app.get(PATH).bearer(&device.access).send().await.json(200)
}

/// Ada with everything that an account can have, and her device.
async fn ada(app: &App) -> Device {
    let more = json!({ "username": "ada", "phoneNumber": "+46701740605" });
    let ada = app.person_with("old@example.com", &more).await;
    app.sign_in(&ada).await;
    let body = json!({ "email": ada.email, "password": PASSWORD, "tokenDelivery": "body" });
    let call = app
        .post("/api/auth/sign-in", &body)
        .header("x-dev-client-ip", "203.0.113.7");
    let signed_in = call
        .header("user-agent", "Analytical/1")
        .send()
        .await
        .json(200);
    let device = Device::from(&signed_in);
    app.move_to(&device, "ada@example.com").await;
    let picture = json!({ "imageUrl": "https://example.com/ada.png" });
    app.edit(&device, "basic", &picture).await.expect(200);
    device
}

#[tokio::test]
async fn it_holds_everything_there_is_of_the_user() {
    let app = App::start().await;
    let device = ada(&app).await;
    let answer = app.get(PATH).bearer(&device.access).send().await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let disposition = answer.header("content-disposition").unwrap();
    assert!(disposition.starts_with("attachment;"), "{disposition}");
    let export = answer.json(200);
    let documented = [
        "events",
        "exportedAt",
        "formerAddresses",
        "hasPassword",
        "mfa",
        "nextCursor",
        "passkeys",
        "preferences",
        "sessions",
        "trustedDevices",
        "user",
    ];
    assert_eq!(members(&export), documented);
    assert_eq!(export["user"], app.user(&device).await);
    assert_eq!(export["user"]["imageUrl"], "https://example.com/ada.png");
    assert_eq!(export["hasPassword"], true);
    assert_eq!(export["preferences"]["locale"], "en");
    assert_eq!(export["nextCursor"], Value::Null);
    assert_eq!(export["formerAddresses"][0]["email"], "old@example.com");

    let sessions = export["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 2);
    let current = sessions
        .iter()
        .find(|session| session["current"] == true)
        .unwrap();
    assert_eq!(current["id"], device.session_id.as_str());
    assert_eq!(
        (&current["ip"], &current["userAgent"]),
        (&json!("203.0.113.7"), &json!("Analytical/1"))
    );

    let types: Vec<&str> = export["events"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|event| event["type"].as_str())
        .collect();
    assert_eq!(
        types,
        [
            "user.exported",
            "user.profile_changed",
            "user.email_changed",
            "challenge.requested",
            "session.started",
            "session.started",
            "user.email_verified",
            "user.signed_up",
        ]
    );
}

#[tokio::test]
async fn it_holds_no_secret() {
    let app = App::start().await;
    let device = ada(&app).await;
    let text = export(&app, &device).await.to_string();
    for secret in [
        "$argon2",
        "passwordHash",
        "password_hash",
        PASSWORD,
        "epoch",
        "\"counter\"",
    ] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    for secret in [&device.access, &device.refresh] {
        assert!(!text.contains(secret.as_str()), "{text}");
    }
    for mail in app.inbox().await {
        if ["verify_email", "email_changed"].contains(&mail.template.as_str()) {
            assert!(!text.contains(&mail.link_token()), "{text}");
        }
        if ["verify_email", "change_email"].contains(&mail.template.as_str()) {
            assert!(!text.contains(&format!("\"{}\"", mail.code())), "{text}");
        }
    }
}

#[tokio::test]
async fn it_holds_nothing_of_anybody_else() {
    let app = App::start().await;
    let device = ada(&app).await;
    let more = json!({ "username": "eve", "phoneNumber": "+46701740606" });
    let eve = app.person_with("eve@example.com", &more).await;
    let eves = app.sign_in(&eve).await;
    app.advance(61).await;
    // Each reaches for what is the other's.
    app.ask_change(&eves, "email", "ada@example.com").await;
    app.ask_change(&device, "email", "eve@example.com").await;
    app.sign_up("ada@example.com").await;
    let text = export(&app, &device).await.to_string();
    for others in [
        &eve.id,
        &eve.email,
        "+46701740606",
        "\"eve\"",
        &eves.session_id,
    ] {
        assert!(!text.contains(others), "{others} in {text}");
    }
}

#[tokio::test]
async fn a_stale_sign_in_must_step_up() {
    let app = App::start().await;
    let device = ada(&app).await;
    app.advance(11 * 60).await;
    let call = app.get(PATH).bearer(&device.access);
    call.send().await.problem(403, "step_up_required");
    let body = json!({ "password": PASSWORD, "tokenDelivery": "body" });
    let call = app.post("/api/auth/step-up", &body).bearer(&device.access);
    let fresh = Device::from(&call.send().await.json(200));
    export(&app, &fresh).await;
}

#[tokio::test]
async fn nobody_gets_it_without_an_access_token_of_their_own() {
    let app = App::start().await;
    let device = ada(&app).await;
    app.get(PATH).send().await.problem(401, "unauthenticated");
    let call = app.get(&format!("{PATH}?access_token={}", device.access));
    call.send().await.problem(401, "unauthenticated");
    app.get(PATH)
        .refresh_cookie(&device.refresh)
        .send()
        .await
        .problem(401, "unauthenticated");
    app.get(PATH)
        .bearer(&device.refresh)
        .send()
        .await
        .problem(401, "unauthenticated");
    // To ask for another's gives one's own.
    let eve = app.person("eve@example.com").await;
    let eves = app.sign_in(&eve).await;
    let id = device.claims()["sub"].as_str().unwrap().to_owned();
    let call = app.get(&format!("{PATH}?userId={id}")).bearer(&eves.access);
    let answer = call.send().await;
    assert!(!answer.text.contains(&id), "{}", answer.text);
    app.post(PATH, &json!({}))
        .bearer(&eves.access)
        .send()
        .await
        .problem(405, "method_not_allowed");
}

#[tokio::test]
async fn it_holds_second_factors_and_trusted_devices_and_no_secret_of_them() {
    let app = App::start().await;
    let device = ada(&app).await;
    assert_eq!(
        export(&app, &device).await["mfa"],
        json!({ "methods": [], "since": null })
    );
    let begun = app.enable(&device, &json!({ "method": "totp" })).await;
    let begun = begun.json(200);
    let totp = TotpApp::of(&begun);
    let body = json!({ "token": begun["token"], "code": totp.code(&app) });
    let enabled = app.enable(&device, &body).await.json(200);
    let first = app.first_step("ada@example.com").await;
    let body = json!({
        "token": first["token"], "code": totp.next_code(&app).await, "trustDevice": true,
    });
    let call = app.post("/api/auth/sign-in", &body);
    call.send().await.expect(200);
    let proof = json!({ "code": totp.next_code(&app).await });
    let device = Device::from(&app.step_up(&device, &proof).await.json(200));
    let export = export(&app, &device).await;
    assert_eq!(export["mfa"]["methods"], json!(["totp"]));
    assert!(export["mfa"]["since"].is_string());
    let trusted = export["trustedDevices"].as_array().unwrap();
    assert_eq!(trusted.len(), 1);
    assert!(trusted[0]["expiresAt"].is_string());
    let text = export.to_string();
    let mut secrets = vec![begun["secret"].as_str().unwrap()];
    let recovery = enabled["recoveryCodes"].as_array().unwrap();
    secrets.extend(recovery.iter().map(|code| code.as_str().unwrap()));
    secrets.push(first["token"].as_str().unwrap());
    for secret in secrets {
        assert!(!text.contains(secret), "{text}");
    }
}
