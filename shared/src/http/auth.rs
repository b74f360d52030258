//! Who is signed in: the check of an access token on every request (flow A).

use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use axum::extract::{FromRef, FromRequestParts};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;
use jiff::{SignedDuration, Timestamp};

use super::problem::{Code, Problem};
use super::route_limits::RouteLimits;
use crate::access_token::{AccessTokens, Claims};
use crate::cache::Cache;
use crate::clock::Clock;
use crate::domain::session::Session;
use crate::domain::user::{Status, User};
use crate::env::{Env, EnvError};
use crate::plan_book::PlanBook;
use crate::platform::{Platform, StartError};
use crate::store::sessions::Sessions;

/// Checks access tokens: signature and claims, then one read of the deny marks. Where the cache
/// can't tell, the truth is read from DynamoDB; where that can't either, the answer is 503.
#[derive(Clone)]
pub struct Authority {
    tokens: AccessTokens,
    limits: RouteLimits,
    sessions: Sessions,
    /// Whether admins have to have shown two factors.
    admin_mfa: bool,
    clock: Arc<dyn Clock>,
}

/// A caller with a good access token.
#[derive(Debug, Clone)]
pub struct Authenticated {
    /// What the token says.
    pub claims: Claims,
    /// The user and session as DynamoDB has them, where the check had to read them.
    pub loaded: Option<(User, Session)>,
}

/// A caller who proved who they are a short time ago: for what a stolen session must not do.
#[derive(Debug, Clone)]
pub struct Fresh(pub Authenticated);

/// How long a proof is fresh. Refreshing never makes it so again.
const FRESHNESS: SignedDuration = SignedDuration::from_mins(10);

impl Fresh {
    /// This caller, if their proof is fresh at `now`.
    pub fn check(caller: Authenticated, now: Timestamp) -> Result<Self, Problem> {
        if now.as_second() - caller.claims.auth_time > FRESHNESS.as_secs() {
            return Err(Problem::new(
                Code::StepUpRequired,
                "Confirm that it is you with POST /api/auth/step-up, then send this again.",
            ));
        }
        Ok(Self(caller))
    }
}

/// A caller without a good access token, on routes that are for those.
#[derive(Debug, Clone, Copy)]
pub struct Anonymous;

/// Why a token is not good.
enum Refusal {
    Absent,
    Bad,
    Failed(Problem),
}

impl Authority {
    /// The authority of a deployment.
    pub fn open(
        platform: &Platform,
        client: &Client,
        cache: Arc<dyn Cache>,
        plans: PlanBook,
    ) -> Result<Self, StartError> {
        let (clock, keys) = (platform.clock.clone(), platform.keys.clone());
        Ok(Self {
            tokens: platform.access_tokens()?,
            limits: RouteLimits::new(cache, plans, clock, keys),
            sessions: Sessions::open(client, &platform.env)?,
            admin_mfa: admin_mfa(&platform.env)?,
            clock: platform.clock.clone(),
        })
    }

    /// The user and session behind a good token: as the check read them, or read now.
    pub async fn load(&self, caller: Authenticated) -> Result<(User, Session), Problem> {
        match caller.loaded {
            Some(loaded) => Ok(loaded),
            None => self
                .alive(&caller.claims)
                .await?
                .ok_or_else(|| Problem::unauthenticated(true)),
        }
    }

    /// The user and session behind a fresh proof, for what changes how one signs in. Where sign-in
    /// asks for a second factor, one was shown in this session: a session from before, and one on a
    /// trusted device, stand for a password alone, which must not be enough to add a factor, or to take the account over or away.
    pub async fn load_proven(&self, caller: Fresh) -> Result<(User, Session), Problem> {
        let (user, session) = self.load(caller.0).await?;
        check_proven(&user, &session)?;
        Ok((user, session))
    }

    /// Whether a session is one that admins may act from: with `ADMIN_MFA=required`, the default, one
    /// in which two factors were shown.
    pub(super) fn check_admin(&self, user: &User, session: &Session) -> Result<(), Problem> {
        // Who has switched their factors off since has none, whatever the session showed.
        let by_passkey = session.amr.iter().any(|method| method == "pop");
        let has_factor = !user.mfa.is_empty() || by_passkey;
        if !self.admin_mfa || (session.is_multi_factor() && has_factor) {
            return Ok(());
        }
        if user.mfa.is_empty() {
            return Err(Problem::new(
                Code::Forbidden,
                "Set up a second factor or a passkey, and sign in with it.",
            ));
        }
        Err(second_factor_wanted())
    }

