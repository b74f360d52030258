//! `POST /api/auth/passkeys/register/verify` — takes the passkey that a browser made.
//!
//! The body is what `startRegistration` gives, and `name` if the user chose one. The owner is told.

use axum::extract;
use http::StatusCode;
use latchkey_shared::domain::device;
use latchkey_shared::domain::event::EventKind;
use latchkey_shared::domain::name::DisplayName;
use latchkey_shared::domain::passkey::MAX_PASSKEYS;
use latchkey_shared::http::views::PasskeyView;
use latchkey_shared::http::{Body, Caller, Code, Fields, Fresh, FromFields, Problem, Reply};
use latchkey_shared::store::passkeys::{Passkey, Write};
use latchkey_shared::store::transaction::CommitError;
use latchkey_shared::webauthn::RegistrationResponse;
use serde::Serialize;

use crate::State;

/// What a passkey is called that nobody named, on a device that nobody knows.
const UNNAMED: &str = "Passkey";

#[derive(Debug)]
pub(crate) struct Request {
    response: RegistrationResponse,
    name: Option<DisplayName>,
}

impl FromFields for Request {
    fn read(fields: &mut Fields) -> Option<Self> {
        let response = RegistrationResponse::read(fields);
        let name = fields.optional("name");
        Some(Self {
            response: response?,
            name: name?,
        })
    }
}

/// A passkey as it stands.
#[derive(Debug, Serialize)]
pub(crate) struct Registered {
    passkey: PasskeyView,
}

impl From<&Passkey> for Registered {
    fn from(passkey: &Passkey) -> Self {
        let passkey = passkey.into();
        Self { passkey }
    }
}

pub(crate) async fn handler(
    extract::State(state): extract::State<State>,
    caller: Caller,
    user: Fresh,
    Body(request): Body<Request>,
) -> Result<Reply<Registered>, Problem> {
    let (user, session) = state.authority.load_proven(user).await?;
    let credential = state
        .ceremonies
        .finish_registration(user.id, session.id, &request.response)
        .await?;
    let name = match request.name {
        Some(name) => name,
        None => made_on(&caller)?,
    };
    let now = state.clock.now();
    let passkey = Passkey::new(user.id, name, credential, now);
    let kind = EventKind::PasskeyAdded {
        passkey_id: passkey.id,
    };
    let event = caller.event(user.id, kind, now, &*state.random);
    match state.passkeys.register(&user, &passkey, &event).await {
        Ok(()) => Ok(Reply(StatusCode::CREATED, Registered::from(&passkey))),
        // Whoever has the authenticator learns no more than it could tell them.
        Err(CommitError::Refused(writes)) if writes.contains(&Write::Claim) => Err(Problem::new(
            Code::Conflict,
            "This passkey is registered already.",
        )),
        Err(CommitError::Refused(_)) => {
            let present = state.passkeys.of_user(user.id).await?;
            let full = u32::try_from(present.len()).is_ok_and(|count| count >= MAX_PASSKEYS);
            Err(if full {
                too_many()
            } else {
                Problem::changed_meanwhile()
            })
        }
        Err(CommitError::Store(error)) => Err(error.into()),
    }
}

/// The user has as many as they can have.
pub(crate) fn too_many() -> Problem {
    Problem::new(
        Code::Conflict,
        format!("A user has at most {MAX_PASSKEYS} passkeys. Remove one that you no longer use."),
    )
}

/// A name by the browser that the passkey was made in.
fn made_on(caller: &Caller) -> Result<DisplayName, Problem> {
    let device = caller.source.user_agent.as_deref().and_then(device::name);
    let name = device.and_then(|name| name.parse().ok());
    name.map_or_else(
        || UNNAMED.parse().map_err(|error| Problem::internal(&error)),
        Ok,
    )
}
