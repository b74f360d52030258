//! Limits on messages to one address, counted before anything is looked up.

use std::sync::Arc;

use super::problem::Problem;
use super::rate_limit::{Limit, RateLimits};
use crate::cache::{Cache, Key};

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
        let key = Key::new(kind, &[limit.name, subject]);
        let bump = self.cache.bump_if(&key, limit.quota, limit.window).await?;
        Ok(bump.admitted)
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
            let key = Key::new(kind, &[limit.name, subject]);
            let bump = self.cache.bump_if(&key, limit.quota, limit.window).await?;
            limits.note(limit, bump);
            if !bump.admitted {
                return Err(Problem::rate_limited(limits));
            }
        }
        Ok(limits)
    }
}
