//! Limits on requests: by source and by user, route by route.

use std::collections::BTreeSet;

use latchkey_local::Options;
use latchkey_shared::http::route_limits::{RULES, Subject};
use latchkey_tests::{Answer, App, Call, Redis, at_once};
use secrecy::SecretString;
use serde_json::json;

use crate::contract::ROUTES;

const README: &str = include_str!("../../README.md");

/// What hands out what anybody may keep, without a store behind it; API Gateway's own throttle is
/// its limit.
const UNLIMITED: [&str; 3] = [
    "GET /.well-known/jwks.json",
    "GET /.well-known/oauth-authorization-server",
    "GET /api/health",
];

/// A sign-in with a wrong password, each of somebody else, from this address.
fn stranger(app: &App, source: &str, number: usize) -> Call {
    let body = json!({ "email": format!("nobody{number}@example.com"), "password": "wrong wrong" });
    app.post("/api/auth/sign-in", &body)
        .header("x-dev-client-ip", source)
}

/// A mail asked for by this address for somebody else each time.
fn asker(app: &App, source: &str, number: usize) -> Call {
    let body = json!({ "email": format!("nobody{number}@example.com") });
    app.call(reqwest::Method::PATCH, "/api/auth/forgot/password")
        .json(&body)
        .header("x-dev-client-ip", source)
}

/// The parameter of a member of the `RateLimit` list.
fn parameter(answer: &Answer, header: &str, member: &str, name: &str) -> u64 {
    let list = answer.header(header).expect("the header");
    let item = list
        .split(", ")
        .find(|item| item.starts_with(&format!("\"{member}\"")))
        .unwrap_or_else(|| panic!("{member} in {list}"));
    let (_, rest) = item
        .split_once(&format!(";{name}="))
        .expect("the parameter");
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().expect("a number")
}

#[test]
fn every_route_has_a_limit_or_a_reason_for_none() {
    let limited: BTreeSet<String> = RULES
        .iter()
        .map(|rule| format!("{} {}", rule.method, rule.path))
        .collect();
    assert_eq!(limited.len(), RULES.len(), "a route has two rules");
    for (method, path, needs_user) in ROUTES {
        let route = format!("{method} {path}");
        let unlimited = UNLIMITED.contains(&route.as_str());
        assert_ne!(limited.contains(&route), unlimited, "{route}");
        let rule = RULES
            .iter()
            .find(|rule| format!("{} {}", rule.method, rule.path) == route);
        if let Some(rule) = rule {
            assert_eq!(rule.subject.is_user(), needs_user, "{route}");
        }
    }
    let routes: BTreeSet<String> = ROUTES.iter().map(|(m, p, _)| format!("{m} {p}")).collect();
    assert_eq!(limited.difference(&routes).next(), None);
}

#[test]
fn the_readme_has_the_table() {
    let (_, table) = README
        .split_once("| route | requests | in seconds | of one |\n| --- | --- | --- | --- |\n")
        .unwrap();
    let told: Vec<&str> = table
        .lines()
        .take_while(|row| row.starts_with('|'))
        .collect();
    let rules: Vec<String> = RULES
        .iter()
        .map(|rule| {
            let whose = match rule.subject {
                Subject::Source => "source",
                Subject::SourceAndSession => "source; and the session",
                Subject::User => "user",
                Subject::UserByPlan => "user; and the plan",
            };
            format!(
                "| `{} {}` | {} | {} | {whose} |",
                rule.method, rule.path, rule.quota, rule.seconds
            )
        })
        .collect();
    assert_eq!(told, rules, "\n{}", rules.join("\n"));
}

#[tokio::test]
async fn a_source_is_told_where_it_stands_and_stopped_at_its_limit() {
    let app = App::start().await;
    for number in 0..20 {
        let answer = asker(&app, "203.0.113.7", number).send().await.expect(202);
        assert_eq!(parameter(&answer, "ratelimit-policy", "source", "q"), 20);
        assert_eq!(parameter(&answer, "ratelimit-policy", "source", "w"), 3600);
        let left = parameter(&answer, "ratelimit", "source", "r");
        assert_eq!(left, 19 - u64::try_from(number).unwrap());
        // Beside the limits of the address that was asked for.
        assert_eq!(parameter(&answer, "ratelimit", "minute", "r"), 0);
    }
    let refused = asker(&app, "203.0.113.7", 20).send().await;
    assert_eq!(parameter(&refused, "ratelimit", "source", "r"), 0);
    let wait: i64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=180).contains(&wait), "{wait}");
    refused.problem(429, "rate_limited");
    // Nobody else's loss, nor another route's.
    asker(&app, "203.0.113.8", 21).send().await.expect(202);
    stranger(&app, "203.0.113.7", 0)
        .send()
        .await
        .problem(401, "invalid_credentials");
    // Who waits for as long as they are told gets through, once.
    app.advance(wait).await;
    asker(&app, "203.0.113.7", 22).send().await.expect(202);
    asker(&app, "203.0.113.7", 23)
        .send()
        .await
        .problem(429, "rate_limited");
}

