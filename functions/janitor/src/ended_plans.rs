//! Users whose plan has ended are written down as being on the free one, which they are since.

use latchkey_shared::domain::event::EventKind;
use latchkey_shared::domain::plan::{PlanId, Subscription};
use latchkey_shared::domain::user::User;
use latchkey_shared::store::transaction::CommitError;
use latchkey_shared::store::user_index::Cursor;

use crate::{Failure, State};

impl State {
    pub(crate) async fn end_plans(&self, run: &str) -> Result<(), Failure> {
        let mut cursor = Some(Cursor::default());
        while let Some(from) = cursor {
            let page = self.plans.ended(self.clock.now(), from).await?;
            for found in page.users {
                if let Some(user) = self.users.get(found.id).await? {
                    self.end_plan(&user, run).await?;
                }
            }
            cursor = page.next;
        }
        Ok(())
    }

    async fn end_plan(&self, user: &User, run: &str) -> Result<(), Failure> {
        let now = self.clock.now();
        let Some(ended_at) = user.subscription.until.filter(|until| *until <= now) else {
            return Ok(());
        };
        let free = PlanId::free();
        let kind = EventKind::PlanChanged {
            from: user.plan.clone(),
            to: free.clone(),
            until: None,
            by: None,
        };
        let event = self.event(user.id, kind, now, run);
        let subscription = Subscription {
            since: Some(ended_at),
            until: None,
        };
        match self.plans.give(user, &free, subscription, &event).await {
            // Refused: they were given another plan at the same moment, or the user has changed
            // otherwise and the next run finds them as they are.
            Ok(()) | Err(CommitError::Refused(_)) => Ok(()),
            Err(CommitError::Store(error)) => Err(error.into()),
        }
    }
}
