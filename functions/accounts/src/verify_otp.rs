//! `POST /api/auth/verify-otp` — verifies an address or number by the newest code that was sent.
//!
//! For anybody who can read the mailbox or the phone. Decoys count wrong codes just as real
//! challenges do, so the answers tell nothing of who has an account.

use axum::extract;
use jiff::Timestamp;
use latchkey_shared::domain::code::SubmittedCode;
use latchkey_shared::domain::event::EventKind;
use latchkey_shared::domain::identifier::Identifier;
use latchkey_shared::domain::token::{Purpose, Target, Token};
use latchkey_shared::domain::user::{Status, User};
use latchkey_shared::http::{Body, Caller, Fields, FromFields, Problem, account_name, steady};
use latchkey_shared::store::profiles::Write;
use latchkey_shared::store::sign_ups::Proof;
use latchkey_shared::store::tokens::Half;
use latchkey_shared::store::transaction::CommitError;

use crate::State;
use crate::generate_otp::answers_to;
use crate::verification::Verified;

#[derive(Debug)]
pub(crate) struct Request {
    name: Identifier,
    otp: SubmittedCode,
}

impl FromFields for Request {
    fn read(fields: &mut Fields) -> Option<Self> {
        let name = account_name(fields, false);
        let otp = fields.required("otp");
        Some(Self {
            name: name?,
            otp: otp?,
        })
    }
}

pub(crate) async fn handler(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Body(request): Body<Request>,
) -> Result<Verified, Problem> {
    steady(Box::pin(answer(&state, &caller, request))).await
}

async fn answer(state: &State, caller: &Caller, request: Request) -> Result<Verified, Problem> {
    let now = state.clock.now();
    let line = state.line(&request.name);
    let token = state
        .desk
        .challenges
        .newest(Purpose::Otp, &line)
        .await?
        .filter(|token| token.code_is_alive(Purpose::Otp, now))
        .ok_or_else(Problem::code_expired)?;
    state.desk.try_code(&token, &request.otp, now).await?;

    let user = state
        .users
        .get(token.user)
        .await?
        .filter(|user| {
            !user.has_lapsed(now) && user.epoch == token.epoch && answers_to(user, &request.name)
        })
        .ok_or_else(Problem::code_expired)?;
    let user = match &token.target {
        Some(Target::Email(_)) if user.status == Status::Pending => {
            state
                .activate_by_otp(user, &request.name, &token, caller, now)
                .await?
        }
        _ => state.note_proof(user, &token, caller, now).await?,
    };
    Ok(Verified::at(&user, now))
}

impl State {
    /// A code to an address says that it is the caller's, but not which of several sign-ups for
    /// it: with more than one, the newest becomes active without the password that came with it.
    async fn activate_by_otp(
        &self,
        user: User,
        name: &Identifier,
        token: &Token,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<User, Problem> {
        let sign_ups = match name {
            Identifier::Email(_) => Some(self.sign_ups_of(&user, now).await?),
            Identifier::Username(_) | Identifier::Phone(_) => None,
        };
        let proof = Proof {
            token,
            half: Half::Code,
            sign_ups,
        };
        self.activate(user, &proof, caller, now).await
    }

    /// Notes that a number is the user's; of an address this is known already.
    async fn note_proof(
        &self,
        mut user: User,
        token: &Token,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<User, Problem> {
        let noted = match &token.target {
            Some(Target::Phone(number)) => {
                let event = caller.event(user.id, EventKind::PhoneVerified, now, &*self.random);
                let noted = self
                    .profiles
                    .verify_phone(&user, number, token, &event, now)
                    .await;
                user.phone_verified = true;
                noted
            }
            Some(Target::Email(_)) | None => {
                let kind = EventKind::EmailVerified {
                    became_admin: false,
                };
                let event = caller.event(user.id, kind, now, &*self.random);
                self.profiles.confirm(token, &event, now).await
            }
        };
        match noted {
            Ok(()) => Ok(user),
            Err(CommitError::<Write>::Refused(_)) => Err(Problem::code_expired()),
            Err(CommitError::Store(error)) => Err(error.into()),
        }
    }
}
