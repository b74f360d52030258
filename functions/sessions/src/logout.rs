//! `DELETE /api/auth/user/logout` — ends the session that calls.

use axum::extract;
use axum::response::Response;
use latchkey_shared::domain::event::{EndReason, EventKind};
use latchkey_shared::http::{Authenticated, Caller, Problem};
use latchkey_shared::store::transaction::CommitError;

use crate::State;

pub(crate) async fn handler(
    extract::State(state): extract::State<State>,
    caller: Caller,
    user: Authenticated,
) -> Result<Response, Problem> {
    let (user, session) = (user.claims.sub, user.claims.sid);
    let kind = EventKind::SessionsEnded {
        session_ids: vec![session],
        reason: EndReason::Logout,
        all_until: None,
    };
    let event = caller.event(user, kind, state.clock.now(), &*state.random);
    match state.sessions.end(user, session, &event).await {
        // Ended a moment ago by somebody else: just what was asked for.
        Ok(()) | Err(CommitError::Refused(_)) => {}
        Err(CommitError::Store(error)) => return Err(error.into()),
    }
    state.gate.denylist.deny(user, &[session], None).await;
    Ok(state.cookie.signed_out())
}
