//! Accounts whose block or pause has run out are active again.

use latchkey_shared::domain::event::EventKind;
use latchkey_shared::domain::status::{Move, Mover};
use latchkey_shared::domain::user::{Status, User};
use latchkey_shared::status_mark::StatusMark;
use latchkey_shared::store::statuses::StatusChange;
use latchkey_shared::store::transaction::CommitError;
use latchkey_shared::store::user_index::Cursor;
use latchkey_shared::telemetry::chain;

use crate::{Failure, State};

impl State {
    pub(crate) async fn end_blocks(&self, run: &str) -> Result<(), Failure> {
        let mut cursor = Some(Cursor::default());
        while let Some(from) = cursor {
            let page = self.statuses.over(self.clock.now(), from).await?;
            for found in page.users {
                // The index may lag: the row says what holds.
                if let Some(user) = self.users.get(found.id).await? {
                    self.end_block(user, run).await?;
                }
            }
            cursor = page.next;
        }
        Ok(())
    }

    async fn end_block(&self, mut user: User, run: &str) -> Result<(), Failure> {
        let now = self.clock.now();
        let allowed = Move::find(user.status, Status::Active, Mover::System).is_some();
        if !allowed || !user.status_detail.is_over(now) {
            return Ok(());
        }
        let detail = user.status_detail.next(None, None, now);
        let kind = EventKind::StatusChanged {
            from: user.status,
            to: Status::Active,
            reason: None,
            until: None,
            version: detail.version,
            by: None,
            session_ids: Vec::new(),
            all_until: None,
        };
        let event = self.event(user.id, kind, now, run);
        let change = StatusChange {
            to: Status::Active,
            detail: &detail,
            all_until: None,
            ended: &[],
            actor: None,
        };
        match self.statuses.change(&user, &change, &event).await {
            Ok(()) => {}
            // Somebody moved the account at the same moment: what they did holds.
            Err(CommitError::Refused(_)) => return Ok(()),
            Err(CommitError::Store(error)) => return Err(error.into()),
        }
        user.status = Status::Active;
        user.status_detail = detail;
        if let Err(error) = StatusMark::of(&user).write(&*self.cache).await {
            tracing::warn!(
                user.id = %user.id,
                error = chain(&error),
                "the mark is left to the event stream"
            );
        }
        Ok(())
    }
}