    /// The limits of routes, for the layer of a router.
    pub fn limits(&self) -> RouteLimits {
        self.limits.clone()
    }

    async fn check(&self, parts: &mut Parts) -> Result<Authenticated, Refusal> {
        let token = bearer(&parts.headers)?;
        let claims = self
            .tokens
            .verify(token, self.clock.now())
            .map_err(|_| Refusal::Bad)?;
        let standing = self
            .limits
            .check(&claims, &parts.method, &mut parts.extensions)
            .await
            .map_err(Refusal::Failed)?;
        let trusted = match standing {
            Some(standing) => {
                if standing.denies(claims.sid.unix_millis()) {
                    return Err(Refusal::Bad);
                }
                standing.trusted
            }
            None => false,
        };
        let loaded = if trusted {
            None
        } else {
            let alive = self.alive(&claims).await.map_err(Refusal::Failed)?;
            Some(alive.ok_or(Refusal::Bad)?)
        };
        Ok(Authenticated { claims, loaded })
    }

    async fn alive(&self, claims: &Claims) -> Result<Option<(User, Session)>, Problem> {
        let (user, session) = self.sessions.with_user(claims.sub, claims.sid).await?;
        let now = self.clock.now();
        Ok(user.zip(session).filter(|(user, session)| {
            user.status == Status::Active && session.is_alive(now, user.cutoff)
        }))
    }
}

/// Refuses a session in which a password alone was shown, where sign-in asks for more.
pub fn check_proven(user: &User, session: &Session) -> Result<(), Problem> {
    if user.mfa.is_empty() || session.is_multi_factor() {
        return Ok(());
    }
    Err(second_factor_wanted())
}

fn second_factor_wanted() -> Problem {
    Problem::new(
        Code::StepUpRequired,
        "Show a second factor with POST /api/auth/step-up, then send this again.",
    )
}

fn admin_mfa(env: &Env) -> Result<bool, EnvError> {
    match env.optional("ADMIN_MFA") {
        None | Some("required") => Ok(true),
        Some("optional") => Ok(false),
        Some(_) => Err(EnvError::Invalid("ADMIN_MFA".to_owned())),
    }
}

/// The one bearer token of a request (RFC 6750 section 2.1; never from a query or a form).
fn bearer(headers: &HeaderMap) -> Result<&str, Refusal> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next().ok_or(Refusal::Absent)?;
    if values.next().is_some() {
        return Err(Refusal::Bad);
    }
    let (scheme, token) = value
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .ok_or(Refusal::Bad)?;
    if scheme.eq_ignore_ascii_case("bearer") {
        Ok(token.trim())
    } else {
        Err(Refusal::Bad)
    }
}

impl<S> FromRequestParts<S> for Authenticated
where
    S: Send + Sync,
    Authority: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let authority = Authority::from_ref(state);
        let refusal = match authority.check(parts).await {
            Ok(caller) => return Ok(caller),
            Err(Refusal::Failed(problem)) => return Err(problem),
            Err(refusal) => refusal,
        };
        // Nobody is there to count them for but who sends them.
        authority.limits.hold_refused(&mut parts.extensions).await?;
        Err(Problem::unauthenticated(matches!(refusal, Refusal::Bad)))
    }
}

impl<S> FromRequestParts<S> for Fresh
where
    S: Send + Sync,
    Authority: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let caller = Authenticated::from_request_parts(parts, state).await?;
        Self::check(caller, Authority::from_ref(state).clock.now())
    }
}

impl<S> FromRequestParts<S> for Anonymous
where
    S: Send + Sync,
    Authority: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Authority::from_ref(state).check(parts).await {
            Ok(_) => Err(Problem::new(
                Code::AlreadySignedIn,
                "Sign out first, or leave the Authorization header away.",
            )),
            Err(Refusal::Absent | Refusal::Bad) => Ok(Self),
            Err(Refusal::Failed(problem)) => Err(problem),
        }
    }
}
