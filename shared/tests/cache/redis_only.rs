//! The tests of what only a server apart can do: be emptied, misused, addressed wrongly.

use std::time::Duration;

use latchkey_shared::cache::{self, CacheError, DenyMark, Key, Quota, Window};
use latchkey_shared::clock::Clock as _;
use secrecy::SecretString;

use crate::{
    fixture::{Fixture, LIFE, TestClock, open},
    proxy::Proxy,
    server::Server,
};

const MINUTE: Duration = Duration::from_mins(1);

fn key() -> Key {
    Key::new("test", &["key"])
}

/// Two in a minute.
fn quota(key: &Key) -> Quota<'_> {
    Quota {
        key,
        burst: 2,
        window: Window::Rolling(MINUTE),
    }
}

/// Nine in the minute that begins now.
fn period<'a>(fixture: &Fixture, key: &'a Key) -> Quota<'a> {
    Quota {
        key,
        burst: 9,
        window: Window::Until(fixture.clock.now() + MINUTE),
    }
}

fn mark(id: &str, version: u64) -> DenyMark {
    DenyMark::User {
        id: id.to_owned(),
        before: 1,
        version,
    }
}

pub(crate) async fn a_flushed_redis_is_not_trusted(fixture: &Fixture) {
    let (server, cache) = (fixture.server(), fixture.cache());
    let clock = &fixture.clock;

    // Whoever comes first starts the record: a denial, a lifting, a look.
    for first in 0..3 {
        server.flush();
        match first {
            0 => cache.deny(&[mark("u", 1)]).await.unwrap(),
            1 => cache.allow("u", 1).await.unwrap(),
            _ => assert!(!cache.standing("u", "s").await.unwrap().trusted),
        }
        clock.advance(LIFE);
        assert!(cache.standing("u", "s").await.unwrap().trusted);
        // The record has no expiry.
        let ttl = server.command(&["PTTL", "lk:deny:since"]);
        assert_eq!(ttl, redis::Value::Int(-1));
    }
    server.flush();
    assert!(!cache.standing("u", "s").await.unwrap().trusted);
}

pub(crate) async fn everything_else_has_an_expiry(fixture: &Fixture) {
    let (server, cache) = (fixture.server(), fixture.cache());
    cache.put_once(&key(), "value", MINUTE).await.unwrap();
    let counter = Key::new("test", &["counter"]);
    cache.bump_if(&counter, 9, MINUTE).await.unwrap();
    cache.bump_if(&counter, 9, MINUTE).await.unwrap();
    let [spent, new] = ["spent", "new"].map(|part| Key::new("test", &[part]));
    for _ in 0..2 {
        let quotas = [quota(&spent), quota(&new)];
        cache.admit(&quotas[..]).await.unwrap();
        server.command(&["DEL", new.as_str()]);
    }
    cache.admit(&[quota(&new)]).await.unwrap();
    let tally = Key::new("test", &["tally"]);
    cache.admit(&[period(fixture, &tally)]).await.unwrap();
    let session = DenyMark::Session { id: "s".to_owned() };
    cache.deny(&[mark("u", 1), session]).await.unwrap();
    cache.allow("v", 1).await.unwrap();

    for (key, life) in [
        (key().as_str(), MINUTE),
        (counter.as_str(), MINUTE),
        (spent.as_str(), MINUTE),
        (new.as_str(), MINUTE / 2),
        (tally.as_str(), MINUTE),
        ("lk:deny:user:u", LIFE),
        ("lk:deny:user:v", LIFE),
        ("lk:deny:session:s", LIFE),
    ] {
        let redis::Value::Int(ttl) = server.command(&["PTTL", key]) else {
            panic!("{key} has no expiry");
        };
        // Later than by our clock, and not much.
        let life = i64::try_from(life.as_millis()).unwrap();
        assert!((life..=life + 60_000).contains(&ttl), "{key}: {ttl}");
    }
}

