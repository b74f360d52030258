//! Bodies that are none, too large, of another kind, or not what they seem.

use latchkey_tests::{Answer, App, PASSWORD};
use reqwest::Method;
use serde_json::{Value, json};

use super::{raw, status_of};

const SIGN_UP: &str = "/api/auth/sign-up";
const JSON: &str = "application/json";

/// Routes that read a JSON body from anybody.
const ROUTES: [&str; 6] = [
    SIGN_UP,
    "/api/auth/sign-up/email",
    "/api/auth/verify/email",
    "/api/auth/verify/email/link",
    "/api/auth/resend/verify/email",
    "/api/auth/sign-in",
];

fn good() -> Value {
    json!({ "name": "Ada", "email": "ada@example.com", "password": PASSWORD })
}

async fn send(app: &App, content_type: &str, body: impl Into<reqwest::Body>) -> Answer {
    let call = app.call(Method::POST, SIGN_UP);
    call.body(content_type, body).send().await
}

#[tokio::test]
async fn what_is_no_json_is_malformed() {
    let app = App::start().await;
    let deep = format!("{{\"name\":{}", "[".repeat(10_000));
    let closed = format!("{{\"name\":{}{}}}", "[".repeat(7_000), "]".repeat(7_000));
    for body in [
        "",
        " ",
        "{",
        "}",
        "{\"name\"",
        "{\"name\":}",
        "{name:\"Ada\"}",
        "{'name':'Ada'}",
        "{\"name\":\"Ada\",}",
        "{\"name\":\"Ada\"} {}",
        "{\"name\":\"\\ud800\"}",
        "{\"name\":NaN}",
        "{\"name\":01}",
        "\u{feff}{}",
        "name=Ada",
        "<name>Ada</name>",
        &deep,
        &closed,
    ] {
        for route in ROUTES {
            let call = app.call(Method::POST, route).body(JSON, body.to_owned());
            call.send().await.problem(400, "malformed_json");
        }
    }
    for bytes in [&b"{\"name\":\"\xff\"}"[..], b"\0", b"\xff\xfe{\0}\0"] {
        send(&app, JSON, bytes.to_vec())
            .await
            .problem(400, "malformed_json");
    }
}

#[tokio::test]
async fn no_body_at_all_is_malformed_too() {
    let app = App::start().await;
    for route in ROUTES {
        let answer = app.call(Method::POST, route).send().await;
        answer.problem(400, "malformed_json");
    }
}

#[tokio::test]
async fn what_is_json_but_no_object_is_not_valid() {
    let app = App::start().await;
    for body in ["null", "1", "true", "\"text\"", "[]", "[{}]", "1e999"] {
        for route in ROUTES {
            let call = app.call(Method::POST, route).body(JSON, body);
            let answer = call.send().await;
            let status = answer.status.as_u16();
            assert!([400, 422].contains(&status), "{body}: {status}");
            let body: Value = serde_json::from_str(&answer.text).unwrap();
            let code = body["code"].as_str().unwrap();
            assert!(["malformed_json", "validation_failed"].contains(&code));
        }
    }
    let mut list = good();
    list = json!([list]);
    send(&app, JSON, list.to_string()).await.expect(422);
    assert!(app.inbox().await.is_empty());
}

#[tokio::test]
async fn a_name_that_comes_twice_is_refused() {
    let app = App::start().await;
    for (first, second) in [
        ("ada@example.com", "eve@example.com"),
        ("ada@example.com", "ada@example.com"),
    ] {
        let body = format!(
            "{{\"name\":\"Ada\",\"password\":\"{PASSWORD}\",\
             \"email\":\"{first}\",\"email\":\"{second}\"}}"
        );
        send(&app, JSON, body)
            .await
            .problem(422, "validation_failed");
    }
    // The same name, once escaped.
    let body = format!(
        "{{\"name\":\"Ada\",\"password\":\"{PASSWORD}\",\
         \"email\":\"ada@example.com\",\"\\u0065mail\":\"eve@example.com\"}}"
    );
    send(&app, JSON, body)
        .await
        .problem(422, "validation_failed");
    assert!(app.inbox().await.is_empty());
}

