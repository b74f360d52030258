//! The plans as an instance remembers them, so that a warm one asks nobody.

use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;

use crate::clock::Clock;
use crate::domain::plan::{FREE_PLAN, Plan};
use crate::domain::user::User;
use crate::platform::{Platform, StartError};
use crate::store::StoreError;
use crate::store::plans::{PlanList, Plans};
use crate::telemetry::chain;

/// How long what was read is good: after a change of a plan the instances differ for so long.
const FRESH: SignedDuration = SignedDuration::from_secs(60);

/// The plans, read at most once a minute. Clones share what they know.
#[derive(Clone)]
pub struct PlanBook {
    plans: Plans,
    clock: Arc<dyn Clock>,
    /// Held while it is read anew, so that of many callers at once one asks.
    known: Arc<Mutex<Option<Known>>>,
}

#[derive(Clone)]
struct Known {
    list: Arc<PlanList>,
    read_at: Timestamp,
}

impl PlanBook {
    /// The book of a deployment.
    pub fn open(platform: &Platform, client: &Client) -> Result<Self, StartError> {
        Ok(Self {
            plans: Plans::open(client, &platform.env)?,
            clock: platform.clock.clone(),
            known: Arc::default(),
        })
    }

    /// All plans, as they were at most a minute ago; where the store is away, as they last were.
    pub async fn list(&self) -> Result<Arc<PlanList>, StoreError> {
        let mut known = self.known.lock().await;
        let now = self.clock.now();
        if let Some(known) = &*known
            && now.duration_since(known.read_at) < FRESH
        {
            return Ok(known.list.clone());
        }
        match (self.plans.list().await, &mut *known) {
            (Ok(list), known) => {
                let list = Arc::new(list);
                *known = Some(Known {
                    list: list.clone(),
                    read_at: now,
                });
                Ok(list)
            }
            (Err(error), Some(known)) => {
                tracing::warn!(error = chain(&error), "the plans are those of before");
                // Not asked again by every request while the store is away.
                known.read_at = now;
                Ok(known.list.clone())
            }
            (Err(error), None) => Err(error),
        }
    }

    /// The plan that a user has at `now`. One that is not in the book yet counts as the free one.
    pub async fn plan_of(&self, user: &User, now: Timestamp) -> Result<Plan, StoreError> {
        let list = self.list().await?;
        let found = list.get(user.plan_at(now)).or_else(|| list.get(FREE_PLAN));
        found
            .cloned()
            .ok_or_else(|| StoreError::inconsistent("access", "there is no free plan"))
    }
}
