//! The one gate of sign-in. Every way to sign in ends here, so that none skips the account's
//! status, the second factor, the limit of sessions or the event.

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::SET_COOKIE;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize};

use crate::access_token::{self, AccessTokens};
use crate::cache::Cache;
use crate::clock::Clock;
use crate::denylist::Denylist;
use crate::domain::event::{Event, EventKind};
use crate::domain::factor::Method;
use crate::domain::id::{SessionId, TokenId};
use crate::domain::invalid::{self, Invalid};
use crate::domain::session::Session;
use crate::domain::token::{Purpose, Token};
use crate::domain::user::{Status, User};
use crate::http::caller::Caller;
use crate::http::cookies::RefreshCookie;
use crate::http::device_cookie::{Device, DeviceCookie};
use crate::http::problem::{Code, Problem};
use crate::http::rate_limit::RateLimits;
use crate::http::reply::Reply;
use crate::http::views::{ChallengeView, SessionView, UserView};
use crate::keys::Keyring;
use crate::plan_book::PlanBook;
use crate::platform::{Platform, StartError};
use crate::random::Random;
use crate::refresh_token::RefreshToken;
use crate::second_factor::SecondFactors;
use crate::store::factors::FactorUse;
use crate::store::lockouts::Attempt;
use crate::store::passkeys;
use crate::store::places::Place;
use crate::store::sessions::{Beside, MAX_ENDED_AT_ONCE, PasswordProof, Sessions, Trust, Write};
use crate::store::transaction::CommitError;
use crate::store::trusted_devices::{TrustedDevice, TrustedDevices};

/// How the refresh token reaches the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Delivery {
    /// In a cookie that scripts can't read: for browsers.
    #[default]
    Cookie,
    /// In the body: for native and server clients.
    Body,
}

impl TryFrom<String> for Delivery {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        match &*text {
            "cookie" => Ok(Self::Cookie),
            "body" => Ok(Self::Body),
            _ => Err(Invalid::new(
                "invalid_choice",
                "Send \"cookie\" or \"body\".",
            )),
        }
    }
}

impl<'de> Deserialize<'de> for Delivery {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        invalid::deserialize(deserializer, "\"cookie\" or \"body\"")
    }
}

/// A user who has shown who they are, and wants in.
#[derive(Debug)]
pub struct Entrant {
    /// The user.
    pub user: User,
    /// Their session rows, dead ones included, as read beside the user.
    pub sessions: Vec<Session>,
    /// How they showed it (RFC 8176).
    pub amr: Vec<String>,
    /// What the store must still say when the session begins.
    pub proof: Option<PasswordProof>,
    /// The try of a password that was counted; a right one ends the count.
    pub attempt: Option<Attempt>,
    /// The passkey that they showed it with, as it stands after that.
    pub passkey: Option<passkeys::Use>,
    /// The second factor that they showed after it.
    pub second: Option<Second>,
    /// What the request says of the browser that it comes from.
    pub device: Device,
    /// Whether it is to be noted that they signed in at this place.
    pub new_place: bool,
    /// How they take their refresh token.
    pub delivery: Delivery,
}

/// A second factor, as the second step of a sign-in showed it.
#[derive(Debug)]
pub struct Second {
    /// The ticket that the first step gave.
    pub ticket: Token,
    /// The code, as it is used up.
    pub used: FactorUse,
    /// Whether this device is to stand in for it for a while.
    pub trust_device: bool,
}