#[tokio::test]
async fn a_refused_request_has_done_nothing() {
    let app = App::start().await;
    for number in 0..20 {
        asker(&app, "203.0.113.7", number).send().await.expect(202);
    }
    app.person("ada@example.com").await;
    app.stack.settle().await;
    drop(app.stack.calls().take());
    let body = json!({ "email": "ada@example.com" });
    app.call(reqwest::Method::PATCH, "/api/auth/forgot/password")
        .json(&body)
        .header("x-dev-client-ip", "203.0.113.7")
        .send()
        .await
        .problem(429, "rate_limited");
    let calls = app.stack.calls().take();
    assert_eq!((calls.dynamodb_count(), calls.cache.len()), (0, 1));
    let mails = app.mails_to("ada@example.com").await;
    assert!(mails.iter().all(|mail| mail.template != "reset_password"));
}

#[tokio::test]
async fn two_hundred_at_once_are_counted_exactly() {
    let app = App::start().await;
    let calls = (0..200).map(|number| asker(&app, "203.0.113.7", number));
    let answers = at_once(calls).await;
    let admitted = answers.iter().filter(|answer| answer.status == 202).count();
    let refused = answers.iter().filter(|answer| answer.status == 429).count();
    assert_eq!((admitted, refused), (20, 180));
}

#[tokio::test]
async fn all_addresses_of_one_ipv6_network_are_one_source() {
    let app = App::start().await;
    for number in 0..20 {
        let source = format!("2001:db8:1:2::{number:x}");
        asker(&app, &source, number).send().await.expect(202);
    }
    for source in ["2001:db8:1:2:ffff::1", "2001:DB8:0001:0002::abcd"] {
        asker(&app, source, 99)
            .send()
            .await
            .problem(429, "rate_limited");
    }
    // The next network of the same site is another source, until the site has had ten times that
    // (and what comes back meanwhile: one in 18 seconds).
    let mut admitted = 0;
    for number in 256..486 {
        let source = format!("2001:db8:1:{number:x}::1");
        let answer = asker(&app, &source, number).send().await;
        admitted += u32::from(answer.status == 202);
    }
    assert!((180..=200).contains(&admitted), "{admitted}");
    asker(&app, "2001:db8:2:1::1", 201).send().await.expect(202);
}

#[tokio::test]
async fn an_ipv4_address_in_the_dress_of_ipv6_is_itself() {
    let app = App::start().await;
    for number in 0..20 {
        let source = if number % 2 == 0 {
            "203.0.113.7"
        } else {
            "::ffff:203.0.113.7"
        };
        asker(&app, source, number).send().await.expect(202);
    }
    for source in ["203.0.113.7", "::ffff:203.0.113.7", "::ffff:cb00:7107"] {
        asker(&app, source, 99)
            .send()
            .await
            .problem(429, "rate_limited");
    }
}

#[tokio::test]
async fn no_header_of_the_caller_makes_another_source() {
    let app = App::start().await;
    for number in 0..20 {
        asker(&app, "203.0.113.7", number).send().await.expect(202);
    }
    for header in [
        "x-forwarded-for",
        "x-real-ip",
        "forwarded",
        "cf-connecting-ip",
        "true-client-ip",
    ] {
        asker(&app, "203.0.113.7", 99)
            .header(header, "198.51.100.1")
            .send()
            .await
            .problem(429, "rate_limited");
    }
}

#[tokio::test]
async fn another_spelling_of_a_path_is_no_way_round() {
    let app = App::start().await;
    for path in [
        "/api/auth//sign-in",
        "/api/auth/sign-in/",
        "/api/auth/%73ign-in",
        "/api/auth/SIGN-IN",
        "/api/auth/sign-in;x",
        "//api/auth/sign-in",
    ] {
        let body = json!({ "email": "nobody@example.com", "password": "wrong wrong" });
        app.post(path, &body).send().await.problem(404, "not_found");
    }
    for number in 0..20 {
        let path = format!("/api/auth/generate-otp?{number}");
        let body = json!({ "email": format!("x{number}@example.com") });
        let call = app.post(&path, &body);
        call.header("x-dev-client-ip", "203.0.113.7")
            .send()
            .await
            .expect(202);
    }
    let body = json!({ "email": "x99@example.com" });
    app.post("/api/auth/generate-otp", &body)
        .header("x-dev-client-ip", "203.0.113.7")
        .send()
        .await
        .problem(429, "rate_limited");
}

