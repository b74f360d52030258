//! `DELETE /api/auth/user/logout-all` — ends all the user's sessions, or all but the one that
//! calls with `?keepCurrent=true`.

use axum::extract;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use latchkey_shared::domain::event::{EndReason, EventKind};
use latchkey_shared::domain::id::{SessionId, UserId};
use latchkey_shared::http::{Authenticated, Caller, Fields, FromFields, Problem, Query};
use latchkey_shared::store::sessions::MAX_ENDED_AT_ONCE;
use latchkey_shared::store::transaction::CommitError;

use crate::State;

#[derive(Debug)]
pub(crate) struct Request {
    keep_current: bool,
}

impl FromFields for Request {
    fn read(fields: &mut Fields) -> Option<Self> {
        let keep_current = fields.optional("keepCurrent");
        Some(Self {
            keep_current: keep_current?.unwrap_or(false),
        })
    }
}

pub(crate) async fn handler(
    extract::State(state): extract::State<State>,
    caller: Caller,
    user: Authenticated,
    Query(request): Query<Request>,
) -> Result<Response, Problem> {
    let current = request.keep_current.then_some(user.claims.sid);
    state.end_all(user.claims.sub, current, &caller).await?;
    Ok(match current {
        Some(_) => StatusCode::NO_CONTENT.into_response(),
        None => state.cookie.signed_out(),
    })
}

impl State {
    /// Ends all sessions of a user but `kept`. Where none is kept, sessions that begin while this
    /// runs end too.
    async fn end_all(
        &self,
        user: UserId,
        kept: Option<SessionId>,
        caller: &Caller,
    ) -> Result<(), Problem> {
        let sessions = self.sessions.of_user(user).await?;
        // From here on a session that begins is refused: one that began before is in the list.
        let now = self.clock.now();
        let ids: Vec<SessionId> = sessions
            .iter()
            .map(|session| session.id)
            .filter(|id| Some(*id) != kept)
            .collect();
        let valid_after = kept.is_none().then_some(now);
        for ids in ids.chunks(MAX_ENDED_AT_ONCE) {
            let kind = EventKind::SessionsEnded {
                session_ids: ids.to_vec(),
                reason: EndReason::LogoutAll,
                all_until: valid_after,
            };
            let event = caller.event(user, kind, now, &*self.random);
            match self.sessions.end_many(user, ids, valid_after, &event).await {
                // Somebody else ended them all, later than this.
                Ok(()) | Err(CommitError::Refused(_)) => {}
                Err(CommitError::Store(error)) => return Err(error.into()),
            }
            self.gate.denylist.deny(user, ids, valid_after).await;
        }
        Ok(())
    }
}
