//! `PATCH /api/auth/forgot/password` — sets a new password for somebody who has forgotten theirs.
//!
//! First a code and a link go to the address; then either sets the password, once. Whether the
//! address has an account, the first answer, its headers and the work behind it are alike: where
//! it has none, a decoy is kept that no code is right for. Several codes may live at once, so that
//! a stranger who keeps asking does not keep the owner's from working; the first that is used ends
//! all of them, and all sessions.

use axum::extract;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use latchkey_shared::domain::email::EmailAddress;
use latchkey_shared::domain::id::UserId;
use latchkey_shared::domain::password::Password;
use latchkey_shared::domain::password_strength::Context;
use latchkey_shared::domain::token::{Purpose, Target, Token};
use latchkey_shared::domain::user::{Status, User};
use latchkey_shared::http::views::ChallengeView;
use latchkey_shared::http::{Anonymous, Body, Caller, Fields, FromFields, Limit, Problem, steady};
use latchkey_shared::store::profiles::Warrant;
use latchkey_shared::store::tokens::Half;
use latchkey_shared::store::users::Claim;

use crate::State;
use crate::address_change::{Proof, challenged, proof};
use crate::password_change::PasswordChanged;

const PURPOSE: Purpose = Purpose::ResetPassword;

/// Mails to one address.
const LIMITS: [Limit; 2] = [Limit::RESEND, Limit::an_hour(5)];

#[derive(Debug)]
pub(crate) enum Request {
    /// Somebody wants a code and a link.
    Ask { email: EmailAddress },
    /// They have the code.
    ByCode {
        email: EmailAddress,
        password: Password,
        proof: Proof,
    },
    /// They have the link.
    ByLink { password: Password, token: String },
}

impl FromFields for Request {
    fn read(fields: &mut Fields) -> Option<Self> {
        if fields.has("token") {
            let token = fields.required("token");
            let password = fields.new_password("password", &Context::default());
            return Some(Self::ByLink {
                password: password?,
                token: token?,
            });
        }
        fields.discard("token");
        let sets = ["password", "tokenId", "code"]
            .iter()
            .any(|name| fields.has(name));
        let context = Context::default().email(fields.text("email"));
        let email = fields.required("email");
        if !sets {
            for name in ["password", "tokenId", "code"] {
                fields.discard(name);
            }
            return Some(Self::Ask { email: email? });
        }
        let password = fields.new_password("password", &context);
        let proof = match proof(fields) {
            Some(None) => {
                for name in ["tokenId", "code"] {
                    fields.refuse(name, "required", "This field is required.");
                }
                None
            }
            proof => proof.flatten(),
        };
        Some(Self::ByCode {
            email: email?,
            password: password?,
            proof: proof?,
        })
    }
}

pub(crate) async fn handler(
    extract::State(state): extract::State<State>,
    _: Anonymous,
    caller: Caller,
    Body(request): Body<Request>,
) -> Result<Response, Problem> {
    steady(Box::pin(answer(&state, &caller, request))).await
}

async fn answer(state: &State, caller: &Caller, request: Request) -> Result<Response, Problem> {
    match request {
        Request::Ask { email } => return state.ask_reset(&email, caller).await,
        Request::ByCode {
            email,
            password,
            proof,
        } => {
            state
                .reset_by_code(&email, &password, &proof, caller)
                .await?;
        }
        Request::ByLink { password, token } => {
            state.reset_by_link(&token, &password, caller).await?;
        }
    }
    Ok(PasswordChanged::reply().into_response())
}

impl State {
    async fn ask_reset(&self, email: &EmailAddress, caller: &Caller) -> Result<Response, Problem> {
        let now = self.clock.now();
        let line = self.keys.lookup("email", email.key());
        let limits = self
            .limiter
            .count("forgot-password", &line, &LIMITS)
            .await?;

        let holder = self.users.holder(Claim::Email(email), now).await?;
        let id = holder.map_or_else(|| UserId::new(now, &*self.random), |holder| holder.user);
        let user = self.users.get(id).await?;
        let user = user.filter(|user| may_reset(user) && user.email == *email);
        // To the address as its owner gave it, never as somebody else typed it.
        let target = user.as_ref().map_or(email, |user| &user.email).clone();
        let token = self
            .desk
            .issue_to_address(
                PURPOSE,
                user.as_ref(),
                Some(Target::Email(target)),
                line,
                caller,
                now,
            )
            .await?;
        let challenge = ChallengeView::by_email(&token, email);
        Ok(challenged(limits, challenge))
    }

    async fn reset_by_code(
        &self,
        email: &EmailAddress,
        password: &Password,
        proof: &Proof,
        caller: &Caller,
    ) -> Result<(), Problem> {
        let now = self.clock.now();
        let line = self.keys.lookup("email", email.key());
        let token = self
            .desk
            .challenges
            .get(proof.token)
            .await?
            .filter(|token| token.code_is_alive(PURPOSE, now) && token.line == line)
            .ok_or_else(Problem::code_expired)?;
        self.desk.try_code(&token, &proof.code, now).await?;
        self.reset(&token, Half::Code, password, caller, now).await
    }

    /// Sets the password that somebody chose at the other end of the mailed link.
    pub(crate) async fn reset_by_link(
        &self,
        link: &str,
        password: &Password,
        caller: &Caller,
    ) -> Result<(), Problem> {
        let now = self.clock.now();
        let token = self.desk.open_link(link, PURPOSE, now).await?;
        self.reset(&token, Half::Link, password, caller, now).await
    }

    async fn reset(
        &self,
        token: &Token,
        half: Half,
        password: &Password,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<(), Problem> {
        let user = self
            .users
            .get(token.user)
            .await?
            .filter(|user| {
                // Any change since of password or address has ended it.
                user.epoch == token.epoch
                    && may_reset(user)
                    && token.email() == Some(&user.email)
                    && !user.has_lapsed(now)
            })
            .ok_or_else(Problem::code_expired)?;
        let warrant = Warrant::Token(token, half);
        let set = self
            .set_password(&user, password, warrant, None, caller)
            .await;
        self.spare_try(token, half, &set).await;
        set
    }
}

/// Whether a mail to the user's address may set their password. It changes nothing of a status
/// that an admin gave, and a sign-up that nobody verified has its own mails.
fn may_reset(user: &User) -> bool {
    let stands = !matches!(user.status, Status::Pending | Status::Deleted);
    stands && user.email_verified && !user.shadow
}
