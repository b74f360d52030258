//! The headers of every answer, good or bad.

use std::collections::HashSet;

use latchkey_tests::{Answer, App, Call};
use reqwest::Method;
use serde_json::json;

/// Calls of every kind of answer: good, bad, limited, unknown, a page, and a preflight.
fn calls(app: &App) -> Vec<Call> {
    let resend = json!({ "email": "ada@example.com" });
    vec![
        app.get("/api/health"),
        app.get("/.well-known/jwks.json"),
        app.get("/api/auth/verify/email?token=x"),
        app.call(Method::POST, "/api/auth/verify/email/link")
            .body("application/x-www-form-urlencoded", "token=x"),
        app.post("/api/auth/resend/verify/email", &resend),
        app.post("/api/auth/resend/verify/email", &resend),
        app.post("/api/auth/sign-up", &json!({})),
        app.call(Method::POST, "/api/auth/sign-up"),
        app.call(Method::POST, "/api/auth/sign-up")
            .body("text/plain", "x"),
        app.call(Method::POST, "/api/auth/sign-up")
            .body("application/json", " ".repeat(20_000)),
        app.get("/api/auth/user/me"),
        app.get("/api/auth/user/me").bearer("garbage"),
        app.get("/nothing"),
        app.call(Method::PUT, "/api/auth/sign-up"),
        app.call(Method::HEAD, "/api/health"),
        app.call(Method::OPTIONS, "/api/auth/sign-up")
            .header("origin", "https://evil.example")
            .header("access-control-request-method", "POST"),
        app.call(Method::OPTIONS, "/nothing"),
    ]
}

async fn answers(app: &App) -> Vec<Answer> {
    let mut answers = Vec::new();
    for call in calls(app) {
        answers.push(call.send().await);
    }
    answers
}

#[tokio::test]
async fn every_answer_has_the_security_headers() {
    let app = App::start().await;
    let answers = answers(&app).await;
    let statuses: HashSet<u16> = answers.iter().map(|a| a.status.as_u16()).collect();
    for status in [200, 202, 400, 401, 404, 405, 413, 415, 422, 429] {
        assert!(statuses.contains(&status), "{status} of {statuses:?}");
    }
    for answer in answers {
        for (name, value) in [
            (
                "strict-transport-security",
                "max-age=63072000; includeSubDomains",
            ),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("x-frame-options", "DENY"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{name}: {answer:?}");
        }
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'none'"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(answer.header("permissions-policy").is_some());
        for name in ["server", "x-powered-by", "via"] {
            assert!(!answer.headers.contains_key(name), "{name}");
        }
    }
}

#[tokio::test]
async fn nothing_is_kept_by_caches_but_what_is_public() {
    let app = App::start().await;
    for (index, answer) in answers(&app).await.into_iter().enumerate() {
        let caching = answer.header("cache-control");
        match index {
            1 => assert_ne!(caching, Some("no-store")),
            _ => assert_eq!(caching, Some("no-store"), "{answer:?}"),
        }
    }
    let ada = app.person("ada@example.com").await;
    let device = app.sign_in(&ada).await;
    let me = app.me(&device.access).await.expect(200);
    assert_eq!(me.header("cache-control"), Some("no-store"));
    let refreshed = app.refresh(&device.refresh).await.expect(200);
    assert_eq!(refreshed.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn every_answer_has_a_request_id_of_its_own() {
    let app = App::start().await;
    let mut ids = HashSet::new();
    for call in calls(&app) {
        let answer = call
            .header("x-request-id", "mine")
            .header("x-amzn-request-id", "mine")
            .header("x-amzn-trace-id", "Root=mine")
            .send()
            .await;
        let id = answer.header("x-request-id").expect("an id").to_owned();
        assert!(!id.contains("mine"), "{id}");
        assert!(ids.insert(id));
    }
}

#[tokio::test]
async fn every_problem_says_what_it_is_without_giving_itself_away() {
    let app = App::start().await;
    for answer in answers(&app).await {
        let status = answer.status.as_u16();
        let html = answer.header("content-type") == Some("text/html; charset=utf-8");
        if status < 400 || html {
            continue;
        }
        let body: serde_json::Value = serde_json::from_str(&answer.text).unwrap();
        let known = [
            "type",
            "title",
            "status",
            "detail",
            "code",
            "requestId",
            "errors",
            "attemptsLeft",
        ];
        for member in body.as_object().unwrap().keys() {
            assert!(known.contains(&member.as_str()), "{member}");
        }
        let code = body["code"].as_str().unwrap().to_owned();
        answer.problem(status, &code);
    }
}

#[tokio::test]
async fn a_preflight_and_a_head_have_no_body() {
    let app = App::start().await;
    for (method, path) in [
        (Method::HEAD, "/api/health"),
        (Method::HEAD, "/nothing"),
        (Method::OPTIONS, "/api/auth/sign-up"),
    ] {
        let answer = app.call(method, path).send().await;
        assert!(answer.text.is_empty(), "{}", answer.text);
    }
}
