//! A cache to test, with a clock to move.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use latchkey_shared::{
    cache::{self, Cache},
    clock::Clock,
};
use secrecy::SecretString;

use crate::server::Server;

/// The life of an access token, for the denylist.
pub(crate) const LIFE: Duration = Duration::from_mins(16);

/// When the tests begin. Unix milliseconds.
pub(crate) const START: i64 = 1_790_000_000_000;

pub(crate) struct TestClock(AtomicI64);

impl TestClock {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(START)))
    }

    pub(crate) fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_millis()).unwrap();
        self.0.fetch_add(by, Ordering::SeqCst);
    }

    /// To the last millisecond before `by` is over.
    pub(crate) fn advance_almost(&self, by: Duration) {
        self.advance(by);
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.0.load(Ordering::SeqCst)).unwrap()
    }
}

pub(crate) struct Fixture {
    pub(crate) clock: Arc<TestClock>,
    /// The cache as several functions see it: for Redis, each over its own connection.
    views: Vec<Arc<dyn Cache>>,
    _server: Option<Server>,
}

impl Fixture {
    pub(crate) fn memory() -> Self {
        let clock = TestClock::new();
        let url = SecretString::from("memory:");
        let cache = cache::open(&url, clock.clone(), LIFE).unwrap();
        Self {
            clock,
            views: vec![cache],
            _server: None,
        }
    }

    pub(crate) fn redis(database: u8) -> Option<Self> {
        let server = Server::for_test(database)?;
        let clock = TestClock::new();
        let views = (0..4)
            .map(|_| open(server.url(), &clock))
            .collect::<Vec<_>>();
        Some(Self {
            clock,
            views,
            _server: Some(server),
        })
    }

    pub(crate) fn cache(&self) -> &dyn Cache {
        &*self.views[0]
    }

    /// The cache as the `n`th of many callers sees it.
    pub(crate) fn view(&self, n: usize) -> Arc<dyn Cache> {
        self.views[n % self.views.len()].clone()
    }
}

pub(crate) fn open(url: &str, clock: &Arc<TestClock>) -> Arc<dyn Cache> {
    cache::open(&SecretString::from(url), clock.clone(), LIFE).unwrap()
}
