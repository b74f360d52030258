//! `DELETE /api/auth/user` — deletes the account, with the current password or a fresh sign-in.
//!
//! Addresses and names are free again at once, and every session and token is dead. What is left
//! is the audit log, from which `courier` takes everything but ids.

use axum::extract;
use axum::response::Response;
use latchkey_shared::domain::event::EventKind;
use latchkey_shared::domain::id::SessionId;
use latchkey_shared::domain::password::SubmittedPassword;
use latchkey_shared::domain::token::{Purpose, Target, Token};
use latchkey_shared::http::body::read_optional_json;
use latchkey_shared::http::{Authenticated, Caller, Fields, Fresh, FromFields, Problem};
use latchkey_shared::store::profiles::MAX_ENDED_BESIDE;
use latchkey_shared::store::transaction::CommitError;

use crate::State;

#[derive(Debug, Default)]
struct Request {
    current: Option<SubmittedPassword>,
}

impl FromFields for Request {
    fn read(fields: &mut Fields) -> Option<Self> {
        let current = fields.optional("currentPassword");
        Some(Self { current: current? })
    }
}

pub(crate) async fn handler(
    extract::State(state): extract::State<State>,
    caller: Caller,
    user: Authenticated,
    request: extract::Request,
) -> Result<Response, Problem> {
    let request: Request = read_optional_json(request).await?;
    if request.current.is_none() {
        Fresh::check(user.clone(), state.clock.now())?;
    }
    let (user, _) = state.authority.load(user).await?;
    let checked = match &request.current {
        Some(current) => Some(
            state
                .current_password
                .check(&user, current, &caller)
                .await?
                .checked,
        ),
        None => None,
    };
    let sessions = state.sessions.of_user(user.id).await?;
    let now = state.clock.now();
    let ids: Vec<SessionId> = sessions.iter().map(|session| session.id).collect();
    let to = Target::Email(user.email.clone());
    let farewell = Token {
        locale: Some(user.preferences.locale.clone()),
        ..state.desk.token(Purpose::Farewell, &user, to, now)
    };
    let kind = EventKind::Deleted {
        token_id: farewell.id,
        all_until: now,
    };
    let event = caller.event(user.id, kind, now, &*state.random);
    let ended = &ids[..ids.len().min(MAX_ENDED_BESIDE)];
    match state
        .profiles
        .delete(&user, checked.as_ref(), ended, &farewell, &event, now)
        .await
    {
        Ok(()) => {}
        Err(CommitError::Refused(_)) => return Err(Problem::changed_meanwhile()),
        Err(CommitError::Store(error)) => return Err(error.into()),
    }
    state.gate.deny(user.id, &ids, Some(now)).await;
    Ok(state.cookie.signed_out())
}
