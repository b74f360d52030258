//! `POST /api/auth/sign-in/passkey/options` — what a browser signs in by.
//!
//! The answer is `PublicKeyCredentialRequestOptionsJSON` itself, as `startAuthentication` takes it,
//! also for conditional UI. A name may be sent and changes nothing: `allowCredentials` is always
//! empty, since to fill it in would tell who has an account. The devices know their passkeys.

use axum::extract;
use http::StatusCode;
use latchkey_shared::http::body::read_optional_json;
use latchkey_shared::http::{Anonymous, Fields, FromFields, Problem, Reply, account_name};

use crate::State;

/// The members that name an account.
const NAMES: [&str; 6] = [
    "email",
    "username",
    "phoneNumber",
    "countryCode",
    "mobile",
    "identifier",
];

/// Whoever it is.
#[derive(Debug, Default)]
struct Anybody;

impl FromFields for Anybody {
    fn read(fields: &mut Fields) -> Option<Self> {
        if NAMES.iter().any(|name| fields.has(name)) {
            account_name(fields, true)?;
        }
        for name in NAMES {
            fields.discard(name);
        }
        Some(Self)
    }
}

pub(crate) async fn handler(
    extract::State(state): extract::State<State>,
    _: Anonymous,
    request: extract::Request,
) -> Result<Reply<impl serde::Serialize>, Problem> {
    let Anybody = read_optional_json(request).await?;
    let options = state.ceremonies.begin_sign_in().await?;
    Ok(Reply(StatusCode::OK, options))
}
