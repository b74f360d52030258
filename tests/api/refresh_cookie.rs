//! `PATCH /api/auth/user/refresh` with the token in the cookie, as browsers do it.

use latchkey_tests::{Answer, App, Call, Device, PASSWORD};
use serde_json::json;

const NAME: &str = "__Host-refresh_token";
const FRONT_END: &str = "https://app.example.com";

/// A service with a front end, and the refresh token of a browser signed in on it.
async fn app_and_token() -> (App, String) {
    let app = App::with(&[("ALLOWED_ORIGINS", FRONT_END)]).await;
    app.person("ada@example.com").await;
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    let answer = app.post("/api/auth/sign-in", &body).send().await;
    let token = token_of(&answer);
    (app, token)
}

/// The token in the cookie that an answer sets.
fn token_of(answer: &Answer) -> String {
    let cookie = answer.refresh_cookie().expect("a cookie");
    let value = cookie.strip_prefix(NAME).unwrap().strip_prefix('=');
    let (token, _) = value.unwrap().split_once(';').unwrap();
    token.to_owned()
}

fn refresh(app: &App) -> Call {
    app.call("PATCH".parse().unwrap(), "/api/auth/user/refresh")
}

/// Claims that an answer makes the browser forget its cookie.
fn takes_the_cookie_back(answer: &Answer) {
    let cookie = answer.refresh_cookie().expect("a cookie");
    let mut parts: Vec<_> = cookie.split("; ").collect();
    parts.sort_unstable();
    assert_eq!(
        parts,
        [
            "HttpOnly",
            "Max-Age=0",
            "Path=/",
            "SameSite=Strict",
            "Secure",
            &format!("{NAME}=")
        ]
    );
}

#[tokio::test]
async fn the_cookie_is_rotated() {
    let (app, mut token) = app_and_token().await;
    for _ in 0..3 {
        let answer = refresh(&app).refresh_cookie(&token).send().await;
        let next = token_of(&answer);
        assert_ne!(next, token);
        let cookie = answer.refresh_cookie().unwrap();
        for attribute in ["HttpOnly", "Secure", "SameSite=Strict", "Path=/"] {
            assert!(cookie.split("; ").any(|part| part == attribute), "{cookie}");
        }
        assert!(!cookie.to_ascii_lowercase().contains("domain"), "{cookie}");
        let signed_in = answer.json(200);
        assert!(signed_in.get("refreshToken").is_none());
        assert!(!signed_in.to_string().contains(&next));
        let device = Device::from(&signed_in);
        app.me(&device.access).await.expect(200);
        token = next;
    }
}

#[tokio::test]
async fn the_cookie_lives_as_long_as_the_session_may() {
    let (app, token) = app_and_token().await;
    app.advance(6 * 24 * 60 * 60).await;
    let answer = refresh(&app).refresh_cookie(&token).send().await;
    let cookie = answer.refresh_cookie().unwrap();
    let (_, life) = cookie.split_once("Max-Age=").unwrap();
    let life: i64 = life.split(';').next().unwrap().parse().unwrap();
    let left = 24 * 24 * 60 * 60;
    assert!((left - 60..=left).contains(&life), "{cookie}");
}

#[tokio::test]
async fn an_empty_object_is_as_good_as_no_body() {
    let (app, token) = app_and_token().await;
    let answer = refresh(&app)
        .json(&json!({}))
        .refresh_cookie(&token)
        .send()
        .await;
    token_of(&answer.expect(200));
}

#[tokio::test]
async fn configured_origins_may_use_the_cookie() {
    let (app, mut token) = app_and_token().await;
    let own = app.url().to_owned();
    for (origin, site) in [
        (FRONT_END, "same-site"),
        (FRONT_END, "cross-site"),
        (&own, "same-origin"),
    ] {
        let answer = refresh(&app)
            .refresh_cookie(&token)
            .header("origin", origin)
            .header("sec-fetch-site", site)
            .send()
            .await
            .expect(200);
        token = token_of(&answer);
    }
}