/// The gate.
#[derive(Clone)]
pub struct Gate {
    /// The marks of sessions that end.
    pub denylist: Denylist,
    factors: SecondFactors,
    trusted: TrustedDevices,
    sessions: Sessions,
    tokens: AccessTokens,
    keys: Arc<Keyring>,
    cookie: RefreshCookie,
    device_cookie: DeviceCookie,
    plans: PlanBook,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

/// What a sign-in comes to.
#[derive(Debug)]
pub enum Entry {
    /// A session.
    SignedIn(Box<SignedIn>),
    /// Half of one: a second factor is wanted.
    SecondStep(Box<SecondStep>),
}

/// The answer to a first factor that was right where a second one is wanted: `mfa_required` of the
/// contract.
#[derive(Debug)]
pub struct SecondStep {
    limits: Option<RateLimits>,
    body: StepBody,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct StepBody {
    status: &'static str,
    token: String,
    methods: Vec<Method>,
    expires_at: Timestamp,
    /// The code that is on its way.
    #[serde(skip_serializing_if = "Option::is_none")]
    challenge: Option<ChallengeView>,
}

/// The answer to a sign-in or a refresh: `signedIn` of the contract.
#[derive(Debug)]
pub struct SignedIn {
    body: Body,
    cookie: Option<http::HeaderValue>,
    device_cookie: Option<http::HeaderValue>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    status: &'static str,
    access_token: String,
    token_type: &'static str,
    expires_in: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    session: SessionView,
    user: UserView,
}

impl Gate {
    /// The gate of a deployment.
    pub fn open(
        platform: &Platform,
        sessions: Sessions,
        cache: Arc<dyn Cache>,
        plans: PlanBook,
    ) -> Result<Self, StartError> {
        let client = platform.dynamodb();
        Ok(Self {
            denylist: Denylist::new(cache.clone()),
            factors: SecondFactors::open(platform, cache)?,
            trusted: TrustedDevices::open(&client, &platform.env)?,
            sessions,
            tokens: platform.access_tokens()?,
            keys: platform.keys.clone(),
            cookie: RefreshCookie::open(&platform.env)?,
            device_cookie: DeviceCookie::open(&platform.env, platform.keys.clone())?,
            plans,
            clock: platform.clock.clone(),
            random: platform.random.clone(),
        })
    }

    /// Lets a user in, if the account's status allows it and they have shown a second factor where
    /// the account asks for one: a session begins, and the one least recently used ends where the
    /// plan allows no more.
    pub async fn admit(&self, entrant: Entrant, caller: &Caller) -> Result<Entry, Problem> {
        let user = &entrant.user;
        may_sign_in(user.status)?;
        let now = self.clock.now();
        let owes = !user.mfa.is_empty() && entrant.passkey.is_none() && entrant.second.is_none();
        let trusted = if owes {
            self.trusted_device(&entrant, now).await?
        } else {
            None
        };
        if owes && trusted.is_none() {
            let step = self.hold_for_second(&entrant, caller, now).await?;
            return Ok(Entry::SecondStep(Box::new(step)));
        }
        let device = entrant.device.named(now, &*self.random);
        let given = entrant
            .second
            .as_ref()
            .filter(|second| second.trust_device)
            .map(|_| self.trust(&device, user, caller, now));
        let plan = self.plans.plan_of(user, now).await?;
        let session = Session::begin(
            SessionId::new(now, &*self.random),
            user.id,
            user.epoch,
            entrant.amr.clone(),
            caller.source.clone(),
            now,
        );
        let displaced = displaced(&entrant.sessions, user, plan.max_sessions, now);
        let event = caller.event(
            user.id,
            EventKind::SessionStarted {
                session_id: session.id,
                amr: session.amr.clone(),
                evicted: displaced.clone(),
            },
            now,
            &*self.random,
        );
        let beside = Beside {
            proof: entrant.proof.as_ref(),
            attempt: entrant.attempt.as_ref(),
            passkey: entrant.passkey.as_ref(),
            second: entrant
                .second
                .as_ref()
                .map(|second| (&self.factors.factors, &second.used, &second.ticket)),
            trust: match (&trusted, &given) {
                (_, Some((device, event))) => Some(Trust::Given(device, event)),
                (Some(device), None) => Some(Trust::Used(device)),
                (None, None) => None,
            },
            places: if entrant.new_place {
                Place::all_of(user, &caller.source, &self.keys)
            } else {
                Vec::new()
            },
        };
        self.sessions
            .begin(&session, &displaced, &beside, &event)
            .await
            .map_err(|error| match error {
                CommitError::Refused(writes)
                    if writes.contains(&Write::Factor) || writes.contains(&Write::Token) =>
                {
                    Problem::code_expired()
                }
                // The device is trusted no more; the next try is asked for a second factor.
                CommitError::Refused(writes) if writes.contains(&Write::Trust) => {
                    Problem::changed_meanwhile()
                }
                // The account changed while the password was being checked: its new state rules.
                CommitError::Refused(_) => invalid_credentials(),
                CommitError::Store(error) => error.into(),
            })?;
        self.denylist.deny(user.id, &displaced, None).await;
        let mut answer = self.answer(user, &session, entrant.delivery, now)?;
        answer.device_cookie = (entrant.delivery == Delivery::Cookie)
            .then(|| self.device_cookie.set(&device, user.id, now, &*self.random));
        Ok(Entry::SignedIn(Box::new(answer)))
    }

