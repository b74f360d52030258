//! The cache as tests watch it: each call is noted and passed on.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use latchkey_shared::cache::{Bump, Cache, CacheError, DenyMark, Key, Quota, Standing, Verdict};

use crate::calls::CallLog;

/// A cache whose calls are written down.
pub(crate) struct WatchedCache {
    pub(crate) cache: Arc<dyn Cache>,
    pub(crate) log: CallLog,
}

#[async_trait]
impl Cache for WatchedCache {
    async fn put_once(&self, key: &Key, value: &str, life: Duration) -> Result<bool, CacheError> {
        self.log.note_cache("put_once");
        self.cache.put_once(key, value, life).await
    }

    async fn consume(&self, key: &Key) -> Result<Option<String>, CacheError> {
        self.log.note_cache("consume");
        self.cache.consume(key).await
    }

    async fn bump_if(&self, key: &Key, limit: u32, window: Duration) -> Result<Bump, CacheError> {
        self.log.note_cache("bump_if");
        self.cache.bump_if(key, limit, window).await
    }

    async fn admit(&self, quotas: &[Quota<'_>]) -> Result<Vec<Verdict>, CacheError> {
        self.log.note_cache("admit");
        self.cache.admit(quotas).await
    }

    async fn deny(&self, marks: &[DenyMark]) -> Result<(), CacheError> {
        self.log.note_cache("deny");
        self.cache.deny(marks).await
    }

    async fn allow(&self, user: &str, version: u64) -> Result<(), CacheError> {
        self.log.note_cache("allow");
        self.cache.allow(user, version).await
    }

    async fn standing(&self, user: &str, session: &str) -> Result<Standing, CacheError> {
        self.log.note_cache("standing");
        self.cache.standing(user, session).await
    }

    async fn check(
        &self,
        user: &str,
        session: &str,
        created: i64,
        quotas: &[Quota<'_>],
    ) -> Result<(Standing, Vec<Verdict>), CacheError> {
        self.log.note_cache("check");
        self.cache.check(user, session, created, quotas).await
    }

    async fn ping(&self) -> Result<(), CacheError> {
        self.log.note_cache("ping");
        self.cache.ping().await
    }
}