#[tokio::test]
async fn a_user_is_counted_wherever_they_are_and_nobody_else_with_them() {
    let app = App::start().await;
    let ada = app.person("ada@example.com").await;
    let bob = app.person("bob@example.com").await;
    let (adas, bobs) = (app.sign_in(&ada).await, app.sign_in(&bob).await);
    let export = |access: &str, source: &str| {
        let call = app.get("/api/auth/user/export").bearer(access);
        call.header("x-dev-client-ip", source).send()
    };
    for number in 0..60 {
        let answer = export(&adas.access, &format!("203.0.113.{number}")).await;
        assert_eq!(parameter(&answer, "ratelimit", "user", "r"), 59 - number);
        answer.expect(200);
    }
    export(&adas.access, "198.51.100.9")
        .await
        .problem(429, "rate_limited");
    export(&bobs.access, "203.0.113.1").await.expect(200);
    app.me(&adas.access).await.expect(200);
}

#[tokio::test]
async fn while_redis_is_away_an_instance_counts_alone_and_less() {
    let Some(mut redis) = Redis::start().await else {
        return;
    };
    let app = App::of(Options {
        redis_url: Some(SecretString::from(redis.url())),
        ..Options::default()
    })
    .await;
    let ada = app.person("ada@example.com").await;
    redis.kill();
    // A tenth of thirty; and who is let in is let in.
    for number in 0..3 {
        stranger(&app, "203.0.113.7", number)
            .send()
            .await
            .expect(401);
    }
    stranger(&app, "203.0.113.7", 9)
        .send()
        .await
        .problem(429, "rate_limited");
    let device = app.sign_in(&ada).await;
    app.me(&device.access).await.expect(200);
    app.refresh(&device.refresh).await.expect(200);
}

#[tokio::test]
async fn who_has_no_good_token_is_counted_by_source() {
    let app = App::start().await;
    let ada = app.person("ada@example.com").await;
    let device = app.sign_in(&ada).await;
    let forged = format!("{}A", device.access);
    let calls = (0..320).map(|number| {
        let call = match number % 3 {
            0 => app.get("/api/auth/user/me"),
            1 => app.get("/api/auth/sessions").bearer("a.b.c"),
            _ => app.get("/api/auth/user/events").bearer(&forged),
        };
        call.header("x-dev-client-ip", "203.0.113.7")
    });
    let answers = at_once(calls).await;
    let refused = answers.iter().filter(|answer| answer.status == 429).count();
    let told = answers.iter().filter(|answer| answer.status == 401).count();
    // Five come back in a second.
    assert!(refused > 0 && told >= 300, "{refused} {told}");
    // The user is not held up by it, not even from there.
    let call = app.get("/api/auth/user/me").bearer(&device.access);
    let call = call.header("x-dev-client-ip", "203.0.113.7");
    call.send().await.expect(200);
}

#[tokio::test]
async fn two_names_of_one_route_have_one_budget() {
    let app = App::start().await;
    for number in 0..30 {
        let body = json!({ "email": format!("x{number}@example.com"), "password": "wrong wrong" });
        let path = ["/api/auth/sign-in", "/api/auth/sign-in/email"][number % 2];
        let call = app
            .post(path, &body)
            .header("x-dev-client-ip", "203.0.113.7");
        let status = call.send().await.status;
        // From the fifteenth account on the source is shut out, and counted all the same.
        assert!(status == 401 || status == 429, "{status}");
    }
    let body = json!({ "email": "y@example.com", "password": "wrong wrong" });
    for path in ["/api/auth/sign-in", "/api/auth/sign-in/email"] {
        let call = app
            .post(path, &body)
            .header("x-dev-client-ip", "203.0.113.7");
        let answer = call.send().await;
        assert_eq!(parameter(&answer, "ratelimit", "source", "r"), 0);
    }
}

#[tokio::test]
async fn a_refresh_that_can_t_be_read_is_counted_too() {
    let app = App::start().await;
    let path = "/api/auth/user/refresh";
    let calls = (0..320).map(|_| {
        let call = app
            .call(reqwest::Method::PATCH, path)
            .body("application/json", "{");
        call.header("x-dev-client-ip", "203.0.113.7")
    });
    let answers = at_once(calls).await;
    assert!(answers.iter().any(|answer| answer.status == 429));
}
