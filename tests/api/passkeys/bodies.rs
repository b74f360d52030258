//! Bodies that are no answers of a browser.

use latchkey_tests::{Call, Passkey};
use serde_json::json;

use super::*;

const REGISTER: &str = "/api/auth/passkeys/register/verify";
const SIGN_IN: &str = "/api/auth/sign-in/passkey/verify";

/// The two routes that take such answers, each with a good one.
async fn both(app: &App, device: &Device) -> [(Call, Call, Value); 2] {
    let passkey = app.register_passkey(device).await;
    let (_, made) = Passkey::make(&app.passkey_creation(device).await);
    let signed = passkey.sign(&app.passkey_request().await);
    let post = |path| app.call(reqwest::Method::POST, path);
    let register = || post(REGISTER).bearer(&device.access);
    [
        (register(), register(), made),
        (post(SIGN_IN), post(SIGN_IN), signed),
    ]
}

#[tokio::test]
async fn every_missing_and_unknown_member_is_named_at_once() {
    let (app, _, device) = app_with_ada().await;
    for (empty, unknown, good) in both(&app, &device).await {
        let fields = empty.json(&json!({})).send().await.bad_fields();
        let required = ["id", "rawId", "response", "type"];
        let required = required.map(|name| (name.to_owned(), "required".to_owned()));
        assert_eq!(fields, required);
        let mut more = good;
        more["evil"] = json!(1);
        more["response"]["later"] = json!("is left alone");
        let fields = unknown.json(&more).send().await.bad_fields();
        assert_eq!(fields, [("evil".to_owned(), "unknown_field".to_owned())]);
    }
}

#[tokio::test]
async fn what_is_no_json_is_refused_as_everywhere() {
    let (app, _, device) = app_with_ada().await;
    let [(first, second, made), (third, fourth, signed)] = both(&app, &device).await;
    first.send().await.problem(400, "malformed_json");
    let form = second.body("application/x-www-form-urlencoded", "id=1");
    form.send().await.problem(415, "unsupported_media_type");
    third
        .json(&json!([signed]))
        .send()
        .await
        .problem(422, "validation_failed");
    let mut large = made;
    large["response"]["attestationObject"] = json!("A".repeat(17_000));
    let large = fourth.json(&large).send().await;
    large.problem(413, "payload_too_large");
}

#[tokio::test]
async fn every_member_is_held_to_its_type() {
    let (app, _, device) = app_with_ada().await;
    let good = app
        .register_passkey(&device)
        .await
        .sign(&app.passkey_request().await);
    for (pointer, value, field, code) in [
        ("/type", json!("password"), "type", "invalid_choice"),
        ("/type", json!(1), "type", "invalid_type"),
        ("/response", json!("x"), "response", "invalid_type"),
        (
            "/response/signature",
            json!("a+b/"),
            "response",
            "invalid_encoding",
        ),
        (
            "/response/signature",
            json!("YQ=="),
            "response",
            "invalid_encoding",
        ),
        (
            "/response/signature",
            Value::Null,
            "response",
            "invalid_type",
        ),
        ("/response/userHandle", json!(7), "response", "invalid_type"),
        (
            "/response/clientDataJSON",
            json!({}),
            "response",
            "invalid_type",
        ),
    ] {
        let mut body = good.clone();
        *body.pointer_mut(pointer).unwrap() = value;
        let fields = app.post(SIGN_IN, &body).send().await.bad_fields();
        assert_eq!(fields, [(field.to_owned(), code.to_owned())], "{pointer}");
    }
    let mut delivery = good.clone();
    delivery["tokenDelivery"] = json!("pigeon");
    let fields = app.post(SIGN_IN, &delivery).send().await.bad_fields();
    assert_eq!(
        fields,
        [("tokenDelivery".to_owned(), "invalid_choice".to_owned())]
    );
    // None of them used the challenge up.
    app.post(SIGN_IN, &good).send().await.expect(200);
}

#[tokio::test]
async fn options_take_no_body_or_an_empty_one() {
    let (app, _, device) = app_with_ada().await;
    app.register_passkey(&device).await;
    for path in ["passkeys/register/options", "step-up/passkey/options"] {
        let call = app.ask_passkey(path, Some(&device)).json(&json!({}));
        call.send().await.expect(200);
        let call = app
            .ask_passkey(path, Some(&device))
            .json(&json!({ "evil": 1 }));
        let fields = call.send().await.bad_fields();
        assert_eq!(fields, [("evil".to_owned(), "unknown_field".to_owned())]);
    }
}
