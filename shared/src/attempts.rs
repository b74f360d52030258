//! Tries of passwords, on their way from being counted to what came of them.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::types::Delete;
use jiff::{SignedDuration, Timestamp};

use crate::clock::Clock;
use crate::domain::event::EventKind;
use crate::domain::id::{EventId, TryId};
use crate::domain::lockout::Bucket;
use crate::domain::session::Source;
use crate::http::{Caller, Problem};
use crate::platform::{Platform, StartError};
use crate::random::Random;
use crate::store::StoreError;
use crate::store::lockouts::{Account, Attempt, Counted, Lockouts};
use crate::telemetry::chain;

/// How long a lock may be waited for whose own try is still being looked at. Many right passwords
/// at once all get in by it. A try takes a fraction of it; one that takes longer has died.
const PATIENCE: SignedDuration = SignedDuration::from_secs(2);
/// How often a waiting try looks.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How often it looks at most: for [`PATIENCE`] after its first lock, and no longer where one lock
/// follows another.
const LOOKS: u32 = 40;

/// Counts tries of passwords, and locks out who fails too often.
#[derive(Clone)]
pub struct Attempts {
    lockouts: Lockouts,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl Attempts {
    /// The tries of a deployment.
    pub fn open(platform: &Platform) -> Result<Self, StartError> {
        Ok(Self {
            lockouts: Lockouts::open(&platform.dynamodb(), &platform.env)?,
            clock: platform.clock.clone(),
            random: platform.random.clone(),
        })
    }

    /// Counts a try before its password is looked at. One that is locked out is 429, and a store
    /// that can't count is 503: then the password must not be looked at.
    ///
    /// Who comes upon a lock whose own try died before it could say so tells of it.
    pub async fn begin(
        &self,
        account: &Account,
        bucket: &Bucket,
        caller: &Caller,
    ) -> Result<Attempt, Problem> {
        let id = TryId::new(self.clock.now(), &*self.random);
        let mut looks = 0;
        loop {
            let now = self.clock.now();
            let (by, until) = match self.lockouts.count(account, bucket, id, now).await? {
                Counted::Admitted(attempt) => return Ok(attempt),
                Counted::Locked { by, until } => (by, until),
                Counted::Untold(lock) => {
                    self.tell_of_dead(&lock, caller).await?;
                    continue;
                }
            };
            if !by.is_settled() {
                if now >= by.counted_at() + PATIENCE {
                    self.tell_while_locked(&by, caller).await;
                } else if looks < LOOKS {
                    looks += 1;
                    pause().await;
                    continue;
                }
            }
            return Err(Problem::account_locked(until.duration_since(now)));
        }
    }

    /// The try failed. The one that locks its bucket is told to the owner.
    pub async fn failed(&self, attempt: &Attempt, caller: &Caller) -> Result<(), Problem> {
        Ok(self.tell(attempt, caller, self.clock.now()).await?)
    }

    /// The try came to nothing by no fault of who made it.
    pub async fn withdraw(&self, attempt: &Attempt) {
        if let Err(error) = self.lockouts.take_back(attempt).await {
            tracing::warn!(
                error = chain(&error),
                "a try stays counted that came to nothing"
            );
        }
    }

    /// The write that ends the count, for the transaction of a success.
    pub(crate) fn forget(&self, attempt: &Attempt) -> Result<Delete, StoreError> {
        self.lockouts.forgetting(attempt)
    }

    /// The password was right, and there is no transaction that could forget the count with it.
    pub async fn succeeded(&self, attempt: &Attempt) {
        if let Err(error) = self.lockouts.forget(attempt).await {
            tracing::warn!(
                error = chain(&error),
                "a right password stays counted as a try"
            );
        }
    }

    /// Tells of a lock by a try that died. Where that one came from nobody knows any more: not from
    /// where this caller is, who may be the owner.
    async fn tell_of_dead(&self, lock: &Attempt, caller: &Caller) -> Result<(), StoreError> {
        let caller = Caller {
            source: Source::default(),
            ..caller.clone()
        };
        self.tell(lock, &caller, lock.counted_at()).await
    }

    /// The same where the lock still stands. Who is refused is so in any case, and the next one
    /// tells where this one can't.
    async fn tell_while_locked(&self, lock: &Attempt, caller: &Caller) {
        if let Err(error) = self.tell_of_dead(lock, caller).await {
            tracing::warn!(error = chain(&error), "a lock is not told of as yet");
        }
    }

    async fn tell(
        &self,
        attempt: &Attempt,
        caller: &Caller,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let Some(until) = attempt.locks_until() else {
            return Ok(());
        };
        let event = match attempt.account() {
            Account::User(user) => {
                let bucket = attempt.bucket().kind();
                let kind = EventKind::Locked { until, bucket };
                Ok(caller.event(*user, kind, at, &*self.random))
            }
            Account::Nobody(_) => Err(EventId::new(at, &*self.random)),
        };
        let event = event.as_ref().map_err(|id| *id);
        self.lockouts.settle(attempt, event).await
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "what is waited for is another request, not a span of time"
)]
async fn pause() {
    tokio::time::sleep(LOOK_EVERY).await;
}

#[cfg(test)]
mod tests {
    use aws_config::retry::RetryConfig;
    use aws_config::{BehaviorVersion, Region};
    use aws_sdk_dynamodb::Client;
    use aws_sdk_dynamodb::config::{Config, Credentials};

    use super::*;
    use crate::clock::SystemClock;
    use crate::env::Env;
    use crate::http::Code;
    use crate::random::SystemEntropy;

    #[tokio::test]
    async fn a_store_that_can_t_count_is_503() {
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("eu-west-1"))
            .credentials_provider(Credentials::new("a", "b", None, None, "test"))
            .retry_config(RetryConfig::disabled())
            .endpoint_url("http://127.0.0.1:1")
            .build();
        let env = Env::default()
            .with("USERS_TABLE", "users")
            .with("EVENTS_TABLE", "events");
        let attempts = Attempts {
            lockouts: Lockouts::open(&Client::from_conf(config), &env).unwrap(),
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemEntropy::default()),
        };
        let account = Account::Nobody("x".to_owned());
        let caller = Caller {
            source: Source::default(),
            request_id: "test".to_owned(),
            locale: None,
        };
        let refused = attempts.begin(&account, &Bucket::Unknown, &caller).await;
        assert_eq!(refused.unwrap_err().code, Code::Unavailable);
    }
}
