//! `POST /api/admin/users/{id}/unlock` — ends the lock that failed sign-ins put on an account. For
//! `users:status`.

use axum::extract;
use http::StatusCode;
use latchkey_shared::domain::event::EventKind;
use latchkey_shared::domain::id::UserId;
use latchkey_shared::http::permitted::UsersStatus;
use latchkey_shared::http::views::UserView;
use latchkey_shared::http::{Caller, PathId, Permitted, Problem, Reply};
use serde::Serialize;

use crate::State;

#[derive(Debug, Serialize)]
pub(crate) struct Response {
    user: UserView,
}

pub(crate) async fn handler(
    extract::State(state): extract::State<State>,
    caller: Caller,
    admin: Permitted<UsersStatus>,
    PathId(id): PathId<UserId>,
) -> Result<Reply<Response>, Problem> {
    let user = state.user(id).await?;
    let now = state.clock.now();
    let kind = EventKind::Unlocked { by: admin.user.id };
    let event = caller.event(id, kind, now, &*state.random);
    state.lockouts.unlock(id, &event).await?;
    let user = UserView::at(&user, now);
    Ok(Reply(StatusCode::OK, Response { user }))
}
