//! One source that tries the passwords of many: credential stuffing and spraying.
//!
//! Locks are for each account, and who tries one password with each of many meets none. So failures
//! are counted by source too. Here, unlike there, the count is in the cache: when it is lost, or
//! the cache is away, sign-in goes on under the locks alone.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::cache::{Bump, Cache, CacheError, Key};
use crate::domain::network;
use crate::http::{Limit, Problem, RateLimits};
use crate::keys::Keyring;
use crate::store::lockouts::Account;
use crate::telemetry::chain;

/// Different accounts that may fail from one source: as many as Rauthy's detector takes. A family
/// or a class hardly comes to that in three hours.
const LIMIT: Limit = Limit {
    name: "failed-accounts",
    quota: 15,
    window: Duration::from_hours(3),
};
/// How many more may from the /48 around an IPv6 /64: whoever has one has 65,536 of those.
const AROUND: u32 = 10;
/// How long a source is shut out.
const BLOCK: Duration = Duration::from_hours(1);

/// Watches sources of sign-ins.
#[derive(Clone)]
pub struct Stuffing {
    cache: Arc<dyn Cache>,
    keys: Arc<Keyring>,
}

impl Stuffing {
    /// Counts in this cache.
    pub fn new(cache: Arc<dyn Cache>, keys: Arc<Keyring>) -> Self {
        Self { cache, keys }
    }

    /// Refuses a source that is shut out, whatever account it wants in to. Counts nothing.
    pub async fn check(&self, source: Option<IpAddr>) -> Result<(), Problem> {
        let Some(source) = source else {
            return Ok(());
        };
        for (network, _) in self.networks(source) {
            let key = Key::new("stuffing-block", &[&network]);
            match self.cache.bump_if(&key, 0, BLOCK).await {
                Ok(block) if block.count > 0 => {
                    let mut limits = RateLimits::under(&[LIMIT]);
                    limits.note(&LIMIT, refused(block));
                    return Err(Problem::rate_limited(limits));
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(error = chain(&error), "a source of sign-ins is not checked");
                }
            }
        }
        Ok(())
    }

    /// Notes that a sign-in failed.
    pub async fn note(&self, source: Option<IpAddr>, account: &Account) {
        let Some(source) = source.filter(|ip| !network::is_this_machine(*ip)) else {
            return;
        };
        for (network, most) in self.networks(source) {
            if let Err(error) = self.count(&network, most, account).await {
                tracing::warn!(error = chain(&error), "a failed sign-in is not counted");
            }
        }
    }

    async fn count(&self, source: &str, most: u32, account: &Account) -> Result<(), CacheError> {
        let account = self.keys.lookup("stuffing-account", &account.key());
        let seen = Key::new("stuffing-seen", &[source, &account]);
        if !self.cache.put_once(&seen, "1", LIMIT.window).await? {
            return Ok(());
        }
        let accounts = Key::new("stuffing", &[source]);
        let bump = self.cache.bump_if(&accounts, most, LIMIT.window).await?;
        if bump.count >= most {
            tracing::warn!(accounts = bump.count, "sign_in.source_blocked");
            let block = Key::new("stuffing-block", &[source]);
            self.cache.bump_if(&block, 1, BLOCK).await?;
        }
        Ok(())
    }

    /// What a source is counted as, hashed, and how many accounts may fail from it.
    fn networks(&self, source: IpAddr) -> Vec<(String, u32)> {
        let hash = |network: &str| self.keys.lookup("stuffing-source", network);
        let mut networks = vec![(hash(&network::line(source)), LIMIT.quota)];
        if source.to_canonical().is_ipv6() {
            let around = network::neighbourhood(Some(source));
            networks.push((hash(&around), LIMIT.quota * AROUND));
        }
        networks
    }
}

/// A block as its limit tells of it: nothing is left until it ends.
fn refused(block: Bump) -> Bump {
    Bump {
        admitted: false,
        count: LIMIT.quota,
        ..block
    }
}
