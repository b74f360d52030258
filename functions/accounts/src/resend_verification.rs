//! `POST /api/auth/resend/verify/email` — mails a code and a link again.
//!
//! The answer is the same for an address that waits for verification, one that is verified and
//! one that nobody has, and so is the work; the limits count for the address, whoever asks.

use axum::extract;
use http::StatusCode;
use latchkey_shared::domain::email::EmailAddress;
use latchkey_shared::domain::event::EventKind;
use latchkey_shared::domain::id::{TokenId, UserId};
use latchkey_shared::domain::token::{Purpose, Target, Token};
use latchkey_shared::domain::user::{Status, User};
use latchkey_shared::http::views::ChallengeView;
use latchkey_shared::http::{
    Body, Caller, Fields, FromFields, Limit, Problem, RateLimits, Reply, steady,
};
use latchkey_shared::store::users::Claim;

use crate::State;

/// Mails to one address (NIST SP 800-63B asks for a limit; ours is that of the service's other
/// mails).
const LIMITS: [Limit; 2] = [Limit::RESEND, Limit::an_hour(5)];

#[derive(Debug)]
pub(crate) struct Request {
    email: EmailAddress,
}

impl FromFields for Request {
    fn read(fields: &mut Fields) -> Option<Self> {
        let email = fields.required("email");
        Some(Self { email: email? })
    }
}

pub(crate) async fn handler(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Body(request): Body<Request>,
) -> Result<(RateLimits, Reply<ChallengeView>), Problem> {
    steady(Box::pin(answer(&state, &caller, request))).await
}

async fn answer(
    state: &State,
    caller: &Caller,
    request: Request,
) -> Result<(RateLimits, Reply<ChallengeView>), Problem> {
    let now = state.clock.now();
    let address = state.keys.lookup("email", request.email.key());
    let limits = state
        .limiter
        .count("resend-verification", &address, &LIMITS)
        .await?;

    let holder = state
        .users
        .holder(Claim::Email(&request.email), now)
        .await?;
    let nobody = UserId::new(now, &*state.random);
    let holder = holder.map_or(nobody, |holder| holder.user);
    let user = state.users.get(holder).await?.filter(is_waiting);
    let token = Token {
        decoy: user.is_none(),
        resent: true,
        ..Token::new(
            TokenId::new(now, &*state.random),
            Purpose::VerifyEmail,
            user.as_ref().map_or(nobody, |user| user.id),
            // To the address as its owner gave it, never as somebody else typed it.
            Some(Target::Email(
                user.map_or_else(|| request.email.clone(), |user| user.email),
            )),
            now,
        )
    };
    let kind = EventKind::VerificationRequested { token_id: token.id };
    let event = caller.event(holder, kind, now, &*state.random);
    state.desk.challenges.issue(&token, &event, now).await?;
    let challenge = ChallengeView::by_email(&token, &request.email);
    Ok((limits, Reply(StatusCode::ACCEPTED, challenge)))
}

fn is_waiting(user: &User) -> bool {
    user.status == Status::Pending && !user.shadow
}
