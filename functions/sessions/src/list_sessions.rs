//! `GET /api/auth/sessions` — where the user is signed in.

use axum::extract;
use http::StatusCode;
use latchkey_shared::http::views::SessionView;
use latchkey_shared::http::{Authenticated, Problem, Reply};
use serde::Serialize;

use crate::State;

#[derive(Debug, Serialize)]
pub(crate) struct Response {
    sessions: Vec<SessionView>,
}

pub(crate) async fn handler(
    extract::State(state): extract::State<State>,
    caller: Authenticated,
) -> Result<Reply<Response>, Problem> {
    let now = state.clock.now();
    let (user, current) = (caller.claims.sub, caller.claims.sid);
    let (user, sessions) = tokio::try_join!(state.users.get(user), state.sessions.of_user(user))?;
    let cutoff = user.and_then(|user| user.cutoff);
    let mut alive: Vec<_> = sessions
        .iter()
        .filter(|session| session.is_alive(now, cutoff))
        .collect();
    alive.sort_by_key(|session| std::cmp::Reverse(session.last_used_at));
    let sessions = alive
        .into_iter()
        .map(|session| SessionView::seen_from(current, session))
        .collect();
    Ok(Reply(StatusCode::OK, Response { sessions }))
}
