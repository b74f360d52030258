//! `GET /api/auth/mfa` — which second factors a user has and can have, and how many recovery codes
//! are left.

use axum::extract;
use http::StatusCode;
use latchkey_shared::domain::factor::Method;
use latchkey_shared::http::{Authenticated, Problem, Reply};
use serde::Serialize;

use crate::State;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Standing {
    /// What sign-in asks for one of.
    methods: Vec<Method>,
    /// What can be set up.
    available: Vec<Method>,
    recovery_codes_left: usize,
}

pub(crate) async fn handler(
    extract::State(state): extract::State<State>,
    user: Authenticated,
) -> Result<Reply<Standing>, Problem> {
    let (user, _) = state.authority.load(user).await?;
    let left = if user.mfa.is_empty() {
        0
    } else {
        state.factors.factors.recovery_codes(user.id).await?.len()
    };
    let available = Method::ALL.into_iter().filter(|method| {
        let possible = *method != Method::Sms || user.phone_verified;
        possible && state.factors.allows(*method) && !user.mfa.contains(method)
    });
    let standing = Standing {
        available: available.collect(),
        methods: user.mfa.clone(),
        recovery_codes_left: left,
    };
    Ok(Reply(StatusCode::OK, standing))
}
