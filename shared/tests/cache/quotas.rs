//! The tests of rate limits that every cache passes.

use std::collections::HashMap;
use std::time::Duration;

use latchkey_shared::cache::{
    Cache, CacheError, DenyMark, Key, MemoryCache, Quota, Verdict, Window,
};
use latchkey_shared::clock::Clock as _;
use tokio::task::JoinSet;

use crate::fixture::{Fixture, LIFE, TestClock};

const MINUTE: Duration = Duration::from_mins(1);
const SECOND: Duration = Duration::from_secs(1);
const MILLISECOND: Duration = Duration::from_millis(1);

fn key(part: &str) -> Key {
    Key::new("test", &[part])
}

fn quota(key: &Key, burst: u32, window: Duration) -> Quota<'_> {
    let window = Window::Rolling(window);
    Quota { key, burst, window }
}

/// So many until so long from now.
fn period<'a>(fixture: &Fixture, key: &'a Key, burst: u32, left: Duration) -> Quota<'a> {
    let window = Window::Until(fixture.clock.now() + left);
    Quota { key, burst, window }
}

fn all(verdicts: &[Verdict]) -> bool {
    verdicts.iter().all(|verdict| verdict.admitted)
}

pub(crate) async fn a_burst_is_admitted_and_then_one_an_interval(fixture: &Fixture) {
    let key = key("a");
    // Seven in a minute: the interval is no whole number of milliseconds.
    let admit = || async {
        let quotas = [quota(&key, 7, MINUTE)];
        fixture.cache().admit(&quotas).await.unwrap()[0]
    };
    for remaining in (0..7).rev() {
        let verdict = admit().await;
        assert!(verdict.admitted);
        assert_eq!(verdict.remaining, remaining);
        assert_eq!(verdict.retry_in, Duration::ZERO);
    }
    let refused = admit().await;
    let interval = Duration::from_millis(8572);
    assert_eq!(
        refused,
        Verdict {
            admitted: false,
            remaining: 0,
            resets_in: MINUTE + MILLISECOND,
            retry_in: interval,
        }
    );
    // What is refused is not counted: the time to wait does not grow.
    assert_eq!(admit().await, refused);

    fixture.clock.advance_almost(interval);
    assert_eq!(admit().await.retry_in, MILLISECOND);
    fixture.clock.advance(MILLISECOND);
    assert!(admit().await.admitted);
    assert!(!admit().await.admitted);

    // After a window all of it is back, and not more however long one waits.
    fixture.clock.advance(MINUTE * 100);
    assert_eq!(admit().await.remaining, 6);
}

pub(crate) async fn all_quotas_count_or_none(fixture: &Fixture) {
    let [source, address, route] = ["source", "address", "route"].map(key);
    let quotas = [
        quota(&source, 5, MINUTE),
        quota(&address, 2, MINUTE),
        quota(&route, 100, SECOND),
    ];
    let cache = fixture.cache();
    for _ in 0..2 {
        assert!(all(&cache.admit(&quotas).await.unwrap()));
    }
    for _ in 0..10 {
        let verdicts = cache.admit(&quotas).await.unwrap();
        let admitted: Vec<_> = verdicts.iter().map(|verdict| verdict.admitted).collect();
        assert_eq!(admitted, [true, false, true]);
        let remaining: Vec<_> = verdicts.iter().map(|verdict| verdict.remaining).collect();
        assert_eq!(remaining, [3, 0, 98]);
        let retry_in: Vec<_> = verdicts.iter().map(|verdict| verdict.retry_in).collect();
        assert_eq!(retry_in, [Duration::ZERO, MINUTE / 2, Duration::ZERO]);
    }
    // A burst of none refuses all, and the others stay whole.
    let none = [quota(&source, 5, MINUTE), quota(&route, 0, MINUTE)];
    let verdicts = cache.admit(&none).await.unwrap();
    assert!(!all(&verdicts));
    assert_eq!(verdicts[0].remaining, 3);
}

