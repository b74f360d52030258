//! What is done by the clock: blocks and plans that end, and the denylist, which is written anew.
//!
//! Everything is conditional on what was read, so that it may be done twice, by two at once, and
//! from the beginning after it was cut off. A step that fails does not keep the next from its turn.

mod ended_blocks;
mod ended_plans;
mod marks;

use std::sync::Arc;

use jiff::Timestamp;
use latchkey_shared::cache::{Cache, CacheError};
use latchkey_shared::clock::Clock;
use latchkey_shared::domain::event::{Event, EventKind};
use latchkey_shared::domain::id::{EventId, UserId};
use latchkey_shared::domain::session::Source;
use latchkey_shared::platform::{Platform, StartError};
use latchkey_shared::random::Random;
use latchkey_shared::store::StoreError;
use latchkey_shared::store::plans::Plans;
use latchkey_shared::store::statuses::Statuses;
use latchkey_shared::store::users::Users;
use latchkey_shared::telemetry::chain;

/// What the function uses.
#[derive(Clone)]
pub struct State {
    users: Users,
    statuses: Statuses,
    plans: Plans,
    cache: Arc<dyn Cache>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

/// Why a step was not done to its end.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A table could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The marks may not all be written.
    #[error(transparent)]
    Cache(#[from] CacheError),
}

/// Some steps were not done to their end; each has been logged. The next run does them again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} of the janitor's steps failed")]
pub struct Unfinished(usize);

impl State {
    /// The function's state on this platform.
    pub async fn open(platform: &Platform) -> Result<Self, StartError> {
        let client = platform.dynamodb();
        let env = &platform.env;
        Ok(Self {
            users: Users::open(&client, env)?,
            statuses: Statuses::open(&client, env)?,
            plans: Plans::open(&client, env)?,
            cache: platform.cache().await?,
            clock: platform.clock.clone(),
            random: platform.random.clone(),
        })
    }

    /// Does all that is due now. `run` is the id of this run, which its events carry.
    pub async fn clean(&self, run: &str) -> Result<(), Unfinished> {
        let steps = [
            ("end blocks", self.end_blocks(run).await),
            ("end plans", self.end_plans(run).await),
            ("mark who is shut out", self.mark_all().await),
        ];
        let mut failed = 0;
        for (step, result) in steps {
            if let Err(error) = result {
                tracing::error!(step, error = chain(&error), "a step failed");
                failed += 1;
            }
        }
        if failed == 0 {
            Ok(())
        } else {
            Err(Unfinished(failed))
        }
    }

    /// An event that nobody made happen but the clock.
    fn event(&self, user: UserId, kind: EventKind, now: Timestamp, run: &str) -> Event {
        Event {
            id: EventId::new(now, &*self.random),
            user,
            at: now,
            kind,
            source: Source::default(),
            request_id: run.to_owned(),
        }
    }
}
