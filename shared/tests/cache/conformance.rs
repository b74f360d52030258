//! The tests that every cache passes.

use std::time::Duration;

use latchkey_shared::cache::{Bump, CacheError, DenyMark, Key, Standing};
use tokio::task::JoinSet;

use crate::fixture::{Fixture, LIFE, START};

const MINUTE: Duration = Duration::from_mins(1);
const MILLISECOND: Duration = Duration::from_millis(1);

/// Runs `call` for this many callers at once and gathers what they got.
macro_rules! at_once {
    ($fixture:expr, $callers:expr, |$cache:ident, $n:ident| $call:expr) => {{
        let mut calls = JoinSet::new();
        for $n in 0..$callers {
            let $cache = $fixture.view($n);
            calls.spawn(async move { $call.await.unwrap() });
        }
        calls.join_all().await
    }};
}

fn key(part: &str) -> Key {
    Key::new("test", &[part])
}

fn session(id: &str) -> DenyMark {
    DenyMark::Session { id: id.to_owned() }
}

fn user(id: &str, before: i64, version: u64) -> DenyMark {
    DenyMark::User {
        id: id.to_owned(),
        before,
        version,
    }
}

pub(crate) async fn a_value_is_put_once_and_consumed_once(fixture: &Fixture) {
    let cache = fixture.cache();
    cache.ping().await.unwrap();
    assert_eq!(cache.consume(&key("a")).await.unwrap(), None);

    assert!(cache.put_once(&key("a"), "one", MINUTE).await.unwrap());
    assert!(!cache.put_once(&key("a"), "two", MINUTE).await.unwrap());
    assert!(cache.put_once(&key("b"), "three", MINUTE).await.unwrap());

    assert_eq!(
        cache.consume(&key("a")).await.unwrap().as_deref(),
        Some("one")
    );
    assert_eq!(cache.consume(&key("a")).await.unwrap(), None);
    assert!(cache.put_once(&key("a"), "four", MINUTE).await.unwrap());
}

pub(crate) async fn one_of_many_callers_puts_and_one_consumes(fixture: &Fixture) {
    let put = at_once!(fixture, 20, |cache, n| {
        let value = n.to_string();
        async move { cache.put_once(&key("a"), &value, MINUTE).await }
    });
    assert_eq!(put.iter().filter(|kept| **kept).count(), 1);

    let consumed = at_once!(fixture, 20, |cache, _n| async move {
        cache.consume(&key("a")).await
    });
    assert_eq!(consumed.iter().flatten().count(), 1);
}

pub(crate) async fn a_value_expires_by_our_clock(fixture: &Fixture) {
    let cache = fixture.cache();
    for part in ["kept", "late", "again"] {
        assert!(cache.put_once(&key(part), part, MINUTE).await.unwrap());
    }

    fixture.clock.advance_almost(MINUTE);
    assert!(!cache.put_once(&key("kept"), "no", MINUTE).await.unwrap());
    assert!(cache.consume(&key("kept")).await.unwrap().is_some());

    fixture.clock.advance(MILLISECOND);
    assert_eq!(cache.consume(&key("late")).await.unwrap(), None);
    assert!(cache.put_once(&key("again"), "yes", MINUTE).await.unwrap());
    assert_eq!(
        cache.consume(&key("again")).await.unwrap().as_deref(),
        Some("yes")
    );
}

pub(crate) async fn a_value_may_hold_anything(fixture: &Fixture) {
    let cache = fixture.cache();
    for value in ["", "v:1:x", "a\nb\r\n", "nul\0nul", "π %d %%", "123"] {
        assert!(cache.put_once(&key("a"), value, MINUTE).await.unwrap());
        assert_eq!(
            cache.consume(&key("a")).await.unwrap().as_deref(),
            Some(value)
        );
    }
}

pub(crate) async fn exactly_the_limit_is_admitted(fixture: &Fixture) {
    let bumps = at_once!(fixture, 50, |cache, _n| async move {
        cache.bump_if(&key("a"), 7, MINUTE).await
    });
    let mut admitted: Vec<_> = bumps.iter().filter(|bump| bump.admitted).collect();
    admitted.sort_by_key(|bump| bump.count);
    let counts: Vec<_> = admitted.iter().map(|bump| bump.count).collect();
    assert_eq!(counts, [1, 2, 3, 4, 5, 6, 7]);
    assert!(bumps.iter().all(|bump| bump.count <= 7));

    let none = fixture.cache().bump_if(&key("none"), 0, MINUTE).await;
    assert!(!none.unwrap().admitted);
}

