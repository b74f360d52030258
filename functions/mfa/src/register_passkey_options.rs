//! `POST /api/auth/passkeys/register/options` — what a browser makes a passkey by.
//!
//! The answer is `PublicKeyCredentialCreationOptionsJSON` itself, as `startRegistration` takes it.
//! It holds good for 5 minutes, once, for this user in this session.

use axum::extract;
use http::StatusCode;
use latchkey_shared::domain::passkey::MAX_PASSKEYS;
use latchkey_shared::http::body::read_optional_json;
use latchkey_shared::http::{Fields, Fresh, FromFields, Problem, Reply};

use crate::State;
use crate::register_passkey::too_many;

/// Nothing: everything follows from who asks.
#[derive(Debug, Default)]
pub(crate) struct Nothing;

impl FromFields for Nothing {
    fn read(_: &mut Fields) -> Option<Self> {
        Some(Self)
    }
}

pub(crate) async fn handler(
    extract::State(state): extract::State<State>,
    user: Fresh,
    request: extract::Request,
) -> Result<Reply<impl serde::Serialize>, Problem> {
    let Nothing = read_optional_json(request).await?;
    let (user, session) = state.authority.load_proven(user).await?;
    let present = state.passkeys.of_user(user.id).await?;
    if u32::try_from(present.len()).is_ok_and(|count| count >= MAX_PASSKEYS) {
        return Err(too_many());
    }
    let options = state
        .ceremonies
        .begin_registration(&user, session.id, &present)
        .await?;
    Ok(Reply(StatusCode::OK, options))
}
