//! Limits on requests, route by route, counted before any other work is done.
//!
//! One table for all functions: the README shows it, and tests hold it to the routes. Requests of
//! strangers are counted for the network that they come from, requests of users for the user, so
//! that nobody spends what is another's. The cache counts, by GCRA in one atomic step; where it is
//! away each instance counts for itself, at a tenth.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{Extensions, Method};

use super::caller::Caller;
use super::plan_quota::PlanQuota;
use super::problem::Problem;
use super::rate_limit::{Limit, RateLimits};
use crate::access_token::Claims;
use crate::cache::{Cache, CacheError, Key, MemoryCache, Quota, Standing, Verdict, Window};
use crate::clock::Clock;
use crate::domain::id::SessionId;
use crate::domain::network;
use crate::keys::Keyring;
use crate::plan_book::PlanBook;
use crate::telemetry::chain;

/// Whom a route counts for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// The network that the request comes from: an IPv4 address or an IPv6 /64, and the /48 around
    /// it with ten times as many.
    Source,
    /// The same, and the session whose refresh token comes with it, under [`OF_A_SESSION`].
    SourceAndSession,
    /// The user whose access token comes with it.
    User,
    /// The same, and the user's plan counts it too. What somebody does for the safety of their
    /// account, and what admins do, no plan holds up.
    UserByPlan,
}

/// Refreshes of one session, one a second: a client needs one in 15 minutes, and a broken one asks
/// without end.
pub const OF_A_SESSION: Limit = Limit {
    name: "session",
    quota: 300,
    window: Duration::from_mins(5),
};

/// How many requests one subject may make of one route.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// The method.
    pub method: &'static str,
    /// The route's template.
    pub path: &'static str,
    /// For whom they are counted.
    pub subject: Subject,
    /// How many.
    pub quota: u32,
    /// In how many seconds. All of them may come at once; after that they are spaced evenly.
    pub seconds: u64,
}

const fn rule(
    method: &'static str,
    path: &'static str,
    subject: Subject,
    quota: u32,
    seconds: u64,
) -> Rule {
    Rule {
        method,
        path,
        subject,
        quota,
        seconds,
    }
}

const HOUR: u64 = 60 * 60;
const MINUTE: u64 = 60;

use Subject::{Source, SourceAndSession, User, UserByPlan};

