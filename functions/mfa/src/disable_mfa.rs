//! `POST /api/auth/disable/mfa` — ends second factors: all of them, or those in `methods`.
//!
//! By a code of one of them, or a recovery code. For one by mail or SMS, `{method}` has a code sent,
//! whose `token` comes back beside it. With the last factor the recovery codes and the trust in
//! devices end too. The owner is told.

use axum::extract;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use latchkey_shared::domain::event::EventKind;
use latchkey_shared::domain::factor::Method;
use latchkey_shared::domain::user::User;
use latchkey_shared::http::views::UserView;
use latchkey_shared::http::{Body, Caller, FieldError, Fields, Fresh, FromFields, Problem, Reply};
use serde::Serialize;

use crate::State;
use crate::proof::Proof;

#[derive(Debug)]
pub(crate) struct Request {
    proof: Proof,
    methods: Option<Vec<Method>>,
}

impl FromFields for Request {
    fn read(fields: &mut Fields) -> Option<Self> {
        let methods = fields.optional("methods");
        let proof = Proof::read(fields);
        Some(Self {
            proof: proof?,
            methods: methods?,
        })
    }
}

#[derive(Debug, Serialize)]
struct Disabled {
    user: UserView,
}

pub(crate) async fn handler(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Fresh(user): Fresh,
    Body(request): Body<Request>,
) -> Result<Response, Problem> {
    let (mut user, session) = state.authority.load(user).await?;
    let (code, method, token) = match &request.proof {
        Proof::Ask(method) => return state.ask(&user, &session, *method, &caller).await,
        Proof::Code {
            code,
            method,
            token,
        } => (code, *method, *token),
    };
    must_end_some(&user, request.methods.as_deref())?;
    let shown = state
        .shown(&user, &session, (code, method, token), &caller)
        .await?;
    let now = state.clock.now();
    let ends = |method: &Method| {
        let named = request.methods.as_ref();
        named.is_none_or(|named| named.contains(method))
    };
    let (methods, rest): (Vec<_>, Vec<_>) = user.mfa.iter().copied().partition(ends);
    let kind = EventKind::MfaDisabled { methods };
    let event = caller.event(user.id, kind, now, &*state.random);
    let forget = shown.forget(&state.factors)?;
    let changed = state
        .factors
        .factors
        .disable(&user, &rest, &shown.used, forget, &event, now)
        .await;
    state.settled(changed, &shown).await?;
    user.mfa = rest;
    let user = UserView::at(&user, now);
    Ok(Reply(StatusCode::OK, Disabled { user }).into_response())
}

/// What is named is on, so that no code is used up for nothing.
fn must_end_some(user: &User, named: Option<&[Method]>) -> Result<(), Problem> {
    let ends_some = |named: &[Method]| named.iter().any(|method| user.mfa.contains(method));
    if user.mfa.is_empty() || named.is_none_or(ends_some) {
        return Ok(());
    }
    Err(Problem::validation(vec![FieldError::new(
        "methods",
        "invalid_choice",
        "Name a second factor that sign-in asks for, or leave this away to end all.",
    )]))
}
