//! A new password, whichever way it is allowed: what ends with the old one.

use http::StatusCode;
use latchkey_shared::domain::event::EventKind;
use latchkey_shared::domain::id::SessionId;
use latchkey_shared::domain::password::Password;
use latchkey_shared::domain::password_strength::Context;
use latchkey_shared::domain::token::{Purpose, Target, Token};
use latchkey_shared::domain::user::{Status, User};
use latchkey_shared::http::{Caller, FieldError, Problem, Reply};
use latchkey_shared::store::profiles::{PasswordChange, Warrant, Write};
use latchkey_shared::store::tokens::Half;
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
    /// A right code with a password that is not taken has not been tried in vain: it can be sent
    /// again with another, and the try is given back.
    pub(crate) async fn spare_try(&self, token: &Token, half: Half, set: &Result<(), Problem>) {
        let refused = set.as_ref().is_err_and(|problem| {
            half == Half::Code && problem.code.status() == StatusCode::UNPROCESSABLE_ENTITY
        });
        if refused && let Err(error) = self.desk.challenges.take_back(token).await {
            tracing::warn!(error = chain(&error), "a try stays counted");
        }
    }

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
        // Who knew the old one must not get in again by it.
        if user.status == Status::SecurityIssue
            && self.current_password.matches(user, password).await?
        {
            return Err(Problem::validation(vec![FieldError::new(
                "password",
                "unchanged",
                "That is the password the account was held for. Choose another.",
            )]));
        }
        let accepted = self
            .new_passwords
            .accept(password, &Context::of(user))
            .await?;
        let mut sessions = self.sessions.of_user(user.id).await?;
        // From here on a session that begins is refused: one that began before is in the list.
        let now = self.clock.now();
        sessions.retain(|session| kept != Some(session.id));
        let ids: Vec<SessionId> = sessions.iter().map(|session| session.id).collect();
        let to_owner = Target::Email(user.email.clone());
        let notice = self.desk.token(Purpose::NotMe, user, to_owner, now);
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
            ended: &ids,
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
        // One that began between the reading and the writing is over too; its access token is not,
        // until it is marked.
        let late = self.sessions.of_user(user.id).await?.into_iter();
        let late = late.filter(|session| session.epoch <= user.epoch);
        ended.extend(
            late.map(|session| session.id)
                .filter(|id| Some(*id) != kept),
        );
        self.gate.deny(user.id, &ended, all_until).await;
        Ok(())
    }
}