/// The limits of every route that does more than hand out what anybody may keep. An office behind
/// one address signs in thirty times in five minutes; who tries passwords would do so in a second.
pub const RULES: &[Rule] = &[
    rule("POST", "/api/auth/sign-up", Source, 20, HOUR),
    rule("POST", "/api/auth/sign-up/email", Source, 20, HOUR),
    rule("POST", "/api/auth/verify/email", Source, 30, 5 * MINUTE),
    rule("GET", "/api/auth/verify/email", Source, 60, MINUTE),
    rule(
        "POST",
        "/api/auth/verify/email/link",
        Source,
        30,
        5 * MINUTE,
    ),
    rule("POST", "/api/auth/resend/verify/email", Source, 20, HOUR),
    rule("POST", "/api/auth/generate-otp", Source, 20, HOUR),
    rule("POST", "/api/auth/verify-otp", Source, 30, 5 * MINUTE),
    rule("POST", "/api/auth/sign-in", Source, 30, 5 * MINUTE),
    rule("POST", "/api/auth/sign-in/email", Source, 30, 5 * MINUTE),
    rule(
        "PATCH",
        "/api/auth/user/refresh",
        SourceAndSession,
        300,
        5 * MINUTE,
    ),
    rule("PATCH", "/api/auth/forgot/password", Source, 20, HOUR),
    rule("GET", "/api/auth/forgot/password", Source, 60, MINUTE),
    rule("POST", "/api/auth/forgot/password/link", Source, 20, HOUR),
    rule("GET", "/api/auth/security/not-me", Source, 60, MINUTE),
    rule("POST", "/api/auth/security/not-me", Source, 20, HOUR),
    rule("POST", "/api/auth/step-up", User, 300, MINUTE),
    rule(
        "POST",
        "/api/auth/step-up/passkey/options",
        User,
        300,
        MINUTE,
    ),
    // A page that offers passkeys as it opens asks for options each time.
    rule(
        "POST",
        "/api/auth/sign-in/passkey/options",
        Source,
        300,
        5 * MINUTE,
    ),
    rule(
        "POST",
        "/api/auth/sign-in/passkey/verify",
        Source,
        30,
        5 * MINUTE,
    ),
    rule(
        "POST",
        "/api/auth/passkeys/register/options",
        User,
        60,
        MINUTE,
    ),
    rule(
        "POST",
        "/api/auth/passkeys/register/verify",
        User,
        60,
        MINUTE,
    ),
    rule("GET", "/api/auth/passkeys", User, 600, MINUTE),
    rule("PATCH", "/api/auth/passkeys/{id}", User, 300, MINUTE),
    rule("DELETE", "/api/auth/passkeys/{id}", User, 300, MINUTE),
    rule("GET", "/api/auth/mfa", User, 600, MINUTE),
    rule("POST", "/api/auth/enable/mfa", User, 60, MINUTE),
    rule("POST", "/api/auth/disable/mfa", User, 60, MINUTE),
    rule("POST", "/api/auth/mfa/recovery-codes", User, 60, MINUTE),
    rule("GET", "/api/auth/trusted-devices", User, 600, MINUTE),
    rule(
        "DELETE",
        "/api/auth/trusted-devices/{id}",
        User,
        300,
        MINUTE,
    ),
    rule("GET", "/api/auth/user/me", UserByPlan, 600, MINUTE),
    rule("POST", "/api/auth/user/me", UserByPlan, 600, MINUTE),
    rule("DELETE", "/api/auth/user/logout", User, 300, MINUTE),
    rule("DELETE", "/api/auth/user/logout-all", User, 300, MINUTE),
    rule("GET", "/api/auth/sessions", User, 600, MINUTE),
    rule("DELETE", "/api/auth/sessions/{id}", User, 300, MINUTE),
    rule("PATCH", "/api/auth/edit/basic", UserByPlan, 300, MINUTE),
    rule("PATCH", "/api/auth/edit/email", User, 300, MINUTE),
    rule("PATCH", "/api/auth/edit/phone", User, 300, MINUTE),
    rule("PATCH", "/api/auth/edit/password", User, 300, MINUTE),
    rule("GET", "/api/auth/preferences", UserByPlan, 600, MINUTE),
    rule("PATCH", "/api/auth/preferences", UserByPlan, 300, MINUTE),
    rule("GET", "/api/auth/user/events", UserByPlan, 600, MINUTE),
    rule("GET", "/api/auth/user/export", User, 60, HOUR),
    rule("DELETE", "/api/auth/user", User, 300, MINUTE),
    rule("PUT", "/api/admin/users/{id}/status", User, 300, MINUTE),
    rule("PUT", "/api/admin/users/{id}/plan", User, 300, MINUTE),
    rule("POST", "/api/admin/users/{id}/unlock", User, 300, MINUTE),
    rule("GET", "/api/admin/plans", User, 300, MINUTE),
    rule("GET", "/api/admin/plans/{id}", User, 300, MINUTE),
    rule("PUT", "/api/admin/plans/{id}", User, 300, MINUTE),
    rule("DELETE", "/api/admin/plans/{id}", User, 300, MINUTE),
];

/// Requests for users that come without a good token, whatever their route.
const REFUSED: Rule = rule("*", "refused", Source, 300, MINUTE);

/// Routes that are one by two names, which have one budget.
const ALIASES: [(&str, &str); 2] = [
    ("/api/auth/sign-in/email", "/api/auth/sign-in"),
    ("/api/auth/sign-up/email", "/api/auth/sign-up"),
];

/// How much more the /48 around an IPv6 /64 may.
const AROUND: u32 = 10;
/// Which part of its quota a caller has at each instance while the cache is away.
const ALONE: u32 = 10;

/// Holds requests to [`RULES`], and those of users to their plans.
#[derive(Clone)]
pub struct RouteLimits {
    cache: Arc<dyn Cache>,
    alone: Arc<MemoryCache>,
    plans: PlanQuota,
    keys: Arc<Keyring>,
    clock: Arc<dyn Clock>,
}

/// What an answer tells of the limits that its request was held to; the edge writes it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Told(Arc<Mutex<Option<RateLimits>>>);

