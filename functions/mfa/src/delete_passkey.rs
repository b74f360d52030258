//! `DELETE /api/auth/passkeys/{id}` — removes one of the user's passkeys.
//!
//! Who has no password keeps the last one: a reset by mail would let them in again, but whoever
//! chose to do without a password must not need one. The owner is told.

use axum::extract;
use http::StatusCode;
use latchkey_shared::domain::event::EventKind;
use latchkey_shared::domain::passkey::PasskeyId;
use latchkey_shared::http::{Caller, Code, Fresh, PathId, Problem};
use latchkey_shared::store::passkeys::Write;
use latchkey_shared::store::transaction::CommitError;

use crate::State;

pub(crate) async fn handler(
    extract::State(state): extract::State<State>,
    caller: Caller,
    user: Fresh,
    // Another user's id is not found either: only the caller's own rows are looked at.
    PathId(id): PathId<PasskeyId>,
) -> Result<StatusCode, Problem> {
    let (user, _) = state.authority.load_proven(user).await?;
    let kind = EventKind::PasskeyRemoved { passkey_id: id };
    let event = caller.event(user.id, kind, state.clock.now(), &*state.random);
    match state.passkeys.remove(&user, id, &event).await {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(CommitError::Refused(writes)) if writes.contains(&Write::Passkey) => {
            Err(Problem::not_found())
        }
        Err(CommitError::Refused(_)) if user.password_hash.is_none() => Err(Problem::new(
            Code::LastWayIn,
            "Set a password or add another passkey first.",
        )),
        Err(CommitError::Refused(_)) => Err(Problem::changed_meanwhile()),
        Err(CommitError::Store(error)) => Err(error.into()),
    }
}