    /// The second step of a sign-in once more, with a code on its way by this method.
    pub async fn send_code(
        &self,
        user: &User,
        ticket: &Token,
        method: Method,
        caller: &Caller,
    ) -> Result<SecondStep, Problem> {
        may_sign_in(user.status)?;
        let (purpose, session) = (Purpose::SecondFactor, ticket_session(ticket)?);
        let asked = self.factors.ask(user, method, purpose, session, caller);
        let (limits, challenge) = asked.await?;
        let mut step = self.second_step(user, ticket);
        step.limits = Some(limits);
        step.body.challenge = Some(challenge);
        Ok(step)
    }

    /// Gives somebody who has shown one factor a ticket to the second step. Where they have one
    /// factor alone, and its code is sent, it is.
    async fn hold_for_second(
        &self,
        entrant: &Entrant,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<SecondStep, Problem> {
        let user = &entrant.user;
        let id = TokenId::new(now, &*self.random);
        let ticket = Token {
            epoch: user.epoch,
            session: Some(SessionId::new(now, &*self.random)),
            amr: entrant.amr.clone(),
            ..Token::new(id, Purpose::SignIn, user.id, None, now)
        };
        let beside = Beside {
            proof: entrant.proof.as_ref(),
            attempt: entrant.attempt.as_ref(),
            ..Beside::default()
        };
        self.sessions
            .give_ticket(&self.factors.factors, &ticket, &beside, now)
            .await
            .map_err(|error| match error {
                CommitError::Refused(_) => invalid_credentials(),
                CommitError::Store(error) => error.into(),
            })?;
        match &self.factors.offered(user)[..] {
            [only @ (Method::Email | Method::Sms)] => {
                // Where none can be sent now, the ticket is good all the same: one may be on its way
                // already, and there are recovery codes.
                let sent = self.send_code(user, &ticket, *only, caller).await;
                Ok(sent.unwrap_or_else(|_| self.second_step(user, &ticket)))
            }
            _ => Ok(self.second_step(user, &ticket)),
        }
    }

    fn second_step(&self, user: &User, ticket: &Token) -> SecondStep {
        let token = self.keys.link(ticket.id, Purpose::SignIn);
        SecondStep {
            limits: None,
            body: StepBody {
                status: "mfa_required",
                token: token.expose_secret().to_owned(),
                methods: self.factors.offered(user),
                expires_at: ticket.link_expires_at,
                challenge: None,
            },
        }
    }

    /// The device that they come from, if it stands in for their second factor.
    async fn trusted_device(
        &self,
        entrant: &Entrant,
        now: Timestamp,
    ) -> Result<Option<TrustedDevice>, Problem> {
        let user = &entrant.user;
        let Some(known) = self.device_cookie.known(&entrant.device, user.id, now) else {
            return Ok(None);
        };
        let trusted = self.trusted.get(user.id, known.id).await?;
        Ok(trusted.filter(|device| device.is_good(user, now)))
    }

    /// The trust in a device, with the event that tells of it.
    fn trust(
        &self,
        device: &Device,
        user: &User,
        caller: &Caller,
        now: Timestamp,
    ) -> (TrustedDevice, Event) {
        let id = device.id_or_new(now, &*self.random);
        let trusted = TrustedDevice::new(id, user, &caller.source, now);
        let kind = EventKind::DeviceTrusted { device_id: id };
        (trusted, caller.event(user.id, kind, now, &*self.random))
    }

    /// The answer that carries the tokens which are good for a session now.
    pub fn answer(
        &self,
        user: &User,
        session: &Session,
        delivery: Delivery,
        now: Timestamp,
    ) -> Result<SignedIn, Problem> {
        let refresh_token: SecretString = RefreshToken::current(session).seal(&self.keys);
        let (in_body, cookie) = match delivery {
            Delivery::Body => (Some(refresh_token.expose_secret().to_owned()), None),
            Delivery::Cookie => (
                None,
                Some(self.cookie.set(&refresh_token, session.expires_at, now)),
            ),
        };
        Ok(SignedIn {
            body: Body {
                status: "signed_in",
                access_token: self.tokens.issue(user, session, now, &*self.random)?,
                token_type: "Bearer",
                expires_in: access_token::LIFE.as_secs(),
                refresh_token: in_body,
                session: SessionView::seen_from(session.id, session),
                user: UserView::at(user, now),
            },
            cookie,
            device_cookie: None,
        })
    }
}

/// What a code of the second step is bound to.
pub fn ticket_session(ticket: &Token) -> Result<SessionId, Problem> {
    ticket.session.ok_or_else(Problem::code_expired)
}

impl IntoResponse for Entry {
    fn into_response(self) -> Response {
        match self {
            Self::SignedIn(signed_in) => signed_in.into_response(),
            Self::SecondStep(step) => step.into_response(),
        }
    }
}

impl IntoResponse for SecondStep {
    fn into_response(self) -> Response {
        let reply = Reply(StatusCode::OK, self.body);
        match self.limits {
            Some(limits) => (limits, reply).into_response(),
            None => reply.into_response(),
        }
    }
}

impl IntoResponse for SignedIn {
    fn into_response(self) -> Response {
        let mut response = Reply(StatusCode::OK, self.body).into_response();
        for cookie in self.cookie.into_iter().chain(self.device_cookie) {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
        response
    }
}

/// Wrong password or nobody of that name: never said which.
pub fn invalid_credentials() -> Problem {
    Problem::new(
        Code::InvalidCredentials,
        "Check what you typed, or reset the password. A new account must verify its address first.",
    )
}

/// Whether an account in this status may sign in. Said only to who gave the right password.
fn may_sign_in(status: Status) -> Result<(), Problem> {
    let (code, detail) = match status {
        Status::Active => return Ok(()),
        Status::Blocked => (
            Code::AccountBlocked,
            "Wait until the block ends, or ask support.",
        ),
        Status::Paused => (Code::AccountPaused, "Ask support to resume it."),
        Status::Deactivated => (Code::AccountDeactivated, "Ask support to reactivate it."),
        Status::Banned => (Code::AccountBanned, "Ask support if this is a mistake."),
        Status::SecurityIssue => (
            Code::AccountSecurityIssue,
            "Reset the password to show that the account is yours.",
        ),
        // A sign-up for a taken address has no account behind it to be pending: to say that this
        // one is would tell that its address had been free.
        Status::Pending | Status::Deleted => return Err(invalid_credentials()),
    };
    Err(Problem::new(code, detail))
}

/// The sessions that must end so that one more fits: those least recently used.
fn displaced(
    sessions: &[Session],
    user: &User,
    max_sessions: u32,
    now: Timestamp,
) -> Vec<SessionId> {
    let most = usize::try_from(max_sessions).unwrap_or(usize::MAX);
    let mut alive: Vec<&Session> = sessions
        .iter()
        .filter(|session| session.is_alive(now, user.cutoff))
        .collect();
    alive.sort_by_key(|session| session.last_used_at);
    let excess = (alive.len() + 1).saturating_sub(most);
    let excess = excess.min(MAX_ENDED_AT_ONCE);
    alive[..excess].iter().map(|session| session.id).collect()
}
