//! `GET` and `POST /api/auth/user/me` — the user and the session behind an access token.

use axum::extract;
use http::StatusCode;
use latchkey_shared::http::views::{SessionView, UserView};
use latchkey_shared::http::{Authenticated, Problem, Reply};
use serde::Serialize;

use crate::State;

#[derive(Debug, Serialize)]
pub(crate) struct Response {
    user: UserView,
    session: SessionView,
}

pub(crate) async fn handler(
    extract::State(state): extract::State<State>,
    caller: Authenticated,
) -> Result<Reply<Response>, Problem> {
    let (user, session) = state.authority.load(caller).await?;
    let response = Response {
        user: UserView::at(&user, state.clock.now()),
        session: SessionView::seen_from(session.id, &session),
    };
    Ok(Reply(StatusCode::OK, response))
}