pub(crate) async fn a_window_starts_with_the_first_count_and_ends(fixture: &Fixture) {
    let bump = || async { fixture.cache().bump_if(&key("a"), 2, MINUTE).await.unwrap() };
    let is = |admitted, count, resets_in| Bump {
        admitted,
        count,
        resets_in,
    };

    assert_eq!(bump().await, is(true, 1, MINUTE));
    fixture.clock.advance(MINUTE / 2);
    assert_eq!(bump().await, is(true, 2, MINUTE / 2));
    fixture.clock.advance_almost(MINUTE / 2);
    assert_eq!(bump().await, is(false, 2, MILLISECOND));
    fixture.clock.advance(MILLISECOND);
    assert_eq!(bump().await, is(true, 1, MINUTE));
}

pub(crate) async fn a_limit_of_zero_tells_the_count_and_changes_nothing(fixture: &Fixture) {
    let bump = |limit| async move {
        let cache = fixture.cache();
        cache.bump_if(&key("peek"), limit, MINUTE).await.unwrap()
    };
    let is = |admitted, count, resets_in| Bump {
        admitted,
        count,
        resets_in,
    };

    // Where nothing has been counted no window begins.
    assert_eq!(bump(0).await, is(false, 0, MINUTE));
    fixture.clock.advance(MINUTE / 2);
    assert_eq!(bump(0).await, is(false, 0, MINUTE));

    assert_eq!(bump(2).await, is(true, 1, MINUTE));
    fixture.clock.advance(MINUTE / 2);
    for _ in 0..3 {
        assert_eq!(bump(0).await, is(false, 1, MINUTE / 2));
    }
    assert_eq!(bump(2).await, is(true, 2, MINUTE / 2));
    assert_eq!(bump(0).await, is(false, 2, MINUTE / 2));
    fixture.clock.advance(MINUTE / 2);
    assert_eq!(bump(0).await, is(false, 0, MINUTE));
}

pub(crate) async fn a_key_of_another_use_is_an_error(fixture: &Fixture) {
    let cache = fixture.cache();
    cache.put_once(&key("value"), "1", MINUTE).await.unwrap();
    cache.bump_if(&key("count"), 9, MINUTE).await.unwrap();

    let bump = cache.bump_if(&key("value"), 9, MINUTE).await;
    assert!(matches!(bump, Err(CacheError::Corrupt)), "{bump:?}");
    let put = cache.put_once(&key("count"), "1", MINUTE).await;
    assert!(matches!(put, Err(CacheError::Corrupt)), "{put:?}");
    let consumed = cache.consume(&key("count")).await;
    assert!(matches!(consumed, Err(CacheError::Corrupt)), "{consumed:?}");

    // And what was there is there still.
    assert!(cache.consume(&key("value")).await.unwrap().is_some());
    let bump = cache.bump_if(&key("count"), 9, MINUTE).await.unwrap();
    assert_eq!(bump.count, 2);
}

pub(crate) async fn the_latest_version_wins_in_every_order(fixture: &Fixture) {
    // A denial before a moment, or none: each with its version. The largest differ by one beyond
    // what a double can tell apart, and 9 and 10 would be the other way round as text.
    let histories: [&[(Option<i64>, u64)]; 4] = [
        &[(Some(100), 1), (None, 2), (Some(300), 3), (None, 4)],
        &[(Some(100), 1), (None, 2), (Some(300), 3)],
        &[(Some(100), 9), (None, 10)],
        &[
            (None, u64::MAX - 2),
            (Some(100), u64::MAX - 1),
            (None, u64::MAX),
        ],
    ];
    for (h, history) in histories.into_iter().enumerate() {
        let expected = history.last().unwrap().0;
        for (p, order) in permutations(history.len()).into_iter().enumerate() {
            let id = format!("{h}-{p}");
            for step in &order {
                match history[*step] {
                    (Some(before), version) => {
                        let mark = user(&id, before, version);
                        fixture.cache().deny(&[mark]).await.unwrap();
                    }
                    (None, version) => fixture.cache().allow(&id, version).await.unwrap(),
                }
            }
            let standing = fixture.cache().standing(&id, "s").await.unwrap();
            assert_eq!(
                standing.user_denied_before, expected,
                "{history:?} {order:?}"
            );
        }
    }
}

