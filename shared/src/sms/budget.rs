//! How many SMS go out in an hour, to whomever.

use std::sync::Arc;
use std::time::Duration;

use crate::cache::{Cache, CacheError, Key};
use crate::env::{Env, EnvError};

/// A cent to ten cents each: some tens of euros in the worst hour.
const PER_HOUR: u32 = 500;

/// From the first SMS to the end of the budget.
const WINDOW: Duration = Duration::from_hours(1);

/// How many SMS the deployment sends in an hour: a breaker, which stops all of them when it is
/// spent, until the hour is over. It stands behind limits that count for numbers and callers, and
/// holds when those have been got round.
#[derive(Clone)]
pub struct SmsBudget {
    cache: Arc<dyn Cache>,
    per_hour: u32,
}

impl SmsBudget {
    /// A budget of `SMS_PER_HOUR` SMS an hour, 500 by default; with 0 none is ever sent.
    pub fn open(env: &Env, cache: Arc<dyn Cache>) -> Result<Self, EnvError> {
        Ok(Self {
            cache,
            per_hour: env.parsed_or("SMS_PER_HOUR", PER_HOUR)?,
        })
    }

    /// Counts one SMS that is about to be sent. It must not be sent if this says false, nor if
    /// nobody can say. The one that uses up the budget is logged as `sms.breaker_open`, as is
    /// each that is refused: an alarm waits for it.
    pub async fn spend(&self) -> Result<bool, CacheError> {
        let bump = self.cache.bump_if(&key(), self.per_hour, WINDOW).await?;
        if bump.count >= self.per_hour {
            tracing::error!(
                sms.per_hour = self.per_hour,
                sms.resets_in = bump.resets_in.as_secs(),
                sms.sent = bump.admitted,
                "sms.breaker_open"
            );
        }
        Ok(bump.admitted)
    }

    /// How long no SMS will go out; none if one would now. Counts nothing.
    pub async fn spent_for(&self) -> Result<Option<Duration>, CacheError> {
        let bump = self.cache.bump_if(&key(), 0, WINDOW).await?;
        Ok((bump.count >= self.per_hour).then_some(bump.resets_in))
    }
}

fn key() -> Key {
    Key::new("sms-account", &[])
}
