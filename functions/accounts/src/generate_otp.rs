//! `POST /api/auth/generate-otp` — sends a code that shows whose an address or number is.
//!
//! For anybody. Whether somebody has the address, the answer, its headers and the work behind it
//! are alike: where nobody does, a decoy is kept that no code is right for, and nothing is sent.

use std::time::Duration;

use axum::extract;
use http::StatusCode;
use latchkey_shared::domain::id::UserId;
use latchkey_shared::domain::identifier::Identifier;
use latchkey_shared::domain::token::{Purpose, Target};
use latchkey_shared::domain::user::{Status, User};
use latchkey_shared::domain::username::Username;
use latchkey_shared::http::views::ChallengeView;
use latchkey_shared::http::{
    Body, Caller, Fields, FromFields, Limit, Problem, RateLimits, Reply, account_name, steady,
};
use latchkey_shared::store::users::Claim;

use crate::State;

/// Codes to one address, counted across resends.
const LIMITS: [Limit; 2] = [Limit::RESEND, Limit::an_hour(3)];

/// Codes to one mailbox, whatever names are given. A minute less than the hour that answers tell, so
/// that who waited for that is not left without a mail here.
const MAILBOX: Limit = Limit {
    name: "mailbox",
    quota: 3,
    window: Duration::from_mins(59),
};

#[derive(Debug)]
pub(crate) struct Request {
    name: Identifier,
}

impl FromFields for Request {
    fn read(fields: &mut Fields) -> Option<Self> {
        let name = account_name(fields, false);
        Some(Self { name: name? })
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
    let line = state.line(&request.name);
    if let Identifier::Phone(number) = &request.name {
        state.sms_limits.check_country(number)?;
    }
    let mut limits = state.limiter.count("otp", &line, &LIMITS).await?;
    if let Identifier::Phone(number) = &request.name {
        limits = state
            .sms_limits
            .admit(limits, number, caller.source.ip)
            .await?;
    }

    let holder = state.users.holder(Claim::from(&request.name), now).await?;
    let id = holder.map_or_else(|| UserId::new(now, &*state.random), |holder| holder.user);
    let user = state.users.get(id).await?;
    // A number that several accounts name, and none has shown to be theirs, may be anybody's: who
    // it belongs to signs in and verifies it as their own.
    let contested = holder.is_some_and(|holder| holder.unproven && holder.sign_ups > 1);
    let sent = state.may_be_sent(&request.name, user.as_ref()).await?;
    let user = user.filter(|user| {
        !user.has_lapsed(now) && answers_to(user, &request.name) && !contested && sent
    });
    let token = state
        .desk
        .issue_to_address(
            Purpose::Otp,
            user.as_ref(),
            target(&request.name, user.as_ref()),
            line,
            caller,
            now,
        )
        .await?;
    let challenge = match &request.name {
        Identifier::Email(email) => ChallengeView::by_email(&token, email),
        Identifier::Phone(number) => ChallengeView::by_sms(&token, number),
        Identifier::Username(_) => ChallengeView::by_hidden_email(&token),
    };
    Ok((limits, Reply(StatusCode::ACCEPTED, challenge)))
}

/// Whether the user is who goes by this name, and somebody to send a code to.
pub(crate) fn answers_to(user: &User, name: &Identifier) -> bool {
    let stands = user.status != Status::Deleted && !user.shadow;
    let named = match name {
        Identifier::Email(email) => user.email == *email,
        Identifier::Username(username) => {
            let key = user.username.as_ref().map(Username::key);
            key == Some(username.key())
        }
        Identifier::Phone(number) => user.holds_phone && user.phone_number.as_ref() == Some(number),
    };
    stands && named
}

/// Where the code goes: to the address or number as its owner gave it, never as somebody else
/// typed it.
fn target(name: &Identifier, user: Option<&User>) -> Option<Target> {
    match (name, user) {
        (Identifier::Phone(number), _) => Some(Target::Phone(number.clone())),
        (_, Some(user)) => Some(Target::Email(user.email.clone())),
        (Identifier::Email(email), None) => Some(Target::Email(email.clone())),
        (Identifier::Username(_), None) => None,
    }
}

impl State {
    /// Whether a mailbox may have one more code, by whatever name it is asked for. That is counted
    /// apart from the limits that the answer tells: by those, who knows a username could find out
    /// whose address is behind it. Nobody's is counted too.
    async fn may_be_sent(&self, name: &Identifier, user: Option<&User>) -> Result<bool, Problem> {
        let mailbox = match (name, user) {
            (Identifier::Phone(_), _) => return Ok(true),
            (_, Some(user)) => self.keys.lookup("email", user.email.key()),
            (Identifier::Email(email), None) => self.keys.lookup("email", email.key()),
            (Identifier::Username(username), None) => self.keys.lookup("nobody", username.key()),
        };
        self.limiter.admits("otp", &mailbox, &MAILBOX).await
    }

    /// For whom tries of codes are counted: the name as it was given, so that nobody learns from
    /// the count which names are one account's, or anybody's.
    pub(crate) fn line(&self, name: &Identifier) -> String {
        let kind = match name {
            Identifier::Email(_) => "email",
            Identifier::Username(_) => "username",
            Identifier::Phone(_) => "phone",
        };
        self.keys.lookup(kind, name.key())
    }
}
