//! Stepping up by a passkey.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use latchkey_tests::Passkey;
use serde_json::json;

use super::*;

const OPTIONS: &str = "step-up/passkey/options";

async fn options(app: &App, device: &Device) -> Value {
    let call = app.ask_passkey(OPTIONS, Some(device));
    call.send().await.json(200)
}

async fn step_up(app: &App, device: &Device, made: &Value) -> latchkey_tests::Answer {
    app.step_up(device, &json!({ "passkey": made })).await
}

async fn app_with_passkey() -> (App, Person, Device, Passkey) {
    let (app, ada, device) = app_with_ada().await;
    let passkey = app.register_passkey(&device).await;
    (app, ada, device, passkey)
}

#[tokio::test]
async fn the_same_session_is_fresh_again_and_stronger() {
    let (app, _, device, passkey) = app_with_passkey().await;
    assert_eq!(device.claims()["acr"], "aal1");
    app.advance(11 * 60).await;
    let options = options(&app, &device).await;
    let allowed = json!([{
        "type": "public-key",
        "id": URL_SAFE_NO_PAD.encode(&passkey.credential),
        "transports": ["internal", "hybrid"],
    }]);
    assert_eq!(options["allowCredentials"], allowed);
    assert_eq!(options["userVerification"], "required");
    let made = passkey.sign(&options);
    let stepped_up = step_up(&app, &device, &made).await.json(200);
    let fresh = Device::from(&stepped_up);
    assert_eq!(fresh.session_id, device.session_id);
    let claims = fresh.claims();
    assert_eq!(claims["acr"], "aal2");
    assert_eq!(claims["amr"], json!(["pwd", "pop", "user", "mfa"]));
    assert_eq!(claims["auth_time"], claims["iat"]);
    app.get("/api/auth/user/export")
        .bearer(&fresh.access)
        .send()
        .await
        .expect(200);
    let refreshed = Device::from(&app.refresh(&fresh.refresh).await.json(200));
    assert_eq!(refreshed.claims()["acr"], "aal2");
    let listed = app.passkeys(&fresh).await;
    assert_ne!(listed[0]["lastUsedAt"], Value::Null);
    // Once.
    let again = step_up(&app, &device, &made).await;
    again.problem(401, "invalid_credentials");
}

#[tokio::test]
async fn authenticators_need_not_say_whose_a_listed_passkey_is() {
    let (app, _, device, passkey) = app_with_passkey().await;
    let mut made = passkey.sign(&options(&app, &device).await);
    let response = made["response"].as_object_mut().unwrap();
    response.remove("userHandle");
    step_up(&app, &device, &made).await.expect(200);
    // What they do say must be so.
    let other = Ceremony {
        user: Some(vec![7; 16]),
        ..Ceremony::default()
    };
    let made = passkey.sign_with(&options(&app, &device).await, &other);
    let answer = step_up(&app, &device, &made).await;
    answer.problem(401, "invalid_credentials");
}

#[tokio::test]
async fn options_are_for_one_user_in_one_session() {
    let (app, ada, device, passkey) = app_with_passkey().await;
    let other = app.sign_in(&ada).await;
    let eve = app.person("eve@example.com").await;
    let eve = app.sign_in(&eve).await;
    let eve_s = app.register_passkey(&eve).await;
    let options = options(&app, &device).await;
    for (stranger, made) in [
        (&other, passkey.sign(&options)),
        (&eve, passkey.sign(&options)),
        (&eve, eve_s.sign(&options)),
    ] {
        let answer = step_up(&app, stranger, &made).await;
        answer.problem(401, "invalid_credentials");
    }
    let made = passkey.sign(&options);
    step_up(&app, &device, &made).await.expect(200);
    // Nor does a passkey of Eve's, or a sign-in's challenge.
    let made = eve_s.sign(&super::step_up::options(&app, &device).await);
    let answer = step_up(&app, &device, &made).await;
    answer.problem(401, "invalid_credentials");
    let made = passkey.sign(&app.passkey_request().await);
    let answer = step_up(&app, &device, &made).await;
    answer.problem(401, "invalid_credentials");
}

#[tokio::test]
async fn a_ceremony_that_is_wrong_in_any_way_is_refused() {
    let (app, _, device, passkey) = app_with_passkey().await;
    for (name, ceremony) in wrong_ceremonies() {
        let made = passkey.sign_with(&options(&app, &device).await, &ceremony);
        let answer = step_up(&app, &device, &made).await;
        assert_eq!(answer.status, 401, "{name}");
        answer.problem(401, "invalid_credentials");
    }
}

#[tokio::test]
async fn a_counter_that_does_not_go_on_is_refused_and_told() {
    let (app, _, device) = app_with_ada().await;
    let passkey = app.register_with(&device, &Ceremony::counting(5)).await;
    let made = passkey.sign_with(&options(&app, &device).await, &Ceremony::counting(5));
    let answer = step_up(&app, &device, &made).await;
    answer.problem(401, "invalid_credentials");
    assert_eq!(events(&app, &device).await[0], "passkey.clone_suspected");
    app.mail_to("ada@example.com", "passkey_cloned").await;
}

#[tokio::test]
async fn who_has_none_is_told_so() {
    let (app, _, device) = app_with_ada().await;
    let answer = app.ask_passkey(OPTIONS, Some(&device)).send().await;
    answer.problem(409, "conflict");
}

#[tokio::test]
async fn bodies_name_one_way() {
    let (app, _, device, passkey) = app_with_passkey().await;
    let made = passkey.sign(&options(&app, &device).await);
    let both = json!({ "passkey": made, "password": latchkey_tests::PASSWORD });
    let answer = app.step_up(&device, &both).await;
    let expected = ("password".to_owned(), "ambiguous".to_owned());
    assert_eq!(answer.bad_fields(), [expected]);
    let mut two_ids = made.clone();
    two_ids["rawId"] = json!("AAAA");
    for (passkey, code) in [
        (json!("x"), "invalid_type"),
        (json!({}), "invalid_type"),
        (two_ids, "invalid_choice"),
    ] {
        let answer = step_up(&app, &device, &passkey).await;
        let expected = ("passkey".to_owned(), code.to_owned());
        assert_eq!(answer.bad_fields(), [expected]);
    }
    step_up(&app, &device, &made).await.expect(200);
}