impl Told {
    /// Where the answer to this request tells of its limits.
    pub(crate) fn of(extensions: &mut Extensions) -> Self {
        extensions.get_or_insert_default::<Self>().clone()
    }

    fn tell(&self, limits: RateLimits) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(limits);
    }

    /// What is to be told, once.
    pub(crate) fn take(&self) -> Option<RateLimits> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// One limit that a request is held to.
pub(super) struct Line {
    /// What is told of it.
    pub(super) limit: Limit,
    /// What is counted; nothing for who is told of the limit and not held to it.
    pub(super) key: Option<Key>,
    /// When it comes back.
    pub(super) window: Window,
}

/// What one request is held to.
struct Held(Vec<Line>);

impl Held {
    fn quotas(&self, divided: u32) -> Vec<Quota<'_>> {
        let lines = self.0.iter();
        lines
            .filter_map(|line| {
                Some(Quota {
                    key: line.key.as_ref()?,
                    burst: (line.limit.quota / divided).max(1),
                    window: line.window,
                })
            })
            .collect()
    }

    fn judge(&self, verdicts: &[Verdict]) -> RateLimits {
        let policy: Vec<Limit> = self.0.iter().map(|line| line.limit).collect();
        let mut limits = RateLimits::under(&policy);
        let mut verdicts = verdicts.iter().copied();
        for line in &self.0 {
            let verdict = match line.key {
                Some(_) => verdicts.next(),
                None => Some(untouched(&line.limit)),
            };
            if let Some(verdict) = verdict {
                limits.note_verdict(&line.limit, &verdict);
            }
        }
        limits
    }
}

/// The verdict on who has spent nothing.
fn untouched(limit: &Limit) -> Verdict {
    Verdict {
        admitted: true,
        remaining: limit.quota,
        resets_in: Duration::ZERO,
        retry_in: Duration::ZERO,
    }
}

impl RouteLimits {
    /// Limits that this cache counts, and these plans.
    pub fn new(
        cache: Arc<dyn Cache>,
        plans: PlanBook,
        clock: Arc<dyn Clock>,
        keys: Arc<Keyring>,
    ) -> Self {
        Self {
            cache,
            alone: Arc::new(MemoryCache::new(clock.clone(), Duration::from_mins(1))),
            plans: PlanQuota::new(plans),
            keys,
            clock,
        }
    }

    /// Holds a refresh to the limits of its route: those of its source, and, where it comes with a
    /// token of ours, of the session. What it is told goes into the answer to the request that
    /// `extensions` are of.
    pub async fn hold_refresh(
        &self,
        caller: &Caller,
        session: Option<SessionId>,
        method: &Method,
        extensions: &mut Extensions,
    ) -> Result<(), Problem> {
        let Some(rule) = rule_of(method, extensions) else {
            return Ok(());
        };
        let mut held = self.for_source(rule, caller.source.ip);
        if let Some(session) = session {
            held.0
                .push(self.line(rule, OF_A_SESSION, &session.to_string()));
        }
        Told::of(extensions).tell(self.admit(&held).await?);
        Ok(())
    }

    /// Holds a request that has no good token to what its source may send of such.
    pub(crate) async fn hold_refused(&self, extensions: &mut Extensions) -> Result<(), Problem> {
        let caller = extensions.get::<Caller>();
        let held = self.for_source(&REFUSED, caller.and_then(|caller| caller.source.ip));
        Told::of(extensions).tell(self.admit(&held).await?);
        Ok(())
    }

    async fn admit(&self, held: &Held) -> Result<RateLimits, Problem> {
        let quotas = held.quotas(1);
        let verdicts = if quotas.is_empty() {
            Vec::new()
        } else {
            match self.cache.admit(&quotas).await {
                Ok(verdicts) => verdicts,
                Err(error) => self.alone(held, &error).await,
            }
        };
        held.judge(&verdicts).granted()
    }

