//! `PATCH /api/auth/passkeys/{id}` — gives one of the user's passkeys another name.

use axum::extract;
use http::StatusCode;
use latchkey_shared::domain::event::EventKind;
use latchkey_shared::domain::name::DisplayName;
use latchkey_shared::domain::passkey::PasskeyId;
use latchkey_shared::http::{
    Authenticated, Body, Caller, Fields, FromFields, PathId, Problem, Reply,
};
use latchkey_shared::store::transaction::CommitError;

use crate::State;
use crate::register_passkey::Registered;

#[derive(Debug)]
pub(crate) struct Request {
    name: DisplayName,
}

impl FromFields for Request {
    fn read(fields: &mut Fields) -> Option<Self> {
        let name = fields.required("name");
        Some(Self { name: name? })
    }
}

pub(crate) async fn handler(
    extract::State(state): extract::State<State>,
    caller: Caller,
    user: Authenticated,
    // Another user's id is not found either: only the caller's own rows are looked at.
    PathId(id): PathId<PasskeyId>,
    Body(request): Body<Request>,
) -> Result<Reply<Registered>, Problem> {
    let user = user.claims.sub;
    let mut passkey = state
        .passkeys
        .get(user, id)
        .await?
        .ok_or_else(Problem::not_found)?;
    if passkey.name != request.name {
        let kind = EventKind::PasskeyRenamed { passkey_id: id };
        let event = caller.event(user, kind, state.clock.now(), &*state.random);
        state
            .passkeys
            .rename(user, id, &request.name, &event)
            .await
            .map_err(|error| match error {
                CommitError::Refused(_) => Problem::not_found(),
                CommitError::Store(error) => error.into(),
            })?;
        passkey.name = request.name;
    }
    Ok(Reply(StatusCode::OK, Registered::from(&passkey)))
}
