//! Bodies that the routes of second factors take nothing from.

use latchkey_tests::PASSWORD;
use reqwest::Method;

use super::*;

const ENABLE: &str = "/api/auth/enable/mfa";
const RENEW: &str = "/api/auth/mfa/recovery-codes";
const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

#[tokio::test]
async fn what_is_no_json_is_refused_as_everywhere() {
    let ada = Ada::start().await;
    for path in [ENABLE, DISABLE, RENEW] {
        let call = || {
            let call = ada.app.call(Method::POST, path);
            call.bearer(&ada.device.access)
        };
        call().send().await.problem(400, "malformed_json");
        let half = call().body("application/json", "{\"code\":");
        half.send().await.problem(400, "malformed_json");
        let form = call().body("application/x-www-form-urlencoded", "code=123456");
        form.send().await.problem(415, "unsupported_media_type");
        let large = call().body("application/json", " ".repeat(16 * 1024 + 1));
        large.send().await.problem(413, "payload_too_large");
        for other in [json!([]), json!("123456"), json!(null), json!(7)] {
            let answer = call().json(&other).send().await;
            answer.problem(422, "validation_failed");
        }
    }
}

#[tokio::test]
async fn every_bad_field_is_named() {
    let ada = Ada::start().await;
    let long = "1".repeat(5_000);
    let cases = [
        (ENABLE, json!({}), vec!["method"]),
        (ENABLE, json!({ "method": null }), vec!["method"]),
        (ENABLE, json!({ "method": 1 }), vec!["method"]),
        (ENABLE, json!({ "method": "TOTP" }), vec!["method"]),
        (ENABLE, json!({ "method": long }), vec!["method"]),
        (ENABLE, json!({ "code": "123456" }), vec!["token"]),
        (ENABLE, json!({ "token": ID }), vec!["code"]),
        (
            ENABLE,
            json!({ "token": "x", "code": "12345" }),
            vec!["code", "token"],
        ),
        (ENABLE, json!({ "token": ID, "code": long }), vec!["code"]),
        (
            ENABLE,
            json!({ "token": ID, "code": 123_456 }),
            vec!["code"],
        ),
        (
            ENABLE,
            json!({ "method": "totp", "userId": ID, "secret": "A" }),
            vec!["secret", "userId"],
        ),
        (DISABLE, json!({}), vec!["code"]),
        (DISABLE, json!({ "code": 1 }), vec!["code"]),
        (DISABLE, json!({ "code": "12345" }), vec!["code"]),
        (DISABLE, json!({ "code": long }), vec!["code"]),
        (DISABLE, json!({ "code": "U".repeat(24) }), vec!["code"]),
        (
            DISABLE,
            json!({ "code": "123456", "methods": "totp" }),
            vec!["methods"],
        ),
        (
            DISABLE,
            json!({ "code": "123456", "methods": ["x"] }),
            vec!["methods"],
        ),
        (
            DISABLE,
            json!({ "code": "123456", "token": "x", "userId": ID }),
            vec!["token", "userId"],
        ),
        (RENEW, json!({}), vec!["code"]),
        (RENEW, json!({ "code": "abcdef" }), vec!["code"]),
        (
            RENEW,
            json!({ "code": "123456", "count": 100 }),
            vec!["count"],
        ),
    ];
    for (path, body, expected) in cases {
        let call = ada.app.post(path, &body).bearer(&ada.device.access);
        let fields = call.send().await.bad_fields();
        let names: Vec<_> = fields.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, expected, "{path} {body}");
    }
    // None of them was a try.
    let wrong = code(&ada.totp.wrong_code(&ada.app));
    let answer = ada.app.disable(&ada.device, &wrong).await;
    assert_eq!(answer.problem(400, "code_invalid")["attemptsLeft"], 4);
}

#[tokio::test]
async fn a_second_step_names_its_bad_fields_too() {
    let ada = Ada::start().await;
    let first = ada.app.first_step(EMAIL).await;
    let token = first["token"].clone();
    for (body, expected) in [
        (json!({ "token": token }), vec!["code"]),
        (json!({ "token": 7, "code": "123456" }), vec!["token"]),
        (json!({ "token": token, "code": 123_456 }), vec!["code"]),
        (json!({ "token": token, "code": "12345" }), vec!["code"]),
        (
            json!({ "token": token, "code": "123456", "method": "pigeon" }),
            vec!["method"],
        ),
        (
            json!({ "token": token, "code": "123456", "trustDevice": "yes" }),
            vec!["trustDevice"],
        ),
        (
            json!({ "token": token, "code": "123456", "tokenDelivery": "url", "userId": ID }),
            vec!["tokenDelivery", "userId"],
        ),
        (
            json!({ "email": EMAIL, "password": PASSWORD, "code": "123456" }),
            vec!["token"],
        ),
    ] {
        let answer = ada.app.post("/api/auth/sign-in", &body).send().await;
        let fields = answer.bad_fields();
        let names: Vec<_> = fields.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, expected, "{body}");
    }
    let long = json!({ "token": "A".repeat(10_000), "code": "123456" });
    let answer = ada.app.post("/api/auth/sign-in", &long).send().await;
    assert!([400, 422].contains(&answer.status.as_u16()));
    let answer = ada.app.second_step(&first, &code(&ada.totp.code(&ada.app)));
    answer.send().await.expect(200);
}

#[tokio::test]
async fn a_form_may_send_empty_what_it_has_no_use_for() {
    let (app, _, _) = app_with_ada().await;
    let body = json!({
        "email": EMAIL, "password": PASSWORD, "code": null, "token": null, "method": null,
    });
    let answer = app.post("/api/auth/sign-in", &body).send().await;
    answer.expect(200);
}

#[tokio::test]
async fn an_id_of_no_device_is_not_found() {
    let ada = Ada::start().await;
    for id in [ID, "x", "%00", "..%2F..%2Fprofile"] {
        let path = format!("/api/auth/trusted-devices/{id}");
        let call = ada.app.delete(&path).bearer(&ada.device.access);
        call.send().await.problem(404, "not_found");
    }
}
