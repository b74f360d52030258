//! Paths and methods that are almost right.

use latchkey_tests::{App, PASSWORD};
use reqwest::Method;
use serde_json::json;

use super::{post_to, raw, status_of};

const SIGN_UP: &str = "/api/auth/sign-up";

fn body() -> String {
    json!({ "name": "Ada", "email": "ada@example.com", "password": PASSWORD }).to_string()
}

#[tokio::test]
async fn an_unknown_path_is_not_found() {
    let app = App::start().await;
    for path in [
        "/",
        "/api",
        "/api/auth",
        "/api/auth/",
        "/api/auth/nothing",
        "/favicon.ico",
        "/.env",
        "/.well-known/openid",
        "/api/auth/sessions/a/b",
    ] {
        for method in [Method::GET, Method::POST, Method::DELETE, Method::PUT] {
            let answer = app.call(method, path).send().await;
            let body = answer.problem(404, "not_found");
            assert!(!body.to_string().contains(path) || path == "/", "{body}");
        }
    }
}

#[tokio::test]
async fn a_path_has_one_spelling() {
    let app = App::start().await;
    for path in [
        "//api/auth/sign-up",
        "/api//auth/sign-up",
        "/api/auth//sign-up",
        "/api/auth/sign-up/",
        "/api/auth/./sign-up",
        "/api/auth/x/../sign-up",
        "/api/auth/%73ign-up",
        "/api/auth%2fsign-up",
        "/api/auth/sign-up%2f",
        "/api/auth/sign-up%00",
        "/api/auth/sign-up;x",
        "/api/auth/sign-up;x=1",
        "/api/auth/Sign-Up",
        "/API/auth/sign-up",
        "/prod/api/auth/sign-up",
        "/api/auth/sign-up.json",
    ] {
        let answer = raw(&app, &post_to(path, &body())).await;
        assert_eq!(status_of(&answer), "404", "{path}: {answer}");
        assert!(
            answer.contains("\"code\":\"not_found\""),
            "{path}: {answer}"
        );
    }
    assert!(app.inbox().await.is_empty());
    let answer = raw(&app, &post_to(SIGN_UP, &body())).await;
    assert_eq!(status_of(&answer), "202", "{answer}");
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_ones() {
    let app = App::start().await;
    for (path, allowed) in [
        (SIGN_UP, "POST"),
        ("/api/auth/verify/email", "GET,HEAD,POST"),
        ("/api/auth/user/refresh", "PATCH"),
        ("/api/auth/sessions", "GET,HEAD"),
        ("/api/health", "GET,HEAD"),
    ] {
        for method in ["PUT", "TRACE", "PROPFIND", "PURGE"] {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let answer = app.call(method, path).send().await;
            let allow = answer.header("allow").expect("an Allow").replace(' ', "");
            let mut methods: Vec<&str> = allow.split(',').collect();
            methods.sort_unstable();
            assert_eq!(methods.join(","), allowed, "{path}");
            answer.problem(405, "method_not_allowed");
        }
    }
}

#[tokio::test]
async fn no_header_and_no_query_changes_the_method() {
    let app = App::start().await;
    let ada = app.person("ada@example.com").await;
    let device = app.sign_in(&ada).await;
    for path in [
        "/api/auth/user/logout",
        "/api/auth/user/logout?_method=DELETE",
    ] {
        for header in [
            "x-http-method-override",
            "x-http-method",
            "x-method-override",
        ] {
            app.call(Method::POST, path)
                .bearer(&device.access)
                .header(header, "DELETE")
                .send()
                .await
                .problem(405, "method_not_allowed");
        }
    }
    app.me(&device.access).await.expect(200);
}

#[tokio::test]
async fn a_query_changes_nothing_where_none_is_read() {
    let app = App::start().await;
    let path = format!("{SIGN_UP}?email=eve@example.com&name=Eve");
    let answer = raw(&app, &post_to(&path, &body())).await;
    assert_eq!(status_of(&answer), "202", "{answer}");
    assert!(app.mails_to("eve@example.com").await.is_empty());
    assert_eq!(app.mails_to("ada@example.com").await.len(), 1);
}
