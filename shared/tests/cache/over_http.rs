//! The tests of a REST interface that is slow, broken or somebody else.

use std::time::Duration;

use latchkey_shared::cache::{Address, Cache, CacheError, DenyMark, Key, Quota, Window};
use tokio::time::Instant;

use crate::bridge::{Bridge, TOKEN};
use crate::faults::PAUSE;
use crate::fixture::{LIFE, TestClock, open_rest};
use crate::proxy::Proxy;
use crate::scripted::{Manner, Scripted};
use crate::server::Server;

const MINUTE: Duration = Duration::from_mins(1);

/// What a call may take: its budget of 250 ms, and room for a busy machine.
const IN_TIME: Duration = Duration::from_secs(1);

fn key() -> Key {
    Key::new("test", &["key"])
}

fn marks(count: usize) -> Vec<DenyMark> {
    let id = |n: usize| n.to_string();
    (0..count)
        .map(|n| DenyMark::Session { id: id(n) })
        .collect()
}

async fn admit(cache: &dyn Cache) -> Result<(), CacheError> {
    let key = key();
    let quota = Quota {
        key: &key,
        burst: 9,
        window: Window::Rolling(MINUTE),
    };
    cache.admit(&[quota]).await.map(drop)
}

/// What came of each kind of call, each by a function that has just started.
async fn outcomes(server: &Scripted) -> Vec<(&'static str, Result<(), CacheError>)> {
    let cache = || open_rest(&server.url(), &TestClock::new());
    let marks = marks(1);
    vec![
        (
            "put_once",
            cache().put_once(&key(), "v", MINUTE).await.map(drop),
        ),
        ("consume", cache().consume(&key()).await.map(drop)),
        (
            "bump_if",
            cache().bump_if(&key(), 9, MINUTE).await.map(drop),
        ),
        ("admit", admit(&*cache()).await),
        ("deny", cache().deny(&marks).await),
        ("allow", cache().allow("u", 1).await),
        ("standing", cache().standing("u", "s").await.map(drop)),
        ("ping", cache().ping().await),
    ]
}

