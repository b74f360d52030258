//! The tests of a Redis that forgets, freezes and dies.

use std::time::Duration;

use latchkey_shared::cache::{CacheError, DenyMark, Key};
use tokio::time::Instant;

use crate::{
    fixture::{LIFE, TestClock, open},
    proxy::Proxy,
    server::Server,
};

const MINUTE: Duration = Duration::from_mins(1);

/// What a call may take: its budget of 250 ms, and room for a busy machine.
const IN_TIME: Duration = Duration::from_secs(1);

/// What a breaker that has just opened waits before its probe.
pub(crate) const PAUSE: Duration = Duration::from_secs(1);

fn key() -> Key {
    Key::new("test", &["key"])
}

#[tokio::test]
async fn a_frozen_connection_costs_one_call_and_is_replaced() {
    let Some(server) = Server::start() else {
        return;
    };
    let proxy = Proxy::to(server.address()).await;
    let cache = open(&server.url_via(proxy.port()), &TestClock::new());
    cache.put_once(&key(), "value", MINUTE).await.unwrap();

    proxy.freeze();
    let begun = Instant::now();
    let frozen = cache.standing("u", "s").await;
    assert!(matches!(frozen, Err(CacheError::Timeout)), "{frozen:?}");
    assert!(begun.elapsed() < IN_TIME, "{:?}", begun.elapsed());

    let value = cache.consume(&key()).await.unwrap();
    assert_eq!(value.as_deref(), Some("value"));
    assert_eq!(proxy.accepted(), 2);
}

#[tokio::test]
async fn the_reply_to_a_caller_that_has_gone_goes_to_nobody() {
    let Some(server) = Server::start() else {
        return;
    };
    let proxy = Proxy::to(server.address()).await;
    let cache = open(&server.url_via(proxy.port()), &TestClock::new());
    let keys = ["one", "two"].map(|part| Key::new("test", &[part]));
    for key in &keys {
        cache.put_once(key, key.as_str(), MINUTE).await.unwrap();
    }
    cache.consume(&key()).await.unwrap();

    proxy.hold(true);
    let asked = proxy.sent() + 1;
    tokio::select! {
        biased;
        () = proxy.has_sent(asked) => {}
        answer = cache.consume(&keys[0]) => panic!("the reply is held up: {answer:?}"),
    }
    let (second, ()) = tokio::join!(cache.consume(&keys[1]), async {
        proxy.has_sent(asked + 1).await;
        proxy.hold(false);
    });
    assert_eq!(second.unwrap().as_deref(), Some(keys[1].as_str()));
    assert_eq!(proxy.accepted(), 1);
    // The first was consumed all the same.
    assert_eq!(cache.consume(&keys[0]).await.unwrap(), None);
}

#[tokio::test]
async fn a_reply_that_comes_too_late_goes_to_nobody() {
    let Some(server) = Server::start() else {
        return;
    };
    let proxy = Proxy::to(server.address()).await;
    let cache = open(&server.url_via(proxy.port()), &TestClock::new());
    let keys = ["one", "two", "three"].map(|part| Key::new("test", &[part]));
    for key in &keys {
        cache.put_once(key, key.as_str(), MINUTE).await.unwrap();
    }
    cache.consume(&key()).await.unwrap();

    // Later than a call may take: by then nobody waits for it.
    proxy.hold(true);
    for _ in 0..2 {
        let late = cache.consume(&keys[0]).await;
        assert!(matches!(late, Err(CacheError::Timeout)), "{late:?}");
    }
    proxy.hold(false);
    for key in &keys[1..] {
        let value = cache.consume(key).await.unwrap();
        assert_eq!(value.as_deref(), Some(key.as_str()));
    }
    // What it was about had happened.
    assert_eq!(cache.consume(&keys[0]).await.unwrap(), None);
    assert!(proxy.accepted() > 1);
}

