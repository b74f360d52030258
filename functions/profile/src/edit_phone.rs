//! `PATCH /api/auth/edit/phone` — moves the account to another phone number, in two steps.
//!
//! First a code goes to the new number by SMS; with it the account moves. The owner is told by
//! mail and at the old number, and can take it back for 7 days. A number that somebody else has
//! shown to be theirs is answered as any other.

use axum::extract;
use axum::response::{IntoResponse, Response};
use latchkey_shared::domain::phone::PhoneNumber;
use latchkey_shared::domain::token::Target;
use latchkey_shared::http::views::ChallengeView;
use latchkey_shared::http::{
    Body, Caller, FieldError, Fields, Fresh, FromFields, Problem, phone_number, steady,
};

use crate::State;
use crate::address_change::{Proof, challenged, proof};

#[derive(Debug)]
pub(crate) struct Request {
    number: PhoneNumber,
    proof: Option<Proof>,
}

impl FromFields for Request {
    fn read(fields: &mut Fields) -> Option<Self> {
        let number = phone_number(fields);
        if number == Some(None) {
            fields.refuse("phoneNumber", "required", "This field is required.");
        }
        let proof = proof(fields);
        Some(Self {
            number: number??,
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
    let own = user.phone_number.as_ref() == Some(&request.number);
    if own && user.phone_verified {
        return Err(Problem::validation(vec![FieldError::new(
            "phoneNumber",
            "unchanged",
            "This is the number of the account already.",
        )]));
    }
    state.sms_limits.check_country(&request.number)?;
    let target = Target::Phone(request.number.clone());
    match &request.proof {
        None => {
            let limits = state
                .limit_codes(&user, "phone", request.number.as_str())
                .await?;
            let limits = state
                .sms_limits
                .admit(limits, &request.number, caller.source.ip)
                .await?;
            let token = state.challenge(&user, &session, target, caller).await?;
            let challenge = ChallengeView::by_sms(&token, &request.number);
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
