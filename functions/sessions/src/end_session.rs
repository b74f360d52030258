//! `DELETE /api/auth/sessions/{id}` — ends one of the user's own sessions.

use axum::extract;
use http::StatusCode;
use latchkey_shared::domain::event::{EndReason, EventKind};
use latchkey_shared::domain::id::SessionId;
use latchkey_shared::http::{Authenticated, Caller, PathId, Problem};
use latchkey_shared::store::transaction::CommitError;

use crate::State;

pub(crate) async fn handler(
    extract::State(state): extract::State<State>,
    caller: Caller,
    user: Authenticated,
    // Another user's id is not found either: only the caller's own rows are looked at.
    PathId(session): PathId<SessionId>,
) -> Result<StatusCode, Problem> {
    let kind = EventKind::SessionsEnded {
        session_ids: vec![session],
        reason: EndReason::EndedByUser,
        all_until: None,
    };
    let user = user.claims.sub;
    let event = caller.event(user, kind, state.clock.now(), &*state.random);
    state
        .sessions
        .end(user, session, &event)
        .await
        .map_err(|error| match error {
            CommitError::Refused(_) => Problem::not_found(),
            CommitError::Store(error) => error.into(),
        })?;
    state.gate.denylist.deny(user, &[session], None).await;
    Ok(StatusCode::NO_CONTENT)
}
