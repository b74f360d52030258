//! What code and link have in common: the account that one of them makes active.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use jiff::Timestamp;
use latchkey_shared::domain::event::EventKind;
use latchkey_shared::domain::user::{ADMIN_ROLE, Status, User};
use latchkey_shared::http::views::UserView;
use latchkey_shared::http::{Caller, Problem, Reply};
use latchkey_shared::store::sign_ups::{Proof, Write};
use latchkey_shared::store::transaction::CommitError;
use latchkey_shared::store::users::Claim;
use serde::Serialize;

use crate::State;

/// The user who has just been verified.
#[derive(Debug, Serialize)]
pub(crate) struct Verified {
    user: UserView,
}

impl Verified {
    /// The user at `now`.
    pub(crate) fn at(user: &User, now: Timestamp) -> Self {
        Self {
            user: UserView::at(user, now),
        }
    }
}

impl IntoResponse for Verified {
    fn into_response(self) -> Response {
        Reply(StatusCode::OK, self).into_response()
    }
}

impl State {
    /// How many sign-ups have asked for the user's address. It must still be theirs.
    pub(crate) async fn sign_ups_of(&self, user: &User, now: Timestamp) -> Result<u32, Problem> {
        let holder = self.users.holder(Claim::Email(&user.email), now).await?;
        let holder = holder.filter(|holder| holder.user == user.id);
        Ok(holder.ok_or_else(Problem::code_expired)?.sign_ups)
    }

    /// Uses the proof up and makes its user active. Of any number of calls at once, with code or
    /// link, one succeeds.
    pub(crate) async fn activate(
        &self,
        mut user: User,
        proof: &Proof<'_>,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<User, Problem> {
        let mut first_admin = self.settings.first_admin.as_ref() == Some(&user.email);
        loop {
            let kind = EventKind::EmailVerified {
                became_admin: first_admin,
            };
            let event = caller.event(user.id, kind, now, &*self.random);
            let result = self
                .sign_ups
                .verify(&user, proof, first_admin, &event, now)
                .await;
            match result {
                Ok(()) => break,
                Err(CommitError::Refused(writes)) if writes == [Write::FirstAdmin] => {
                    first_admin = false;
                }
                Err(CommitError::Refused(_)) => return Err(Problem::code_expired()),
                Err(CommitError::Store(error)) => return Err(error.into()),
            }
        }
        user.status = Status::Active;
        user.email_verified = true;
        user.lapses_at = None;
        if proof.is_ambiguous() {
            user.username = None;
            user.phone_number = None;
            user.phone_verified = false;
        }
        if first_admin {
            user.roles.push(ADMIN_ROLE.to_owned());
        }
        Ok(user)
    }
}
