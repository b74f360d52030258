//! Limits on messages to one address, counted before anything is looked up.

use std::sync::Arc;

use super::problem::Problem;
use super::rate_limit::{Limit, RateLimits};
use crate::cache::{Bump, Cache, CacheError, Key};

/// Counts in the cache.
#[derive(Clone)]
pub struct Limiter {
    cache: Arc<dyn Cache>,
}

impl Limiter {
    /// A limiter that counts in this cache.
    pub fn new(cache: Arc<dyn Cache>) -> Self {
        Self { cache }
    }

    /// Counts one more of `kind` for a subject under one limit, which nobody is told of.
    pub async fn admits(&self, kind: &str, subject: &str, limit: &Limit) -> Result<bool, Problem> {
        Ok(self.bump(kind, subject, limit).await?.admitted)
    }

    /// Counts one more of `kind` for a subject (hashed, where it is personal) under each of the
    /// limits. Where the cache is away nobody could count, and the answer is 503.
    pub async fn count(
        &self,
        kind: &str,
        subject: &str,
        policy: &'static [Limit],
    ) -> Result<RateLimits, Problem> {
        let mut limits = RateLimits::under(policy);
        for limit in policy {
            limits.note(limit, self.bump(kind, subject, limit).await?);
            limits = limits.granted()?;
        }
        Ok(limits)
    }

    async fn bump(&self, kind: &str, subject: &str, limit: &Limit) -> Result<Bump, CacheError> {
        let key = Key::new(kind, &[limit.name, subject]);
        self.cache.bump_if(&key, limit.quota, limit.window).await
    }
}
