//! One source that tries the passwords of many.

use latchkey_local::Options;
use latchkey_tests::{Redis, at_once};
use secrecy::SecretString;

use super::*;

fn try_at(app: &Client, email: &str, source: &str, password: &str) -> Call {
    let body = json!({ "email": email, "password": password });
    app.post(SIGN_IN, &body).header("x-dev-client-ip", source)
}

async fn spray(app: &Client, accounts: usize, source: &str) {
    for number in 0..accounts {
        let email = format!("user{number}@example.com");
        let answer = try_at(app, &email, source, WRONG).send().await;
        answer.problem(401, "invalid_credentials");
    }
}

#[tokio::test]
async fn a_source_that_fails_with_fifteen_accounts_is_shut_out_of_all() {
    let app = app_with_ada().await;
    spray(&app, 14, STRANGER).await;
    // The same ones again are no more accounts.
    spray(&app, 3, STRANGER).await;
    let call = || try_at(&app, "ada@example.com", STRANGER, PASSWORD);
    call().send().await.expect(200);
    spray(&app, 15, "198.51.100.8").await;
    call().send().await.expect(200);

    let last = try_at(&app, "user14@example.com", STRANGER, WRONG);
    last.send().await.problem(401, "invalid_credentials");
    let refused = call().send().await;
    let wait: i64 = refused.header("retry-after").unwrap().parse().unwrap();
    about(wait, 3600);
    assert!(refused.header("ratelimit-policy").is_some());
    refused.problem(429, "rate_limited");
    let unknown = try_at(&app, "nobody@example.com", STRANGER, WRONG);
    unknown.send().await.problem(429, "rate_limited");

    // Others are not, and no account is locked.
    let other = try_at(&app, "ada@example.com", "198.51.100.9", PASSWORD);
    other.send().await.expect(200);

    app.advance(3601).await;
    call().send().await.expect(200);
    // A source that goes on is shut out again.
    let next = try_at(&app, "user15@example.com", STRANGER, WRONG);
    next.send().await.problem(401, "invalid_credentials");
    call().send().await.problem(429, "rate_limited");
}

#[tokio::test]
async fn one_network_of_ipv6_is_one_source() {
    let app = app_with_ada().await;
    for number in 0..15 {
        let (email, source) = (
            format!("user{number}@example.com"),
            format!("2001:db8::{number}"),
        );
        let answer = try_at(&app, &email, &source, WRONG).send().await;
        answer.problem(401, "invalid_credentials");
    }
    let same = try_at(&app, "ada@example.com", "2001:db8::ffff", PASSWORD);
    same.send().await.problem(429, "rate_limited");
    let other = try_at(&app, "ada@example.com", "2001:db8:0:1::1", PASSWORD);
    other.send().await.expect(200);
}

#[tokio::test]
async fn a_developer_s_own_machine_is_never_shut_out() {
    let app = app_with_ada().await;
    spray(&app, 20, "127.0.0.1").await;
    let call = try_at(&app, "ada@example.com", "127.0.0.1", PASSWORD);
    call.send().await.expect(200);
}

#[tokio::test]
async fn without_redis_locks_hold_and_sign_in_goes_on() {
    let Some(mut redis) = Redis::start().await else {
        return;
    };
    let app = App::of(Options {
        redis_url: Some(SecretString::from(redis.url())),
        ..Options::default()
    })
    .await;
    app.person("ada@example.com").await;
    app.person("bob@example.com").await;
    for _ in 0..3 {
        fails(&app, &ada()).await;
    }
    redis.kill();
    for _ in 0..2 {
        fails(&app, &ada()).await;
    }
    locked_for(&app, &ada()).await;
    let bob = json!({ "email": "bob@example.com" });
    sign_in(&app, &bob, PASSWORD).send().await.expect(200);
}

#[tokio::test]
async fn whoever_has_a_whole_site_of_ipv6_is_one_source_in_the_end() {
    let app = app_with_ada().await;
    let calls = (0..150).map(|number| {
        let email = format!("user{number}@example.com");
        let source = format!("2001:db8:7:{number:x}::1");
        try_at(&app, &email, &source, WRONG)
    });
    for answer in at_once(calls).await {
        answer.problem(401, "invalid_credentials");
    }
    let same = try_at(&app, "ada@example.com", "2001:db8:7:ffff::1", PASSWORD);
    same.send().await.problem(429, "rate_limited");
    let other = try_at(&app, "ada@example.com", "2001:db8:8:1::1", PASSWORD);
    other.send().await.expect(200);
}
