//! `POST /api/auth/verify/email` — makes an account active by the code from the mail.
//!
//! For anybody who holds the ids that sign-up or resend answered. Decoys count wrong codes just
//! as real tokens do, so the answers tell nothing of the address.

use axum::extract;
use latchkey_shared::domain::code::SubmittedCode;
use latchkey_shared::domain::email::EmailAddress;
use latchkey_shared::domain::id::{TokenId, TryId, UserId};
use latchkey_shared::domain::token::{Purpose, Token};
use latchkey_shared::domain::user::User;
use latchkey_shared::http::{Body, Caller, Fields, FromFields, Problem};
use latchkey_shared::store::sign_ups::Proof;
use latchkey_shared::store::tokens::Half;

use crate::State;
use crate::verification::Verified;

const PURPOSE: Purpose = Purpose::VerifyEmail;

#[derive(Debug)]
pub(crate) struct Request {
    code: SubmittedCode,
    user: UserId,
    token: TokenId,
    email: EmailAddress,
}

impl FromFields for Request {
    fn read(fields: &mut Fields) -> Option<Self> {
        let code = fields.required("code");
        let user = fields.required("userId");
        let token = fields.required("tokenId");
        let email = fields.required("email");
        Some(Self {
            code: code?,
            user: user?,
            token: token?,
            email: email?,
        })
    }
}

pub(crate) async fn handler(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Body(request): Body<Request>,
) -> Result<Verified, Problem> {
    let now = state.clock.now();
    let (token, user) = state
        .desk
        .challenges
        .with_user(request.token, request.user)
        .await?;
    let (token, user) = token
        .zip(user)
        .filter(|(token, user)| {
            token.code_is_alive(PURPOSE, now)
                && belong(token, user, &request)
                && !user.has_lapsed(now)
        })
        .ok_or_else(Problem::code_expired)?;

    // Counted for the token, and for the account whichever token it is tried with: several
    // sign-ups for one address share its mailbox, and together they get no more tries than one.
    let by = TryId::new(now, &*state.random);
    if !state.desk.challenges.bump_token_if(token.id, by).await? {
        return Err(Problem::code_expired());
    }
    // The mail may have been asked for again by another who signed up for this address: the code
    // shows that the mailbox is the caller's, and the ids say which account it is to open.
    let tried = Token {
        line: user.id.to_string(),
        decoy: token.decoy || user.shadow,
        ..token
    };
    state.desk.try_code(&tried, &request.code, now).await?;
    let proof = Proof {
        token: &tried,
        half: Half::Code,
        sign_ups: None,
    };
    let user = state.activate(user, &proof, &caller, now).await?;
    Ok(Verified::at(&user, now))
}

/// Whether token and user are of the address in the request.
fn belong(token: &Token, user: &User, request: &Request) -> bool {
    token.email() == Some(&request.email) && user.email == request.email
}