fn permutations(length: usize) -> Vec<Vec<usize>> {
    if length == 0 {
        return vec![vec![]];
    }
    let mut all = vec![];
    for shorter in permutations(length - 1) {
        for position in 0..length {
            let mut longer = shorter.clone();
            longer.insert(position, length - 1);
            all.push(longer);
        }
    }
    all
}

pub(crate) async fn of_equal_versions_the_denial_wins(fixture: &Fixture) {
    let cache = fixture.cache();
    cache.deny(&[user("a", 100, 5)]).await.unwrap();
    cache.allow("a", 5).await.unwrap();
    cache.allow("b", 5).await.unwrap();
    cache.deny(&[user("b", 100, 5)]).await.unwrap();
    cache.deny(&[user("c", 200, 5)]).await.unwrap();
    cache.deny(&[user("c", 100, 5)]).await.unwrap();

    for (id, before) in [("a", 100), ("b", 100), ("c", 200)] {
        let standing = cache.standing(id, "s").await.unwrap();
        assert_eq!(standing.user_denied_before, Some(before), "{id}");
    }
}

pub(crate) async fn marks_deny_one_session_or_all_up_to_a_moment(fixture: &Fixture) {
    let cache = fixture.cache();
    let standing = |user, session| async move { cache.standing(user, session).await.unwrap() };
    cache.deny(&[]).await.unwrap();
    cache
        .deny(&[session("ended"), user("banned", START, 1)])
        .await
        .unwrap();

    let good = standing("good", "going").await;
    assert!(!good.session_denied && good.user_denied_before.is_none());
    assert!(!good.denies(START));

    let ended = standing("good", "ended").await;
    assert!(ended.session_denied && ended.denies(START + 1));

    let banned = standing("banned", "going").await;
    assert!(!banned.session_denied);
    assert_eq!(banned.user_denied_before, Some(START));
    assert!(banned.denies(START - 1) && banned.denies(START) && !banned.denies(START + 1));

    // A user and a session of one id are two things.
    assert!(!standing("ended", "banned").await.denies(0));

    // Lifting a user's mark does not bring back a session.
    cache.allow("banned", 2).await.unwrap();
    assert!(standing("banned", "ended").await.denies(START + 1));
    assert!(!standing("banned", "going").await.denies(0));

    let many: Vec<_> = (0..1201).map(|n| session(&format!("many-{n}"))).collect();
    cache.deny(&many).await.unwrap();
    for n in [0, 499, 500, 1000, 1200] {
        let session = format!("many-{n}");
        let standing = cache.standing("good", &session).await.unwrap();
        assert!(standing.session_denied, "{session}");
    }
}

pub(crate) async fn marks_and_tombstones_expire_by_our_clock(fixture: &Fixture) {
    let cache = fixture.cache();
    let denied = || async {
        let Standing {
            session_denied,
            user_denied_before,
            ..
        } = cache.standing("u", "s").await.unwrap();
        (session_denied, user_denied_before)
    };
    let marks = [session("s"), user("u", 100, 1)];
    cache.deny(&marks).await.unwrap();
    fixture.clock.advance_almost(LIFE);
    assert_eq!(denied().await, (true, Some(100)));

    // Written again by the stream's consumer, they last from then on.
    cache.deny(&marks).await.unwrap();
    fixture.clock.advance_almost(LIFE);
    assert_eq!(denied().await, (true, Some(100)));
    fixture.clock.advance(MILLISECOND);
    assert_eq!(denied().await, (false, None));

    cache.allow("u", 3).await.unwrap();
    fixture.clock.advance_almost(LIFE);
    cache.deny(&[user("u", 100, 2)]).await.unwrap();
    assert_eq!(denied().await, (false, None));
    fixture.clock.advance(MILLISECOND);
    cache.deny(&[user("u", 100, 2)]).await.unwrap();
    assert_eq!(denied().await, (false, Some(100)));
}

pub(crate) async fn silence_is_trusted_after_a_token_life(fixture: &Fixture) {
    let cache = fixture.cache();
    let trusted = || async { cache.standing("u", "s").await.unwrap().trusted };
    assert!(!trusted().await);
    fixture.clock.advance_almost(LIFE);
    assert!(!trusted().await);
    fixture.clock.advance(MILLISECOND);
    assert!(trusted().await);
    // It is the cache that is trusted, so every caller trusts it, and for good.
    fixture.clock.advance(LIFE * 1000);
    assert!(fixture.view(1).standing("v", "t").await.unwrap().trusted);
}
