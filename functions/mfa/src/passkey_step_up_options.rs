//! `POST /api/auth/step-up/passkey/options` — what a browser proves by that it is still the user.
//!
//! The answer is `PublicKeyCredentialRequestOptionsJSON` itself, with the user's own passkeys; what
//! the browser makes of it goes to `POST /api/auth/step-up` as `passkey`.

use axum::extract;
use http::StatusCode;
use latchkey_shared::http::body::read_optional_json;
use latchkey_shared::http::{Authenticated, Code, Problem, Reply};

use crate::State;
use crate::register_passkey_options::Nothing;

pub(crate) async fn handler(
    extract::State(state): extract::State<State>,
    user: Authenticated,
    request: extract::Request,
) -> Result<Reply<impl serde::Serialize>, Problem> {
    let Nothing = read_optional_json(request).await?;
    let (user, session) = (user.claims.sub, user.claims.sid);
    let present = state.passkeys.of_user(user).await?;
    if present.is_empty() {
        return Err(Problem::new(
            Code::Conflict,
            "There is no passkey on this account. Step up with the password or a mailed code.",
        ));
    }
    let options = state
        .ceremonies
        .begin_step_up(user, session, &present)
        .await?;
    Ok(Reply(StatusCode::OK, options))
}