#[tokio::test]
async fn other_origins_may_not_and_do_no_harm() {
    let (app, token) = app_and_token().await;
    let foreign = [
        "https://evil.example",
        "null",
        "",
        "https://app.example.com.evil.example",
        "https://evil.example/https://app.example.com",
        "http://app.example.com",
        "https://app.example.com:8443",
        "https://other.example.com",
        "https://APP.example.com.",
        "*",
    ];
    let mut calls: Vec<Call> = foreign
        .iter()
        .map(|origin| refresh(&app).header("origin", origin))
        .collect();
    calls.push(refresh(&app).header("sec-fetch-site", "cross-site"));
    calls.push(
        refresh(&app)
            .header("origin", FRONT_END)
            .header("origin", "https://evil.example"),
    );
    for call in calls {
        let answer = call.refresh_cookie(&token).send().await;
        assert!(answer.refresh_cookie().is_none());
        answer.problem(403, "origin_not_allowed");
    }
    // The token was not used up by any of them.
    let answer = refresh(&app).refresh_cookie(&token).send().await;
    let next = token_of(&answer.expect(200));
    app.advance(31).await;
    refresh(&app).refresh_cookie(&next).send().await.expect(200);
}

#[tokio::test]
async fn what_a_plain_form_can_send_is_not_taken() {
    let (app, token) = app_and_token().await;
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
    ] {
        refresh(&app)
            .body(content_type, "{}")
            .refresh_cookie(&token)
            .send()
            .await
            .problem(415, "unsupported_media_type");
    }
}

#[tokio::test]
async fn two_cookies_of_the_name_are_refused() {
    let (app, token) = app_and_token().await;
    let pair = format!("{NAME}={token}");
    let planted = [
        refresh(&app).header("cookie", &format!("{pair}; {pair}")),
        refresh(&app).header("cookie", &format!("{NAME}=planted; {pair}")),
        refresh(&app).header("cookie", &format!("{pair}; {NAME}=planted")),
        refresh(&app)
            .header("cookie", &pair)
            .header("cookie", &format!("{NAME}=planted")),
    ];
    for call in planted {
        call.send().await.problem(401, "session_expired");
    }
    // Cookies of other names are none of our business.
    refresh(&app)
        .header(
            "cookie",
            &format!("theme=dark; refresh_token=planted; {pair}; __Host-refresh_token2=x"),
        )
        .send()
        .await
        .expect(200);
}

#[tokio::test]
async fn a_cookie_that_is_no_good_is_taken_back() {
    let (app, token) = app_and_token().await;
    let answer = refresh(&app).refresh_cookie("nonsense").send().await;
    takes_the_cookie_back(&answer);
    answer.problem(401, "session_expired");

    let next = token_of(&refresh(&app).refresh_cookie(&token).send().await);
    app.advance(31).await;
    let answer = refresh(&app).refresh_cookie(&token).send().await;
    takes_the_cookie_back(&answer);
    answer.problem(401, "refresh_token_reused");

    let answer = refresh(&app).refresh_cookie(&next).send().await;
    takes_the_cookie_back(&answer);
    answer.problem(401, "session_expired");
}

#[tokio::test]
async fn a_token_in_the_body_never_becomes_a_cookie() {
    let (app, in_the_cookie) = app_and_token().await;
    let body = json!({ "email": "ada@example.com", "password": PASSWORD, "tokenDelivery": "body" });
    let signed_in = app.post("/api/auth/sign-in", &body).send().await.json(200);
    let device = Device::from(&signed_in);

    let answer = refresh(&app)
        .json(&json!({ "refreshToken": device.refresh }))
        .refresh_cookie(&in_the_cookie)
        .send()
        .await;
    assert!(answer.headers.get("set-cookie").is_none());
    let next = Device::from(&answer.json(200));
    assert_eq!(next.session_id, device.session_id);
    assert!(next.refresh.len() > 40);

    // Neither does a failure of it touch the browser's.
    let answer = app.refresh("nonsense").await;
    assert!(answer.headers.get("set-cookie").is_none());
    refresh(&app)
        .refresh_cookie(&in_the_cookie)
        .send()
        .await
        .expect(200);
}
