//! Every route that is for signed-in people alone, asked by those who are not.

use latchkey_tests::{Answer, App, Call};

use super::{ROUTES, concrete, method};

/// Calls of every route that needs a credential.
fn calls<'a>(app: &'a App, query: &'a str) -> impl Iterator<Item = (String, Call)> + 'a {
    let needing = ROUTES.into_iter().filter(|(_, _, needs)| *needs);
    needing.map(move |(name, path, _)| {
        let call = app.call(method(name), &format!("{}{query}", concrete(path)));
        (format!("{name} {path}"), call)
    })
}

#[track_caller]
fn is_refused(route: &str, answer: Answer, bad: bool) {
    let challenge = answer.header("www-authenticate").unwrap_or_default();
    assert!(challenge.starts_with("Bearer"), "{route}: {challenge}");
    // RFC 6750: the error is for a token that was sent, and absent where none was.
    let error = challenge.contains("error=\"invalid_token\"");
    assert_eq!(error, bad, "{route}: {challenge}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert!(answer.header("set-cookie").is_none(), "{route}");
    answer.problem(401, "unauthenticated");
}

#[tokio::test]
async fn without_a_token_all_are_closed() {
    let app = App::start().await;
    for (route, call) in calls(&app, "") {
        is_refused(&route, call.send().await, false);
    }
}

#[tokio::test]
async fn with_what_is_no_token_all_are_closed() {
    let app = App::start().await;
    let dots = format!("Bearer {}", ".".repeat(100_000));
    let unsigned = "Bearer eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.\
                    eyJzdWIiOiIwMTg5MGE1ZC1hYzk2LTc3NGItYmNjZS1iMzAyMDk5YTgwNTcifQ.";
    for credential in [
        "Bearer",
        "Bearer ",
        "Bearer garbage",
        "Bearer a.b.c",
        "Bearer ..",
        "Bearer null",
        "Bearer a b",
        "Bearer,garbage",
        "Basic YWRtaW46YWRtaW4=",
        "Token garbage",
        "garbage",
        unsigned,
        &dots,
    ] {
        for (route, call) in calls(&app, "") {
            let answer = call.header("authorization", credential).send().await;
            is_refused(&route, answer, true);
        }
    }
}

#[tokio::test]
async fn two_tokens_are_none_even_if_both_are_good() {
    let app = App::start().await;
    let ada = app.person("ada@example.com").await;
    let device = app.sign_in(&ada).await;
    let good = format!("Bearer {}", device.access);
    for (first, second) in [
        (good.as_str(), good.as_str()),
        (&good, "Bearer garbage"),
        ("Bearer garbage", &good),
        ("Basic YTpi", &good),
    ] {
        for (route, call) in calls(&app, "") {
            let call = call.header("authorization", first);
            let answer = call.header("authorization", second).send().await;
            is_refused(&route, answer, true);
        }
    }
    app.me(&device.access).await.expect(200);
}

#[tokio::test]
async fn a_token_counts_in_the_authorization_header_alone() {
    let app = App::start().await;
    let ada = app.person("ada@example.com").await;
    let device = app.sign_in(&ada).await;
    let query = format!("?access_token={0}&token={0}", device.access);
    for (route, call) in calls(&app, &query) {
        is_refused(&route, call.send().await, false);
    }
    for (route, call) in calls(&app, "") {
        let call = call
            .header("cookie", &format!("access_token={}", device.access))
            .header("x-access-token", &device.access)
            .header("proxy-authorization", &format!("Bearer {}", device.access))
            .body(
                "application/x-www-form-urlencoded",
                format!("access_token={}", device.access),
            );
        is_refused(&route, call.send().await, false);
    }
    // Nor does a refresh token open anything, wherever it stands.
    for (route, call) in calls(&app, "") {
        let answer = call.bearer(&device.refresh).send().await;
        is_refused(&route, answer, true);
    }
    for (route, call) in calls(&app, "") {
        let answer = call.refresh_cookie(&device.refresh).send().await;
        is_refused(&route, answer, false);
    }
    app.me(&device.access).await.expect(200);
}