    /// The standing of a user's session, and the verdict of the limits that the route holds the
    /// user to, in one round trip. Where the cache is away there is no standing, and this instance
    /// counts alone.
    pub(crate) async fn check(
        &self,
        claims: &Claims,
        method: &Method,
        extensions: &mut Extensions,
    ) -> Result<Option<Standing>, Problem> {
        let (user, session) = (claims.sub.to_string(), claims.sid.to_string());
        let rule = rule_of(method, extensions).filter(|rule| rule.subject.is_user());
        let held = match rule {
            Some(rule) => Some(self.for_user(rule, claims, &user).await),
            None => None,
        };
        let quotas = held.as_ref().map(|held| held.quotas(1)).unwrap_or_default();
        let created = claims.sid.unix_millis();
        let checked = self.cache.check(&user, &session, created, &quotas).await;
        let (standing, verdicts) = match checked {
            Ok((standing, verdicts)) => (Some(standing), verdicts),
            Err(error) => match &held {
                Some(held) => (None, self.alone(held, &error).await),
                None => {
                    tracing::warn!(error = chain(&error), "deny marks unread");
                    (None, Vec::new())
                }
            },
        };
        // Whose session is over is told that, and not to wait.
        let denied = standing.is_some_and(|standing| standing.denies(created));
        if let Some(held) = held.filter(|_| !denied) {
            Told::of(extensions).tell(held.judge(&verdicts).granted()?);
        }
        Ok(standing)
    }

    async fn alone(&self, held: &Held, error: &CacheError) -> Vec<Verdict> {
        tracing::warn!(error = chain(error), "requests are counted here alone");
        let quotas = held.quotas(ALONE);
        self.alone.admit(&quotas).await.unwrap_or_default()
    }

    fn for_source(&self, rule: &Rule, source: Option<IpAddr>) -> Held {
        // Callers whose address nobody reports are one.
        let line = source.map_or_else(|| network::neighbourhood(None), network::line);
        let mut held = Held(vec![self.line(rule, rule.limit("source", 1), &line)]);
        if source.is_some_and(|ip| ip.to_canonical().is_ipv6()) {
            let site = network::neighbourhood(source);
            held.0
                .push(self.line(rule, rule.limit("network", AROUND), &site));
        }
        if source.is_some_and(network::is_this_machine) {
            for line in &mut held.0 {
                line.key = None;
            }
        }
        held
    }

    async fn for_user(&self, rule: &Rule, claims: &Claims, user: &str) -> Held {
        let mut held = Held(vec![self.line(rule, rule.limit("user", 1), user)]);
        if rule.subject == UserByPlan {
            held.0.extend(self.plans.of(claims, self.clock.now()).await);
        }
        held
    }

    /// A limit of a route, counted for this subject.
    fn line(&self, rule: &Rule, limit: Limit, subject: &str) -> Line {
        let subject = self.keys.lookup(limit.name, subject);
        let mut aliases = ALIASES.iter();
        let alias = aliases.find(|(alias, _)| *alias == rule.path);
        let path = alias.map_or(rule.path, |(_, path)| *path);
        Line {
            key: Some(Key::new("route", &[rule.method, path, &subject])),
            window: Window::Rolling(limit.window),
            limit,
        }
    }
}

impl Subject {
    /// Whether requests are counted for users.
    pub fn is_user(self) -> bool {
        matches!(self, User | UserByPlan)
    }
}

impl Rule {
    fn limit(&self, name: &'static str, times: u32) -> Limit {
        Limit {
            name,
            quota: self.quota.saturating_mul(times),
            window: Duration::from_secs(self.seconds),
        }
    }
}

/// The rule of a request's route, by the route's template and never by the path as it came.
fn rule_of(method: &Method, extensions: &Extensions) -> Option<&'static Rule> {
    let path = extensions.get::<MatchedPath>()?.as_str();
    // A GET route answers HEAD too.
    let method = match method.as_str() {
        "HEAD" => "GET",
        method => method,
    };
    RULES
        .iter()
        .find(|rule| rule.method == method && rule.path == path)
}

/// The layer of routers: holds requests of strangers to the limits of their routes.
pub async fn limit(
    State(limits): State<RouteLimits>,
    mut request: Request,
    next: Next,
) -> Response {
    let rule = rule_of(request.method(), request.extensions());
    if let Some(rule) = rule.filter(|rule| rule.subject == Source) {
        let caller = request.extensions().get::<Caller>();
        let held = limits.for_source(rule, caller.and_then(|caller| caller.source.ip));
        match limits.admit(&held).await {
            Ok(held) => Told::of(request.extensions_mut()).tell(held),
            Err(problem) => return problem.into_response(),
        }
    }
    next.run(request).await
}
