//! What is quick and may be lost: single-use values, counters, and the denylist of users and sessions.
//!
//! DynamoDB is the truth and the cache is the speed. Two rules follow. A cache that fails is an error
//! that the caller hears of, never an answer; and a cache that has been emptied says so itself
//! ([`Standing::trusted`]), since its silence about a user would otherwise let a suspended one in.
//!
//! Every expiry is by the [`Clock`] that was handed in, so that tests and `/dev/clock` can move it.

mod address;
mod key;
mod memory;
mod quota;
mod redis;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use secrecy::SecretString;

pub use self::{
    address::Address,
    key::Key,
    memory::MemoryCache,
    quota::{Quota, Verdict, Window},
};
use crate::clock::Clock;

/// A store for what may be lost. Lives and windows are in whole milliseconds, at least one.
#[async_trait]
pub trait Cache: Send + Sync {
    /// Keeps a single-use value (a challenge, a state) for `life`.
    /// False if the key is taken and still alive; what is there then stays.
    async fn put_once(&self, key: &Key, value: &str, life: Duration) -> Result<bool, CacheError>;

    /// Takes a single-use value: of any number of callers at once, one gets it.
    /// None if there is none, or it has expired.
    async fn consume(&self, key: &Key) -> Result<Option<String>, CacheError>;

    /// Counts one more, unless `limit` is reached, within a window that starts with the first count
    /// and does not move after it. One atomic step.
    async fn bump_if(&self, key: &Key, limit: u32, window: Duration) -> Result<Bump, CacheError>;

    /// Holds one attempt to several quotas in one atomic step: if all of them have room, all count
    /// it, else none does. One verdict for each quota, in their order.
    ///
    /// The keys must differ, and belong to this call alone.
    async fn admit(&self, quotas: &[Quota<'_>]) -> Result<Vec<Verdict>, CacheError>;

    /// Writes deny marks, which last as long as an access token can.
    /// On an error, any of them may have been written: write them all again.
    async fn deny(&self, marks: &[DenyMark]) -> Result<(), CacheError>;

    /// Lifts the mark of a user where `version` is later than the mark's, and keeps the version,
    /// so that an earlier mark which arrives after this stays without effect.
    async fn allow(&self, user: &str, version: u64) -> Result<(), CacheError>;

    /// What the cache knows about a user and a session, in one round trip.
    async fn standing(&self, user: &str, session: &str) -> Result<Standing, CacheError>;

    /// [`Self::standing`] and [`Self::admit`] in one round trip: all that a check of an access token
    /// asks. A session that is denied, given when it was created in Unix milliseconds, is not
    /// counted: whoever holds the token of one spends nothing of its user's.
    async fn check(
        &self,
        user: &str,
        session: &str,
        created: i64,
        quotas: &[Quota<'_>],
    ) -> Result<(Standing, Vec<Verdict>), CacheError> {
        let standing = self.standing(user, session).await?;
        if standing.denies(created) {
            return Ok((standing, Vec::new()));
        }
        Ok((standing, self.admit(quotas).await?))
    }

    /// Whether the cache answers at all, for health checks.
    async fn ping(&self) -> Result<(), CacheError>;
}

/// What became of one attempt to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bump {
    /// Whether this attempt was within the limit, and so counted.
    pub admitted: bool,
    /// How many have been admitted in this window, this one included.
    pub count: u32,
    /// Time until the window ends and the count starts again.
    pub resets_in: Duration,
}

/// Credentials that are no longer good although their signature is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DenyMark {
    /// This session has ended. Sessions do not come back, so no version is needed.
    Session {
        /// The session's id.
        id: String,
    },
    /// The sessions of this user up to a moment have ended.
    User {
        /// The user's id.
        id: String,
        /// Sessions created at or before this are denied. Unix milliseconds.
        before: i64,
        /// Which state of the user this tells of. The latest wins, in whatever order marks and
        /// [`Cache::allow`] arrive; of equal ones, the denial.
        version: u64,
    },
}

/// What the cache knows about a user and a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The session has ended.
    pub session_denied: bool,
    /// Sessions of the user created at or before this are denied. Unix milliseconds.
    pub user_denied_before: Option<i64>,
    /// Whether the absence of a mark means anything: the cache has been recording for as long as an
    /// access token can live. If it has not, ask DynamoDB. A mark that is there counts either way.
    pub trusted: bool,
}

impl Standing {
    /// Whether a mark denies the session, given when it was created in Unix milliseconds.
    #[must_use]
    pub fn denies(&self, session_created: i64) -> bool {
        self.session_denied
            || self
                .user_denied_before
                .is_some_and(|before| session_created <= before)
    }
}

/// Why the cache gave no answer. Each is to be treated as "not known", never as "not denied" or
/// "not limited".
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// The cache cannot be reached or will not serve.
    #[error("the cache is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The cache did not answer within its budget. Whether the call took effect is not known.
    #[error("the cache took too long")]
    Timeout,
    /// Something that we did not write is under our key.
    #[error("the cache holds something else under this key")]
    Corrupt,
    /// The configured address or its token is of no use. Says nothing of it, since it holds a
    /// password.
    #[error(
        "the cache address must be memory:, redis://host, rediss://host, or https://host and a token"
    )]
    Address,
    /// The certificates to trust cannot be read.
    #[error("the cache's certificate authority is not a list of certificates in PEM")]
    Authority,
}

/// Opens the cache that `url` names: `memory:` (one process's own), `redis://…` or `rediss://…`.
/// Nothing is connected before the first use.
///
/// `life` is how long an access token can be used, leeway included: deny marks last that long, and
/// so long must a cache have been recording to be trusted.
pub fn open(
    url: &SecretString,
    clock: Arc<dyn Clock>,
    life: Duration,
) -> Result<Arc<dyn Cache>, CacheError> {
    Address::url(url.clone()).open(clock, life)
}

/// The longest life that is kept, ten years: sums with it stay exact in a double, which is all the
/// numbers Lua has.
const LONGEST: i64 = 10 * 366 * 24 * 60 * 60 * 1000;

/// A duration in milliseconds, at least one.
fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).map_or(LONGEST, |ms| ms.clamp(1, LONGEST))
}

/// A stored or reckoned number of milliseconds as a duration; nothing if it is negative.
fn duration(milliseconds: i64) -> Duration {
    Duration::from_millis(u64::try_from(milliseconds).unwrap_or(0))
}
