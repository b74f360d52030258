//! Bodies that are not as they should be.

use latchkey_tests::{Answer, App};
use reqwest::Method;
use serde_json::{Value, json};

use super::{NUMBER, VERIFY, by_email, mailed};

const PATHS: [&str; 2] = ["/api/auth/generate-otp", VERIFY];

fn names(answer: Answer) -> Vec<String> {
    let fields = answer.bad_fields();
    fields.into_iter().map(|(name, _)| name).collect()
}

#[tokio::test]
async fn an_account_is_named_once() {
    let app = App::start().await;
    for (mut body, expected) in [
        (json!({}), "email"),
        (json!({ "email": null }), "email"),
        (
            json!({ "email": "ada@example.com", "username": "ada" }),
            "email",
        ),
        (json!({ "username": "ada", "phoneNumber": NUMBER }), "email"),
        (json!({ "email": "ada" }), "email"),
        (json!({ "email": 1 }), "email"),
        (json!({ "email": ["ada@example.com"] }), "email"),
        (
            json!({ "email": format!("{}@example.com", "a".repeat(300)) }),
            "email",
        ),
        (json!({ "username": "a b" }), "username"),
        (json!({ "phoneNumber": "0701740605" }), "phoneNumber"),
        (json!({ "phoneNumber": 46_701_740_605_u64 }), "phoneNumber"),
        (json!({ "mobile": "0701740605" }), "countryCode"),
        (json!({ "countryCode": "46" }), "mobile"),
        (json!({ "identifier": "ada" }), "identifier"),
    ] {
        for path in PATHS {
            if path == VERIFY {
                body["otp"] = json!("111111");
            }
            let bad = names(app.post(path, &body).send().await);
            assert!(bad.iter().any(|name| name == expected), "{body}: {bad:?}");
        }
    }
}

#[tokio::test]
async fn what_is_no_code_costs_no_try() {
    let app = App::start().await;
    app.person("ada@example.com").await;
    let name = by_email("ada@example.com");
    let code = mailed(&app, &name, "ada@example.com").await.code();
    for bad in [
        json!(""),
        json!("12345"),
        json!("1234567"),
        json!(format!(" {code}")),
        json!("１２３４５６"),
        json!(code.parse::<u32>().unwrap()),
        json!([code]),
        json!({ "$gt": "" }),
        Value::Null,
    ] {
        let body = json!({ "email": "ada@example.com", "otp": bad });
        assert_eq!(
            names(app.post(VERIFY, &body).send().await),
            ["otp"],
            "{bad}"
        );
    }
    let body = json!({ "email": "ada@example.com", "otp": code, "code": code });
    assert_eq!(names(app.post(VERIFY, &body).send().await), ["code"]);
    app.try_otp(&name, &code).await.expect(200);
}

#[tokio::test]
async fn no_body_another_type_and_too_much_are_refused() {
    let app = App::start().await;
    for path in PATHS {
        let call = || app.call(Method::POST, path);
        call().send().await.problem(400, "malformed_json");
        let json = r#"{"email":"ada@example.com","otp":"111111"}"#;
        call()
            .body("text/plain", json)
            .send()
            .await
            .problem(415, "unsupported_media_type");
        call()
            .body("application/json", " ".repeat(16 * 1024 + 1))
            .send()
            .await
            .problem(413, "payload_too_large");
    }
}
