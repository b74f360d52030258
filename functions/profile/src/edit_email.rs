//! `PATCH /api/auth/edit/email` — moves the account to another address, in two steps.
//!
//! First a code goes to the new address; with it the account moves, and the old address is told
//! and can take it back for 7 days. An address that somebody has is answered as any other.

use axum::extract;
use axum::response::{IntoResponse, Response};
use latchkey_shared::domain::email::EmailAddress;
use latchkey_shared::domain::token::Target;
use latchkey_shared::http::views::ChallengeView;
use latchkey_shared::http::{Body, Caller, FieldError, Fields, Fresh, FromFields, Problem, steady};

use crate::State;
use crate::address_change::{Proof, challenged, proof};

#[derive(Debug)]
pub(crate) struct Request {
    email: EmailAddress,
    proof: Option<Proof>,
}

impl FromFields for Request {
    fn read(fields: &mut Fields) -> Option<Self> {
        let email = fields.required("email");
        let proof = proof(fields);
        Some(Self {
            email: email?,
            proof: proof?,
        })
    }
}

pub(crate) async fn handler(
    extract::State(state): extract::State<State>,
    caller: Caller,
    user: Fresh,
    Body(request): Body<Request>,
) -> Result<Response, Problem> {
    steady(Box::pin(answer(&state, &caller, user, request))).await
}

async fn answer(
    state: &State,
    caller: &Caller,
    user: Fresh,
    request: Request,
) -> Result<Response, Problem> {
    let (user, session) = state.authority.load_proven(user).await?;
    if request.email == user.email {
        return Err(Problem::validation(vec![FieldError::new(
            "email",
            "unchanged",
            "This is the address of the account already.",
        )]));
    }
    let target = Target::Email(request.email.clone());
    match &request.proof {
        None => {
            let limits = state
                .limit_codes(&user, "email", request.email.key())
                .await?;
            let token = state.challenge(&user, &session, target, caller).await?;
            let challenge = ChallengeView::by_email(&token, &request.email);
            Ok(challenged(limits, challenge))
        }
        Some(proof) => {
            let changed = state
                .relocate(user, &session, target, proof, caller)
                .await?;
            Ok(changed.into_response())
        }
    }
}