#[tokio::test]
async fn an_answer_of_another_form_is_corrupt_and_never_a_yes() {
    for body in [
        "",
        "garbage",
        "<html>",
        "null",
        "7",
        "[]",
        "{}",
        r#"{"result":true}"#,
        r#"{"result":{}}"#,
        r#"{"result":[7]}"#,
        r#"{"result":[1]}"#,
        r#"{"result":[2,2]}"#,
        r#"{"result":[1,-2,-3]}"#,
        r#"{"result":[0,0]}"#,
        r#"{"result":[1,99999999999999999999]}"#,
        r#"{"result":1.5}"#,
        r#"{"result":7,"error":"ERR"}"#,
        r#"{"error":7}"#,
        r#"{"error":"ERR CORRUPT"}"#,
        r#"[{"result":1}]"#,
        r#"{"result":1"#,
    ] {
        let server = Scripted::start(Manner::answer(200, body)).await;
        for (call, outcome) in outcomes(&server).await {
            assert!(
                matches!(outcome, Err(CacheError::Corrupt)),
                "{call} with {body}: {outcome:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_status_that_is_no_answer_is_unavailable() {
    let yes = r#"{"result":1}"#;
    let refused = r#"{"error":"ERR unknown command, with args beginning with: 'lk:test:key'"}"#;
    for (status, body) in [
        (400, refused),
        (200, refused),
        (401, r#"{"error":"WRONGPASS"}"#),
        (429, yes),
        (302, yes),
        (500, yes),
        (503, "<html>"),
    ] {
        let server = Scripted::start(Manner::answer(status, body)).await;
        for (call, outcome) in outcomes(&server).await {
            let Err(CacheError::Unavailable(source)) = outcome else {
                panic!("{call} with {status}: {outcome:?}");
            };
            assert!(
                !format!("{source} {source:?}").contains("lk:"),
                "{source:?}"
            );
        }
        // And asked only once each.
        assert_eq!(server.requests(), 8, "{status}");
    }
}

#[tokio::test]
async fn half_a_pipeline_is_corrupt() {
    let one = r#"{"result":1}"#;
    for body in [
        "[]".to_owned(),
        format!("[{one}]"),
        format!("[{one},{one},{one},{one}]"),
        format!("[{one},{one},{{}}]"),
        format!("[{one},{one},7]"),
        one.to_owned(),
    ] {
        let server = Scripted::start(Manner::answer(200, &body)).await;
        // Three scripts.
        let denied = open_rest(&server.url(), &TestClock::new())
            .deny(&marks(1201))
            .await;
        assert!(
            matches!(denied, Err(CacheError::Corrupt)),
            "{body}: {denied:?}"
        );
    }
    let server = Scripted::start(Manner::answer(200, &format!("[{one},{one},{one}]"))).await;
    let cache = open_rest(&server.url(), &TestClock::new());
    cache.deny(&marks(1201)).await.unwrap();
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn what_is_cut_in_mid_answer_is_repeated_where_it_may_be() {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\n";
    for said in [
        String::new(),
        head[..20].to_owned(),
        format!("{head}{{\"result\""),
    ] {
        let server = Scripted::start(Manner::Says(said.clone())).await;
        for (call, outcome) in outcomes(&server).await {
            assert!(
                matches!(outcome, Err(CacheError::Unavailable(_))),
                "{call} with {said}: {outcome:?}"
            );
        }
        // Once what counts or consumes, twice the four others.
        assert_eq!(server.requests(), 4 + 2 * 4, "{said}");
    }
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let server = Scripted::start(Manner::Endless).await;
    let ping = open_rest(&server.url(), &TestClock::new()).ping().await;
    assert!(matches!(ping, Err(CacheError::Corrupt)), "{ping:?}");
}

#[tokio::test]
async fn a_silent_server_costs_the_budget_and_then_nothing() {
    let server = Scripted::start(Manner::Silent).await;
    let clock = TestClock::new();
    let cache = open_rest(&server.url(), &clock);
    for _ in 0..3 {
        let begun = Instant::now();
        let silent = cache.standing("u", "s").await;
        assert!(matches!(silent, Err(CacheError::Timeout)), "{silent:?}");
        assert!(begun.elapsed() < IN_TIME, "{:?}", begun.elapsed());
    }
    let begun = Instant::now();
    for _ in 0..100 {
        let spared = admit(&*cache).await;
        assert!(
            matches!(spared, Err(CacheError::Unavailable(_))),
            "{spared:?}"
        );
    }
    assert!(begun.elapsed() < Duration::from_millis(250));
    assert_eq!(server.requests(), 3);
    clock.advance(PAUSE);
    let probe = cache.ping().await;
    assert!(matches!(probe, Err(CacheError::Timeout)), "{probe:?}");
    assert_eq!(server.requests(), 4);
}

#[tokio::test]
async fn a_connection_that_was_closed_while_idle_costs_no_call() {
    let Some(server) = Server::start() else {
        return;
    };
    let bridge = Bridge::to(&server).await;
    let proxy = Proxy::to(bridge.address()).await;
    let url = format!("http://127.0.0.1:{}", proxy.port());
    let cache = open_rest(&url, &TestClock::new());
    cache.ping().await.unwrap();
    for count in 1..=20 {
        proxy.cut().await;
        let bump = cache.bump_if(&key(), 99, MINUTE).await.unwrap();
        assert_eq!(bump.count, count);
    }
}

#[tokio::test]
async fn the_answer_to_a_caller_that_has_gone_goes_to_nobody() {
    let Some(server) = Server::start() else {
        return;
    };
    let bridge = Bridge::to(&server).await;
    let proxy = Proxy::to(bridge.address()).await;
    let url = format!("http://127.0.0.1:{}", proxy.port());
    let cache = open_rest(&url, &TestClock::new());
    let keys = ["one", "two"].map(|part| Key::new("test", &[part]));
    for key in &keys {
        cache.put_once(key, key.as_str(), MINUTE).await.unwrap();
    }
    cache.consume(&key()).await.unwrap();

    proxy.hold(true);
    let asked = bridge.requests() + 1;
    tokio::select! {
        biased;
        () = proxy.has_sent(proxy.sent() + 1) => {}
        answer = cache.consume(&keys[0]) => panic!("the reply is held up: {answer:?}"),
    }
    while bridge.requests() < asked {
        tokio::task::yield_now().await;
    }
    proxy.hold(false);
    let second = cache.consume(&keys[1]).await.unwrap();
    assert_eq!(second.as_deref(), Some(keys[1].as_str()));
    // The first was consumed all the same.
    assert_eq!(cache.consume(&keys[0]).await.unwrap(), None);
}

#[tokio::test]
async fn each_call_is_one_request_also_after_a_mark_was_missed() {
    let Some(server) = Server::start() else {
        return;
    };
    let bridge = Bridge::to(&server).await;
    let proxy = Proxy::to(bridge.address()).await;
    let url = format!("http://127.0.0.1:{}", proxy.port());
    let clock = TestClock::new();
    let cache = open_rest(&url, &clock);
    for _ in 0..2 {
        cache.put_once(&key(), "value", MINUTE).await.unwrap();
        cache.consume(&key()).await.unwrap();
        cache
            .bump_if(&Key::new("test", &["count"]), 9, MINUTE)
            .await
            .unwrap();
        admit(&*cache).await.unwrap();
        cache.deny(&marks(1)).await.unwrap();
        cache.standing("u", "s").await.unwrap();
        server.command(&["DEL", key().as_str()]);
    }
    let before = bridge.requests();
    cache.put_once(&key(), "value", MINUTE).await.unwrap();
    cache.consume(&key()).await.unwrap();
    admit(&*cache).await.unwrap();
    cache.deny(&marks(3000)).await.unwrap();
    cache.allow("u", 2).await.unwrap();
    clock.advance(LIFE);
    assert!(cache.standing("u", "s").await.unwrap().trusted);
    assert_eq!(bridge.requests() - before, 6);

    proxy.hold(true);
    let missed = cache.deny(&marks(1)).await;
    assert!(matches!(missed, Err(CacheError::Timeout)), "{missed:?}");
    proxy.hold(false);
    let before = bridge.requests();
    // The record begins anew in the request that asks.
    assert!(!cache.standing("u", "s").await.unwrap().trusted);
    assert_eq!(bridge.requests() - before, 1);
    // That once, and not each time.
    clock.advance(LIFE);
    assert!(cache.standing("u", "s").await.unwrap().trusted);
}

#[tokio::test]
async fn a_wrong_token_is_refused_and_not_told() {
    let Some(server) = Server::start() else {
        return;
    };
    let bridge = Bridge::to(&server).await;
    let open = |url: String, token: &str| {
        Address::rest(url.into(), token.into()).open(TestClock::new(), LIFE)
    };
    let stranger = open(bridge.url(), "hunter2").unwrap();
    let refused = stranger.ping().await.unwrap_err();
    assert!(matches!(refused, CacheError::Unavailable(_)), "{refused:?}");
    assert!(!format!("{refused:?}").contains("hunter2"));
    assert!(!format!("{refused:?}").contains(&bridge.url()));

    // Nobody listens there.
    let gone = open("http://127.0.0.1:1".into(), TOKEN).unwrap();
    let refused = gone.ping().await.unwrap_err();
    assert!(matches!(refused, CacheError::Unavailable(_)), "{refused:?}");
    assert!(!format!("{refused:?}").contains(TOKEN));

    for (url, token) in [
        ("http://example.com", "hunter2"),
        ("https://:hunter2@example.com", "token"),
        ("https://example.com/?hunter2", "token"),
        ("https://example.com", ""),
        ("https://example.com", "hunter2 hunter2"),
        ("https://example.com", "hunter2\n"),
    ] {
        let Err(error) = open(url.into(), token) else {
            panic!("{url} was taken");
        };
        assert!(matches!(error, CacheError::Address), "{url}: {error:?}");
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }
}
