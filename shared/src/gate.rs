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
use crate::cache::{Cache, DenyMark};
use crate::clock::Clock;
use crate::domain::event::EventKind;
use crate::domain::id::{SessionId, UserId};
use crate::domain::invalid::{self, Invalid};
use crate::domain::session::Session;
use crate::domain::user::{Status, User};
use crate::http::caller::Caller;
use crate::http::cookies::RefreshCookie;
use crate::http::device_cookie::{Device, DeviceCookie};
use crate::http::problem::{Code, Problem};
use crate::http::reply::Reply;
use crate::http::views::{SessionView, UserView};
use crate::keys::Keyring;
use crate::plan_book::PlanBook;
use crate::platform::{Platform, StartError};
use crate::random::Random;
use crate::refresh_token::RefreshToken;
use crate::store::lockouts::Attempt;
use crate::store::places::Place;
use crate::store::sessions::{Beside, MAX_ENDED_AT_ONCE, PasswordProof, Sessions};
use crate::store::transaction::CommitError;

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
    pub amr: &'static [&'static str],
    /// What the store must still say when the session begins.
    pub proof: Option<PasswordProof>,
    /// The try of a password that was counted; a right one ends the count.
    pub attempt: Option<Attempt>,
    /// What the request says of the browser that it comes from.
    pub device: Device,
    /// Whether it is to be noted that they signed in at this place.
    pub new_place: bool,
    /// How they take their refresh token.
    pub delivery: Delivery,
}

/// The gate.
#[derive(Clone)]
pub struct Gate {
    sessions: Sessions,
    tokens: AccessTokens,
    keys: Arc<Keyring>,
    cookie: RefreshCookie,
    device_cookie: DeviceCookie,
    cache: Arc<dyn Cache>,
    plans: PlanBook,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
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
        Ok(Self {
            sessions,
            tokens: platform.access_tokens()?,
            keys: platform.keys.clone(),
            cookie: RefreshCookie::open(&platform.env)?,
            device_cookie: DeviceCookie::open(&platform.env, platform.keys.clone())?,
            cache,
            plans,
            clock: platform.clock.clone(),
            random: platform.random.clone(),
        })
    }

    /// Lets a user in, if the account's status allows it: a session begins, and the one least
    /// recently used ends where the plan allows no more.
    pub async fn admit(&self, entrant: Entrant, caller: &Caller) -> Result<SignedIn, Problem> {
        let user = &entrant.user;
        may_sign_in(user.status)?;
        let now = self.clock.now();
        let plan = self.plans.plan_of(user, now).await?;
        let session = Session::begin(
            SessionId::new(now, &*self.random),
            user.id,
            user.epoch,
            entrant.amr,
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
                // The account changed while the password was being checked: its new state rules.
                CommitError::Refused(_) => invalid_credentials(),
                CommitError::Store(error) => error.into(),
            })?;
        self.deny(user.id, &displaced, None).await;
        let mut answer = self.answer(user, &session, entrant.delivery, now)?;
        answer.device_cookie = (entrant.delivery == Delivery::Cookie).then(|| {
            self.device_cookie
                .set(&entrant.device, user.id, now, &*self.random)
        });
        Ok(answer)
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

    /// Marks ended sessions in the cache, so that their access tokens end too: those that are
    /// listed, and with `all_until` every one that began by then. Where the cache is away the marks
    /// are left to `courier`, which reads the same from the event.
    pub async fn deny(&self, user: UserId, sessions: &[SessionId], all_until: Option<Timestamp>) {
        let marks = deny_marks(user, sessions, all_until);
        if marks.is_empty() {
            return;
        }
        if let Err(error) = self.cache.deny(&marks).await {
            tracing::warn!(user.id = %user, %error, "deny marks left to the event stream");
        }
    }
}

/// The marks of ended sessions.
pub fn deny_marks(
    user: UserId,
    sessions: &[SessionId],
    all_until: Option<Timestamp>,
) -> Vec<DenyMark> {
    let listed = sessions.iter().map(|session| DenyMark::Session {
        id: session.to_string(),
    });
    // The moment is the version too: a later end of all sessions goes further.
    let all = all_until
        .map(Timestamp::as_millisecond)
        .map(|until| DenyMark::User {
            id: user.to_string(),
            before: until,
            version: until.unsigned_abs(),
        });
    listed.chain(all).collect()
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
