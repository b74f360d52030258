//! `GET /api/auth/passkeys` — the user's passkeys, oldest first.

use axum::extract;
use http::StatusCode;
use latchkey_shared::http::views::PasskeyView;
use latchkey_shared::http::{Authenticated, Problem, Reply};
use serde::Serialize;

use crate::State;

#[derive(Debug, Serialize)]
pub(crate) struct Response {
    passkeys: Vec<PasskeyView>,
}

pub(crate) async fn handler(
    extract::State(state): extract::State<State>,
    user: Authenticated,
) -> Result<Reply<Response>, Problem> {
    let passkeys = state.passkeys.of_user(user.claims.sub).await?;
    let passkeys = passkeys.iter().map(PasskeyView::from).collect();
    Ok(Reply(StatusCode::OK, Response { passkeys }))
}
