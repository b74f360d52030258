//! `PATCH /api/auth/edit/password` — sets a new password for somebody who is signed in.
//!
//! With the current one, or in two steps with a code that is mailed to the account's address. All
//! other sessions end, second factors stay, and the owner is told.

use axum::extract;
use axum::response::{IntoResponse, Response};
use latchkey_shared::challenge::{Asked, Redeemed};
use latchkey_shared::domain::password::{Password, SubmittedPassword};
use latchkey_shared::domain::password_strength::Context;
use latchkey_shared::domain::token::{Purpose, Target};
use latchkey_shared::http::views::ChallengeView;
use latchkey_shared::http::{Body, Caller, Fields, Fresh, FromFields, Problem};
use latchkey_shared::store::profiles::Warrant;
use latchkey_shared::store::tokens::Half;

use crate::State;
use crate::address_change::{Proof, challenged, proof};
use crate::password_change::PasswordChanged;

const PURPOSE: Purpose = Purpose::ChangePassword;

#[derive(Debug)]
pub(crate) struct Request {
    password: Password,
    current: Option<SubmittedPassword>,
    proof: Option<Proof>,
}

impl FromFields for Request {
    fn read(fields: &mut Fields) -> Option<Self> {
        let password = fields.new_password("password", &Context::default());
        let current = fields.optional("currentPassword");
        let proof = proof(fields);
        if matches!((&current, &proof), (Some(Some(_)), Some(Some(_)))) {
            fields.refuse(
                "currentPassword",
                "ambiguous",
                "Send either currentPassword, or tokenId and code.",
            );
        }
        Some(Self {
            password: password?,
            current: current?,
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
    let (user, session) = state.authority.load_proven(user).await?;
    let (password, kept) = (&request.password, Some(session.id));
    if let Some(current) = &request.current {
        let checked = state
            .current_password
            .check(&user, current, &caller)
            .await?
            .checked;
        let warrant = Warrant::Current(&checked);
        state
            .set_password(&user, password, warrant, kept, &caller)
            .await?;
    } else if let Some(proof) = &request.proof {
        let redeemed = Redeemed {
            purpose: PURPOSE,
            user: &user,
            session: session.id,
            target: None,
            token: proof.token,
            code: &proof.code,
        };
        let now = state.clock.now();
        let token = state.desk.redeem_in_session(redeemed, now).await?;
        let warrant = Warrant::Token(&token, Half::Code);
        let set = state
            .set_password(&user, password, warrant, kept, &caller)
            .await;
        state.spare_try(&token, Half::Code, &set).await;
        set?;
    } else {
        let now = state.clock.now();
        let limits = state
            .limit_codes(&user, "user", &user.id.to_string())
            .await?;
        let asked = Asked {
            purpose: PURPOSE,
            user: &user,
            session: session.id,
            target: Target::Email(user.email.clone()),
        };
        let token = state.desk.issue_to_session(asked, &caller, now).await?;
        let challenge = ChallengeView::by_email(&token, &user.email);
        return Ok(challenged(limits, challenge));
    }
    Ok(PasswordChanged::reply().into_response())
}