pub(crate) async fn of_many_at_once_exactly_the_burst_is_admitted(fixture: &Fixture) {
    let mut attempts = JoinSet::new();
    for n in 0..200 {
        let cache = fixture.view(n);
        attempts.spawn(async move {
            // One that all share and one of each: only those that are admitted spend their own.
            let [shared, own] = [key("shared"), key(&n.to_string())];
            let quotas = [quota(&shared, 17, MINUTE), quota(&own, 1, MINUTE)];
            (n, all(&cache.admit(&quotas).await.unwrap()))
        });
    }
    let attempts = attempts.join_all().await;
    let admitted = attempts.iter().filter(|(_, admitted)| *admitted);
    assert_eq!(admitted.count(), 17);
    for (n, admitted) in attempts {
        let own = key(&n.to_string());
        let quotas = [quota(&own, 1, MINUTE)];
        let left = fixture.cache().admit(&quotas).await.unwrap();
        assert_eq!(all(&left), !admitted, "{n}");
    }
}

pub(crate) async fn a_period_has_its_number_and_then_ends(fixture: &Fixture) {
    let cache = fixture.cache();
    let [month, next, route] = ["month", "next", "route"].map(key);
    let left = Duration::from_hours(700);
    let quotas = [period(fixture, &month, 3, left), quota(&route, 9, MINUTE)];
    for remaining in [2, 1, 0] {
        let verdicts = cache.admit(&quotas).await.unwrap();
        assert!(all(&verdicts));
        assert_eq!(verdicts[0].remaining, remaining);
        assert_eq!(verdicts[0].resets_in, left);
    }
    // Nothing of it comes back before it ends; and what is refused counts nowhere.
    fixture.clock.advance_almost(left);
    for _ in 0..20 {
        let verdicts = cache.admit(&quotas).await.unwrap();
        let refused = Verdict {
            admitted: false,
            remaining: 0,
            resets_in: MILLISECOND,
            retry_in: MILLISECOND,
        };
        assert_eq!(verdicts[0], refused);
        assert_eq!(verdicts[1].remaining, 9);
    }
    // A longer limit in the same period takes what was spent along.
    let longer = Quota {
        burst: 5,
        ..quotas[0]
    };
    let verdicts = cache.admit(&[longer]).await.unwrap();
    assert_eq!((verdicts[0].admitted, verdicts[0].remaining), (true, 1));

    fixture.clock.advance(MILLISECOND);
    let quotas = [period(fixture, &next, 3, MINUTE)];
    let verdicts = cache.admit(&quotas).await.unwrap();
    assert_eq!((verdicts[0].admitted, verdicts[0].remaining), (true, 2));
}

pub(crate) async fn of_many_at_once_a_period_admits_exactly_its_number(fixture: &Fixture) {
    let mut attempts = JoinSet::new();
    let end = Window::Until(fixture.clock.now() + MINUTE);
    for n in 0..200 {
        let cache = fixture.view(n);
        attempts.spawn(async move {
            let key = key("shared");
            let quota = Quota {
                key: &key,
                burst: 17,
                window: end,
            };
            all(&cache.admit(&[quota]).await.unwrap())
        });
    }
    let attempts = attempts.join_all().await;
    assert_eq!(attempts.iter().filter(|admitted| **admitted).count(), 17);
}

pub(crate) async fn by_a_clock_that_is_behind_no_more_is_spent_than_there_is(fixture: &Fixture) {
    let key = key("a");
    let quotas = [quota(&key, 6, MINUTE)];
    fixture.cache().admit(&quotas).await.unwrap();
    fixture.clock.step_back(MINUTE * 5);
    let verdict = fixture.cache().admit(&quotas).await.unwrap()[0];
    assert!(!verdict.admitted);
    assert_eq!(verdict.retry_in, MINUTE / 6);
    assert_eq!(verdict.resets_in, MINUTE);
}