pub(crate) async fn what_we_did_not_write_is_an_error(fixture: &Fixture) {
    let (server, cache) = (fixture.server(), fixture.cache());
    let other = Key::new("test", &["other"]);
    for put in [
        &["RPUSH", "KEY", "x"][..],
        &["HSET", "KEY", "x", "1"],
        &["SET", "KEY", ""],
        &["SET", "KEY", "garbage"],
        &["SET", "KEY", "12"],
        &["SET", "KEY", "n:soon:1"],
        &["SET", "KEY", "n:9790000000000:many"],
        &["SET", "KEY", "u:9790000000000:1:1:1"],
        &["SET", "KEY", "t:9790000000000:-1"],
        &["SET", "KEY", "t:9790000000000:99999999999"],
        &["SET", "KEY", "g:9790000000000:soon"],
        &["SET", "KEY", "g:9790000000000:9790000000000001"],
        &["SET", "KEY", "g:1790000001000:1790000001000001"],
        &["SET", "KEY", "g:1790000001000:-1790000001000000"],
    ] {
        let spoil = |key: &str| {
            server.flush();
            let words: Vec<_> = put
                .iter()
                .map(|word| if *word == "KEY" { key } else { word })
                .collect();
            server.command(&words);
        };
        macro_rules! assert_corrupt {
            ($($call:expr),*) => {$(
                let outcome = $call.await;
                assert!(
                    matches!(outcome, Err(CacheError::Corrupt)),
                    "{} with {put:?}: {outcome:?}", stringify!($call),
                );
            )*};
        }
        spoil(key().as_str());
        assert_corrupt!(
            cache.put_once(&key(), "value", MINUTE),
            cache.consume(&key()),
            cache.bump_if(&key(), 9, MINUTE),
            cache.admit(&[quota(&other), quota(&key())]),
            cache.admit(&[quota(&other), period(fixture, &key())])
        );
        // And nothing was counted in the other.
        assert_eq!(
            server.command(&["EXISTS", other.as_str()]),
            redis::Value::Int(0)
        );
        spoil("lk:deny:user:u");
        assert_corrupt!(
            cache.standing("u", "s"),
            cache.allow("u", 1),
            cache.deny(&[mark("u", 1), mark("other", 1)])
        );
        // One spoilt mark does not keep the others from being written.
        let standing = cache.standing("other", "s").await.unwrap();
        assert_eq!(standing.user_denied_before, Some(1));

        spoil("lk:deny:session:s");
        assert_corrupt!(cache.standing("u", "s"));
    }
    for since in ["", "soon", "v:9790000000000:1", "-1"] {
        server.command(&["SET", "lk:deny:since", since]);
        let standing = cache.standing("u", "s").await;
        assert!(
            matches!(standing, Err(CacheError::Corrupt)),
            "{since}: {standing:?}"
        );
    }
}

pub(crate) async fn a_forgotten_script_is_brought_again(fixture: &Fixture) {
    let (server, cache) = (fixture.server(), fixture.cache());
    let many: Vec<_> = (0..1201).map(|n| mark(&n.to_string(), 1)).collect();
    for count in 1..=3 {
        let bump = cache.bump_if(&key(), 9, MINUTE).await.unwrap();
        assert_eq!(bump.count, count);
        cache.deny(&many).await.unwrap();
        server.command(&["SCRIPT", "FLUSH"]);
    }
    let standing = cache.standing("1200", "s").await.unwrap();
    assert_eq!(standing.user_denied_before, Some(1));
}

#[tokio::test]
async fn each_call_is_one_round_trip() {
    let Some(server) = Server::start() else {
        return;
    };
    let proxy = Proxy::to(server.address()).await;
    let cache = open(&server.url_via(proxy.port()), &TestClock::new());
    let [other, third] = ["other", "third"].map(|part| Key::new("test", &[part]));
    // Nothing is connected before it is needed; the first use of a script also brings it there.
    assert_eq!(proxy.accepted(), 0);
    for _ in 0..2 {
        cache.put_once(&key(), "value", MINUTE).await.unwrap();
        cache.consume(&key()).await.unwrap();
        cache.bump_if(&key(), 9, MINUTE).await.unwrap();
        server.command(&["DEL", key().as_str()]);
        cache.deny(&[mark("u", 1), mark("v", 1)]).await.unwrap();
        cache.standing("u", "s").await.unwrap();
        cache.admit(&[quota(&other)]).await.unwrap();
    }
    macro_rules! assert_one_round_trip {
        ($($call:expr),* $(,)?) => {$(
            let before = proxy.sent();
            $call.await.unwrap();
            assert_eq!(proxy.sent() - before, 1, "{}", stringify!($call));
        )*};
    }
    assert_one_round_trip!(
        cache.standing("u", "s"),
        cache.standing("new", "new"),
        cache.put_once(&key(), "value", MINUTE),
        cache.consume(&key()),
        cache.bump_if(&key(), 9, MINUTE),
        cache.admit(&[quota(&other), quota(&third)]),
        cache.deny(&[mark("u", 3), mark("v", 3)]),
        cache.allow("u", 4),
        cache.ping(),
    );
    assert_eq!(proxy.accepted(), 1);
}

#[tokio::test]
async fn tls_has_its_crypto_and_does_not_go_on_without_tls() {
    let Some(server) = Server::start() else {
        return;
    };
    let url = server.url().replace("redis://", "rediss://");
    let ping = open(&url, &TestClock::new()).ping().await;
    assert!(
        matches!(ping, Err(CacheError::Unavailable(_) | CacheError::Timeout)),
        "{ping:?}"
    );
}

#[tokio::test]
async fn an_address_of_no_use_is_refused_and_not_repeated() {
    for url in [
        "",
        "memory",
        "memory:x",
        "redis:",
        "redis://",
        "redis://:hunter2@host/x",
        "redis://:hunter2@host:port",
        "rediss://:hunter2@host/#insecure",
        "http://:hunter2@host",
        "unix:///hunter2",
        "valkey://:hunter2@host",
    ] {
        let opened = cache::open(&SecretString::from(url), TestClock::new(), LIFE);
        let Err(error) = opened else {
            panic!("{url} was taken");
        };
        assert!(matches!(error, CacheError::Address), "{url}: {error:?}");
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }
}
