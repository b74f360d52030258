//! Which origins a browser may call from.

use latchkey_tests::{Answer, App};
use reqwest::Method;

const FRONT_END: &str = "https://app.example.com";
const OTHER: &str = "https://other.example.com:8443";

async fn app() -> App {
    let origins = format!("{FRONT_END},{OTHER}");
    App::with(&[("ALLOWED_ORIGINS", &origins)]).await
}

async fn preflight(app: &App, path: &str, origin: &str, method: &str) -> Answer {
    app.call(Method::OPTIONS, path)
        .header("origin", origin)
        .header("access-control-request-method", method)
        .header(
            "access-control-request-headers",
            "authorization,content-type",
        )
        .send()
        .await
}

fn list(answer: &Answer, name: &str) -> Vec<String> {
    let value = answer.header(name).unwrap_or_default().to_lowercase();
    let parts = value.split(',').map(|part| part.trim().to_owned());
    parts.collect()
}

#[tokio::test]
async fn a_configured_origin_may_call_with_credentials() {
    let app = app().await;
    for origin in [FRONT_END, OTHER] {
        for (path, method) in [
            ("/api/auth/sign-in", "POST"),
            ("/api/auth/user/refresh", "PATCH"),
            ("/api/auth/user/logout", "DELETE"),
            ("/api/auth/nothing", "GET"),
        ] {
            let answer = preflight(&app, path, origin, method).await;
            assert!(answer.status.is_success(), "{}", answer.status);
            let allowed = answer.header("access-control-allow-origin");
            assert_eq!(allowed, Some(origin));
            let credentials = answer.header("access-control-allow-credentials");
            assert_eq!(credentials, Some("true"));
            let methods = list(&answer, "access-control-allow-methods");
            assert!(methods.contains(&method.to_lowercase()), "{methods:?}");
            let headers = list(&answer, "access-control-allow-headers");
            for header in ["authorization", "content-type"] {
                assert!(headers.contains(&header.to_owned()), "{headers:?}");
            }
            assert!(list(&answer, "vary").contains(&"origin".to_owned()));
        }
        let answer = app.get("/api/health").header("origin", origin).send().await;
        let allowed = answer.header("access-control-allow-origin");
        assert_eq!(allowed, Some(origin));
        let exposed = list(&answer, "access-control-expose-headers");
        for header in ["x-request-id", "retry-after", "ratelimit"] {
            assert!(exposed.contains(&header.to_owned()), "{exposed:?}");
        }
    }
}

#[tokio::test]
async fn any_other_origin_may_not() {
    let app = app().await;
    for origin in [
        "null",
        "*",
        "https://evil.example",
        "http://app.example.com",
        "https://app.example.com:443",
        "https://app.example.com.evil.example",
        "https://evilapp.example.com",
        "https://APP.example.com/",
        "https://other.example.com",
        "https://app.example.com,https://other.example.com:8443",
        "file://",
    ] {
        let answers = [
            preflight(&app, "/api/auth/user/refresh", origin, "PATCH").await,
            app.get("/api/health").header("origin", origin).send().await,
            app.get("/api/nothing")
                .header("origin", origin)
                .send()
                .await,
        ];
        for answer in answers {
            let allowed = answer.header("access-control-allow-origin");
            assert_eq!(allowed, None, "{origin}");
        }
    }
}

#[tokio::test]
async fn errors_can_be_read_by_a_configured_origin() {
    let app = app().await;
    let answer = app
        .get("/api/auth/user/me")
        .header("origin", FRONT_END)
        .send()
        .await;
    let allowed = answer.header("access-control-allow-origin");
    assert_eq!(allowed, Some(FRONT_END));
    answer.problem(401, "unauthenticated");
}

#[tokio::test]
async fn without_configured_origins_there_are_none() {
    let app = App::with(&[("ALLOWED_ORIGINS", "")]).await;
    for origin in [FRONT_END, "null", &app.stack.url()] {
        let answer = preflight(&app, "/api/auth/sign-in", origin, "POST").await;
        let allowed = answer.header("access-control-allow-origin");
        assert_eq!(allowed, None, "{origin}");
    }
}
