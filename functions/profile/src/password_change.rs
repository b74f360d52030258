//! A new password, whichever way it is allowed: what ends with the old one.

use http::StatusCode;
use latchkey_shared::domain::event::EventKind;
use latchkey_shared::domain::id::SessionId;
use latchkey_shared::domain::password::Password;
use latchkey_shared::domain::password_strength::Context;
use latchkey_shared::domain::token::{Purpose, Target, Token, Undo};
use latchkey_shared::domain::user::User;
use latchkey_shared::http::{Caller, Problem, Reply};
use latchkey_shared::store::profiles::{MAX_ENDED_BESIDE, PasswordChange, Warrant, Write};
use latchkey_shared::store::transaction::CommitError;
use latchkey_shared::telemetry::chain;
use serde::Serialize;

use crate::State;

/// The answer to a new password.
#[derive(Debug, Serialize)]
pub(crate) struct PasswordChanged {
    status: &'static str,
}

impl PasswordChanged {
    pub(crate) fn reply() -> Reply<Self> {
        let status = "password_changed";
        Reply(StatusCode::OK, Self { status })
    }
}

impl State {
    /// Sets a new password: every other token and session is over, the owner is told. Of any
    /// number of calls at once with one warrant, one succeeds.
    pub(crate) async fn set_password(
        &self,
        user: &User,
        password: &Password,
        warrant: Warrant<'_>,
        kept: Option<SessionId>,
        caller: &Caller,
    ) -> Result<(), Problem> {
        let accepted = self
            .new_passwords
            .accept(password, &Context::of(user))
            .await?;
        let mut sessions = self.sessions.of_user(user.id).await?;
        // From here on a session that begins is refused: one that began before is in the list.
        let now = self.clock.now();
        sessions.retain(|session| kept != Some(session.id));
        let ids: Vec<SessionId> = sessions.iter().map(|session| session.id).collect();
        let notice = Token {
            undo: Some(Undo::Trust),
            ..self
                .desk
                .token(Purpose::NotMe, user, Target::Email(user.email.clone()), now)
        };
        let all_until = kept.is_none().then_some(now);
        let kind = EventKind::PasswordChanged {
            reset: kept.is_none(),
            token_id: notice.id,
            session_ids: ids.clone(),
            kept,
            all_until,
        };
        let mut events = vec![caller.event(user.id, kind, now, &*self.random)];
        if accepted.breach_check_skipped {
            let kind = EventKind::BreachCheckSkipped;
            events.push(caller.event(user.id, kind, now, &*self.random));
        }
        let change = PasswordChange {
            hash: &accepted.hash,
            kept,
            ended: &ids[..ids.len().min(MAX_ENDED_BESIDE)],
            notice: &notice,
            warrant,
        };
        match self
            .profiles
            .change_password(user, &change, &events, now)
            .await
        {
            Ok(()) => {}
            Err(CommitError::Refused(writes)) if writes.contains(&Write::Token) => {
                return Err(Problem::code_expired());
            }
            Err(CommitError::Refused(_)) => return Err(Problem::changed_meanwhile()),
            Err(CommitError::Store(error)) => return Err(error.into()),
        }
        if kept.is_none() {
            // Strangers who still hammer would keep the owner from using it.
            if let Err(error) = self.lockouts.clear(user.id).await {
                tracing::warn!(user.id = %user.id, error = chain(&error), "locks outlast a reset");
            }
        }
        let mut ended = ids;
        if kept.is_some() {
            // One that began between the reading and the writing is over too; its access token is
            // not, until it is marked.
            let late = self.sessions.of_user(user.id).await?.into_iter();
            let late = late.filter(|session| session.created_at <= now);
            ended.extend(
                late.map(|session| session.id)
                    .filter(|id| Some(*id) != kept),
            );
        }
        self.gate.deny(user.id, &ended, all_until).await;
        Ok(())
    }
}