#[tokio::test]
async fn a_killed_server_is_an_error_in_time_and_a_new_one_is_found() {
    let Some(mut server) = Server::start() else {
        return;
    };
    let clock = TestClock::new();
    let cache = open(server.url(), &clock);
    cache.standing("u", "s").await.unwrap();
    clock.advance(LIFE);
    assert!(cache.standing("u", "s").await.unwrap().trusted);

    let port = server.kill();
    for _ in 0..3 {
        let begun = Instant::now();
        let bump = cache.bump_if(&key(), 9, MINUTE).await;
        assert!(matches!(bump, Err(CacheError::Unavailable(_))), "{bump:?}");
        assert!(begun.elapsed() < IN_TIME, "{:?}", begun.elapsed());
        cache.ping().await.unwrap_err();
    }

    server.restart(port);
    clock.advance(PAUSE);
    // The very first call that is made succeeds, and knows that it looks at an empty Redis.
    assert!(!cache.standing("u", "s").await.unwrap().trusted);
    assert!(cache.bump_if(&key(), 9, MINUTE).await.unwrap().admitted);
}

#[tokio::test]
async fn a_silent_redis_is_left_alone_until_it_answers_a_probe() {
    let Some(server) = Server::start() else {
        return;
    };
    let proxy = Proxy::to(server.address()).await;
    let clock = TestClock::new();
    let cache = open(&server.url_via(proxy.port()), &clock);
    cache.ping().await.unwrap();

    proxy.hold(true);
    for _ in 0..3 {
        let silent = cache.ping().await;
        assert!(matches!(silent, Err(CacheError::Timeout)), "{silent:?}");
    }
    let asked = (proxy.accepted(), proxy.sent());
    let begun = Instant::now();
    for _ in 0..100 {
        let spared = cache.standing("u", "s").await;
        assert!(
            matches!(spared, Err(CacheError::Unavailable(_))),
            "{spared:?}"
        );
    }
    // A hundred that are spared take less than one that waits.
    assert!(begun.elapsed() < Duration::from_millis(250));
    assert_eq!((proxy.accepted(), proxy.sent()), asked);

    // A probe that fails leaves it open.
    clock.advance(PAUSE);
    let probe = cache.ping().await;
    assert!(matches!(probe, Err(CacheError::Timeout)), "{probe:?}");
    let spared = cache.ping().await;
    assert!(
        matches!(spared, Err(CacheError::Unavailable(_))),
        "{spared:?}"
    );

    proxy.hold(false);
    clock.advance(PAUSE * 2);
    for _ in 0..5 {
        cache.ping().await.unwrap();
    }
}

#[tokio::test]
async fn of_what_was_cut_only_what_may_be_is_repeated() {
    let Some(server) = Server::start() else {
        return;
    };
    let proxy = Proxy::to(server.address()).await;
    let cache = open(&server.url_via(proxy.port()), &TestClock::new());
    cache.bump_if(&key(), 9, MINUTE).await.unwrap();

    // Redis counts, and the answer is lost.
    proxy.cut_replies(true);
    let lost = cache.bump_if(&key(), 9, MINUTE).await;
    assert!(matches!(lost, Err(CacheError::Unavailable(_))), "{lost:?}");
    proxy.cut_replies(false);
    let bump = cache.bump_if(&key(), 9, MINUTE).await.unwrap();
    assert_eq!(bump.count, 3);

    proxy.cut().await;
    cache.standing("u", "s").await.unwrap();
}

#[tokio::test]
async fn a_redis_that_missed_a_mark_is_not_trusted_when_it_is_back() {
    let Some(server) = Server::start() else {
        return;
    };
    let proxy = Proxy::to(server.address()).await;
    let clock = TestClock::new();
    let cache = open(&server.url_via(proxy.port()), &clock);
    let other = open(server.url(), &clock);
    cache.standing("u", "s").await.unwrap();
    clock.advance(LIFE);
    assert!(other.standing("u", "s").await.unwrap().trusted);

    // The mark is lost between us; all else that this Redis remembers is still there.
    proxy.freeze();
    let mark = DenyMark::Session { id: "s".to_owned() };
    cache.deny(&[mark]).await.unwrap_err();
    let standing = cache.standing("u", "s").await.unwrap();
    assert!(
        !standing.session_denied && !standing.trusted,
        "{standing:?}"
    );
    // Nobody else trusts it either, until the tokens of that time are dead.
    assert!(!other.standing("u", "s").await.unwrap().trusted);
    clock.advance(LIFE);
    assert!(other.standing("u", "s").await.unwrap().trusted);
}