#[tokio::test]
async fn sixteen_kibibytes_are_taken_and_one_more_byte_is_not() {
    let app = App::start().await;
    let limit = 16 * 1024;
    let good = good().to_string();
    let padded = |length: usize| format!("{good}{}", " ".repeat(length - good.len()));
    send(&app, JSON, padded(limit + 1))
        .await
        .problem(413, "payload_too_large");
    send(&app, JSON, padded(1024 * 1024))
        .await
        .problem(413, "payload_too_large");
    assert!(app.inbox().await.is_empty());
    send(&app, JSON, padded(limit)).await.expect(202);
}

#[tokio::test]
async fn a_body_that_does_not_tell_its_length_is_cut_off() {
    let app = App::start().await;
    let head = "POST /api/auth/sign-up HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
                Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    let good = good().to_string();
    // Not ended: the answer must come without waiting for more.
    let chunk = format!("{good}{}", " ".repeat(17 * 1024 - good.len()));
    let request = format!("{head}{:x}\r\n{chunk}\r\n", chunk.len());
    let answer = raw(&app, request.as_bytes()).await;
    assert_eq!(status_of(&answer), "413", "{answer}");
    assert!(answer.contains("payload_too_large"), "{answer}");

    let request = format!("{head}{:x}\r\n{good}\r\n0\r\n\r\n", good.len());
    let answer = raw(&app, request.as_bytes()).await;
    assert_eq!(status_of(&answer), "202", "{answer}");
}

#[tokio::test]
async fn a_length_that_is_told_is_believed_before_a_byte_is_read() {
    let app = App::start().await;
    let request = "POST /api/auth/sign-up HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
                   Content-Type: application/json\r\nContent-Length: 1048576\r\n\r\n";
    let answer = raw(&app, request.as_bytes()).await;
    assert_eq!(status_of(&answer), "413", "{answer}");
}

#[tokio::test]
async fn another_content_type_is_not_taken() {
    let app = App::start().await;
    for content_type in [
        "text/plain",
        "text/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "application/problem+json",
        "application/json; charset=utf-16",
        "application/json; charset=iso-8859-1",
        "application/jsonx",
        "text/plain, application/json",
        "application/json, text/plain",
        "garbage",
        "",
    ] {
        send(&app, content_type, good().to_string())
            .await
            .problem(415, "unsupported_media_type");
    }
    let body = good().to_string();
    let request = format!(
        "POST {SIGN_UP} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = raw(&app, request.as_bytes()).await;
    assert_eq!(status_of(&answer), "415", "{answer}");
    assert!(app.inbox().await.is_empty());
}

#[tokio::test]
async fn json_may_be_written_in_any_case_and_say_that_it_is_utf_8() {
    let app = App::start().await;
    for content_type in [
        "application/json",
        "Application/JSON",
        "application/json;charset=utf-8",
        "application/json; charset=\"UTF-8\"",
        " application/json ; charset=utf-8",
    ] {
        let answer = send(&app, content_type, good().to_string()).await;
        assert_eq!(answer.status, 202, "{content_type}: {}", answer.text);
    }
}

#[tokio::test]
async fn no_answer_tells_what_the_service_is_made_of() {
    let app = App::start().await;
    for body in ["{", "[1]", "{\"name\":1}", "{\"name\":\"\\u0000\"}"] {
        let answer = send(&app, JSON, body).await;
        let text = answer.text.to_lowercase();
        for word in [
            "serde", "expected", "line 1", "column", "panicked", "src/", ".rs", "dynamo", "axum",
        ] {
            assert!(!text.contains(word), "{word}: {text}");
        }
    }
}