pub(crate) async fn who_is_denied_spends_nothing(fixture: &Fixture) {
    let cache = fixture.cache();
    let key = key("user");
    let quotas = [quota(&key, 3, MINUTE)];
    let session = DenyMark::Session {
        id: "over".to_owned(),
    };
    let user = DenyMark::User {
        id: "out".to_owned(),
        before: 1000,
        version: 1,
    };
    cache.deny(&[session, user]).await.unwrap();
    for (user, session, created) in [("in", "over", 2000), ("out", "on", 1000), ("out", "on", 1)] {
        for _ in 0..5 {
            let (standing, verdicts) = cache.check(user, session, created, &quotas).await.unwrap();
            assert!(standing.denies(created));
            assert_eq!(verdicts, []);
        }
    }
    for (user, session, created) in [("in", "on", 1), ("out", "on", 1001), ("in", "other", 1)] {
        let (standing, verdicts) = cache.check(user, session, created, &quotas).await.unwrap();
        assert!(!standing.denies(created));
        assert!(all(&verdicts));
    }
    let (_, verdicts) = cache.check("in", "on", 1, &quotas).await.unwrap();
    assert!(!all(&verdicts));
    let (standing, verdicts) = cache.check("in", "over", 1, &[]).await.unwrap();
    assert!(standing.session_denied && verdicts.is_empty());
}

/// Against the cache in memory, which judges by the pure rule: the script is its twin.
pub(crate) async fn every_verdict_is_that_of_the_rule(fixture: &Fixture) {
    let clock = TestClock::new();
    let rule = MemoryCache::new(clock.clone(), LIFE);
    let keys: HashMap<_, _> = ["a", "b", "c"].map(|name| (name, key(name))).into();
    let tally = key("tally");
    // A sequence that looks random and is the same each time.
    let mut state = 7_u64;
    let mut below = |limit: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) % limit
    };
    for _ in 0..300 {
        let pause = match below(4) {
            0 => below(20_000),
            1 => below(700),
            _ => 0,
        };
        for clock in [&clock, &fixture.clock] {
            clock.advance(Duration::from_millis(pause));
        }
        let quotas = [
            quota(&keys["a"], 3, Duration::from_millis(10_007)),
            quota(&keys["b"], 1, Duration::from_millis(333)),
            quota(&keys["c"], 1000, Duration::from_millis(77)),
            period(fixture, &tally, 5, Duration::from_secs(9)),
        ];
        let some = match below(3) {
            0 => &quotas[..],
            1 => &quotas[..2],
            _ => &quotas[1..],
        };
        let verdicts = fixture.cache().admit(some).await.unwrap();
        assert_eq!(verdicts, rule.admit(some).await.unwrap());
    }
    // And at the ends of what there is.
    let extremes = [
        (u32::MAX, Duration::MAX),
        (1, Duration::MAX),
        (u32::MAX, Duration::ZERO),
        (1, Duration::ZERO),
        (0, Duration::ZERO),
    ];
    for (n, (burst, window)) in extremes.into_iter().enumerate() {
        let key = key(&n.to_string());
        for _ in 0..3 {
            let quotas = [quota(&key, burst, window)];
            let verdicts = fixture.cache().admit(&quotas).await.unwrap();
            assert_eq!(verdicts, rule.admit(&quotas).await.unwrap());
        }
    }
}

pub(crate) async fn no_quota_at_all_admits(fixture: &Fixture) {
    assert_eq!(fixture.cache().admit(&[]).await.unwrap(), []);
}

pub(crate) async fn a_key_of_another_use_is_no_quota(fixture: &Fixture) {
    let cache = fixture.cache();
    let [value, count, whole] = ["value", "count", "whole"].map(key);
    cache.put_once(&value, "1", MINUTE).await.unwrap();
    cache.bump_if(&count, 9, MINUTE).await.unwrap();
    for spoilt in [&value, &count] {
        let quotas = [quota(&whole, 2, MINUTE), quota(spoilt, 9, MINUTE)];
        let verdicts = cache.admit(&quotas).await;
        assert!(matches!(verdicts, Err(CacheError::Corrupt)), "{verdicts:?}");
    }
    let quotas = [quota(&whole, 2, MINUTE), period(fixture, &count, 9, MINUTE)];
    assert!(cache.admit(&quotas).await.is_err());
    // Nothing was counted.
    let verdicts = cache.admit(&[quota(&whole, 2, MINUTE)]).await.unwrap();
    assert_eq!(verdicts[0].remaining, 1);
    let verdicts = cache.admit(&[period(fixture, &whole, 9, MINUTE)]).await;
    assert!(matches!(verdicts, Err(CacheError::Corrupt)), "{verdicts:?}");
    let bump = cache.bump_if(&whole, 9, MINUTE).await;
    assert!(matches!(bump, Err(CacheError::Corrupt)), "{bump:?}");
}
