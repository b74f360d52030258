//! `DELETE /api/auth/user` — deletes the account, with the current password or a fresh sign-in.
//!
//! Addresses and names are free again at once, and every session and token is dead. What is left
//! is the audit log, from which `courier` takes everything but ids.

use axum::extract;
use axum::response::Response;
use jiff::Timestamp;
use latchkey_shared::domain::event::EventKind;
use latchkey_shared::domain::id::SessionId;
use latchkey_shared::domain::password::SubmittedPassword;
use latchkey_shared::domain::token::{Purpose, Target, Token};
use latchkey_shared::domain::user::{ADMIN_ROLE, User};
use latchkey_shared::http::auth::check_proven;
use latchkey_shared::http::body::read_optional_json;
use latchkey_shared::http::{Authenticated, Caller, Code, Fields, Fresh, FromFields, Problem};
use latchkey_shared::store::profiles::{Deletion, own_targets};
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
    let (user, session) = state.authority.load(user).await?;
    check_proven(&user, &session)?;
    if user.roles.iter().any(|role| role == ADMIN_ROLE) {
        return Err(Problem::new(
            Code::Conflict,
            "An administrator can't delete their own account. Give the role up first.",
        ));
    }
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
    let released = state.users.claimed(user.id, own_targets(&user)).await?;
    let sessions = state.sessions.of_user(user.id).await?;
    let now = state.clock.now();
    let ids: Vec<SessionId> = sessions.iter().map(|session| session.id).collect();
    let farewells = state.farewells(&user, now);
    let kind = EventKind::Deleted {
        token_ids: farewells.iter().map(|token| token.id).collect(),
        all_until: now,
    };
    let event = caller.event(user.id, kind, now, &*state.random);
    let deletion = Deletion {
        checked: checked.as_ref(),
        released: &released,
        ended: &ids,
        farewells: &farewells,
    };
    match state.profiles.delete(&user, &deletion, &event).await {
        Ok(()) => {}
        Err(CommitError::Refused(_)) => return Err(Problem::changed_meanwhile()),
        Err(CommitError::Store(error)) => return Err(error.into()),
    }
    state.denylist.deny(user.id, &ids, Some(now)).await;
    Ok(state.cookie.signed_out())
}

impl State {
    /// What tells the owner: at the address of the account, and at those that it moved away from
    /// a short time ago. A thief who has done so must not be the only one to hear of it.
    fn farewells(&self, user: &User, now: Timestamp) -> Vec<Token> {
        let former = user.former.iter().filter(|former| former.is_open(now));
        let former = former.filter_map(|former| former.target.clone());
        let mut addresses = vec![Target::Email(user.email.clone())];
        for address in former.filter(|target| target.email().is_some()) {
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        addresses
            .into_iter()
            .map(|to| Token {
                locale: Some(user.preferences.locale.clone()),
                ..self.desk.token(Purpose::Farewell, user, to, now)
            })
            .collect()
    }
}
