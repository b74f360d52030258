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
    cache::{self, Address, Cache},
    clock::Clock,
};
use secrecy::SecretString;

use crate::{
    bridge::{Bridge, TOKEN},
    certificates::Authority,
    server::Server,
};

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

    /// Another instance's, which is behind.
    pub(crate) fn step_back(&self, by: Duration) {
        let by = i64::try_from(by.as_millis()).unwrap();
        self.0.fetch_sub(by, Ordering::SeqCst);
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
    /// The cache as several functions see it: for Redis, each over its own connections.
    views: Vec<Arc<dyn Cache>>,
    server: Option<Server>,
    _bridge: Option<Bridge>,
}

impl Fixture {
    #[expect(clippy::unused_async, reason = "the other kinds wait for a server")]
    pub(crate) async fn memory() -> Option<Self> {
        let clock = TestClock::new();
        let cache = open("memory:", &clock);
        Some(Self {
            clock,
            views: vec![cache],
            server: None,
            _bridge: None,
        })
    }

    #[expect(clippy::unused_async, reason = "the other kinds wait for a server")]
    pub(crate) async fn socket() -> Option<Self> {
        let server = Server::start()?;
        let url = server.url().into();
        Some(Self::of(Address::url(url), server, None))
    }

    #[expect(clippy::unused_async, reason = "the other kinds wait for a server")]
    pub(crate) async fn tls() -> Option<Self> {
        let authority = Authority::new();
        let server = Server::start_with(&authority.identity("127.0.0.1"))?;
        let url = SecretString::from(server.tls_url());
        let address = Address::url(url).trusting(authority.certificate().into());
        Some(Self::of(address, server, None))
    }

    pub(crate) async fn rest() -> Option<Self> {
        let server = Server::start()?;
        let bridge = Bridge::to(&server).await;
        let address = Address::rest(bridge.url().into(), TOKEN.into());
        Some(Self::of(address, server, Some(bridge)))
    }

    fn of(address: Address, server: Server, bridge: Option<Bridge>) -> Self {
        let clock = TestClock::new();
        // These are not about time, and the machine may be busy.
        let address = address.within(Duration::from_secs(20));
        let open = |_| address.open(clock.clone(), LIFE).unwrap();
        Self {
            views: (0..4).map(open).collect(),
            clock,
            server: Some(server),
            _bridge: bridge,
        }
    }

    pub(crate) fn cache(&self) -> &dyn Cache {
        &*self.views[0]
    }

    /// The cache as the `n`th of many callers sees it.
    pub(crate) fn view(&self, n: usize) -> Arc<dyn Cache> {
        self.views[n % self.views.len()].clone()
    }

    /// The Redis behind it.
    pub(crate) fn server(&self) -> &Server {
        self.server.as_ref().unwrap()
    }
}

pub(crate) fn open(url: &str, clock: &Arc<TestClock>) -> Arc<dyn Cache> {
    cache::open(&SecretString::from(url), clock.clone(), LIFE).unwrap()
}

pub(crate) fn open_rest(url: &str, clock: &Arc<TestClock>) -> Arc<dyn Cache> {
    Address::rest(url.into(), TOKEN.into())
        .open(clock.clone(), LIFE)
        .unwrap()
}
