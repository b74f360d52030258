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
use super::problem::Problem;
use super::rate_limit::{Limit, RateLimits};
use crate::access_token::Claims;
use crate::cache::{Cache, CacheError, Key, MemoryCache, Quota, Standing, Verdict};
use crate::clock::Clock;
use crate::keys::Keyring;
use crate::telemetry::chain;

/// Whom a route counts for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// The network that the request comes from: an IPv4 address or an IPv6 /64, and the /48 around
    /// it with ten times as many.
    Source,
    /// The user whose access token comes with it.
    User,
}

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

use Subject::{Source, User};

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
    rule("PATCH", "/api/auth/user/refresh", Source, 300, 5 * MINUTE),
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
    rule("GET", "/api/auth/user/me", User, 600, MINUTE),
    rule("POST", "/api/auth/user/me", User, 600, MINUTE),
    rule("DELETE", "/api/auth/user/logout", User, 300, MINUTE),
    rule("DELETE", "/api/auth/user/logout-all", User, 300, MINUTE),
    rule("GET", "/api/auth/sessions", User, 600, MINUTE),
    rule("DELETE", "/api/auth/sessions/{id}", User, 300, MINUTE),
    rule("PATCH", "/api/auth/edit/basic", User, 300, MINUTE),
    rule("PATCH", "/api/auth/edit/email", User, 300, MINUTE),
    rule("PATCH", "/api/auth/edit/phone", User, 300, MINUTE),
    rule("PATCH", "/api/auth/edit/password", User, 300, MINUTE),
    rule("GET", "/api/auth/preferences", User, 600, MINUTE),
    rule("PATCH", "/api/auth/preferences", User, 300, MINUTE),
    rule("GET", "/api/auth/user/events", User, 600, MINUTE),
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

/// How much more the /48 around an IPv6 /64 may.
const AROUND: u32 = 10;
/// Which part of its quota a caller has at each instance while the cache is away.
const ALONE: u32 = 10;

/// Holds requests to [`RULES`].
#[derive(Clone)]
pub struct RouteLimits {
    cache: Arc<dyn Cache>,
    alone: Arc<MemoryCache>,
    keys: Arc<Keyring>,
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

/// What one request is held to.
struct Held {
    limits: Vec<Limit>,
    keys: Vec<Key>,
}

/// A quota that nothing has been taken from.
fn untouched(limit: &Limit) -> Verdict {
    Verdict {
        admitted: true,
        remaining: limit.quota,
        resets_in: Duration::ZERO,
        retry_in: Duration::ZERO,
    }
}

impl Held {
    fn quotas(&self, divided: u32) -> Vec<Quota<'_>> {
        let all = self.limits.iter().zip(&self.keys);
        all.map(|(limit, key)| Quota {
            key,
            burst: (limit.quota / divided).max(1),
            window: limit.window,
        })
        .collect()
    }

    fn judge(&self, verdicts: &[Verdict]) -> RateLimits {
        let mut limits = RateLimits::under(&self.limits);
        for (limit, verdict) in self.limits.iter().zip(verdicts) {
            limits.note_verdict(limit, verdict);
        }
        limits
    }
}

impl RouteLimits {
    /// Limits that this cache counts.
    pub fn new(cache: Arc<dyn Cache>, clock: Arc<dyn Clock>, keys: Arc<Keyring>) -> Self {
        Self {
            cache,
            alone: Arc::new(MemoryCache::new(clock, Duration::from_mins(1))),
            keys,
        }
    }

    /// Holds a request from this source to the limits of its route.
    async fn hold(&self, rule: &Rule, source: Option<IpAddr>) -> Result<RateLimits, Problem> {
        let source = source.map(|ip| ip.to_canonical());
        let held = self.for_source(rule, source);
        // A developer's own machine is told of the limits, and not held to them. API Gateway never
        // reports a loopback address, so no deployed function knows such a caller.
        if source.is_some_and(|ip| ip.is_loopback()) {
            let verdicts: Vec<Verdict> = held.limits.iter().map(untouched).collect();
            return Ok(held.judge(&verdicts));
        }
        let verdicts = match self.cache.admit(&held.quotas(1)).await {
            Ok(verdicts) => verdicts,
            Err(error) => self.alone(&held, &error).await,
        };
        admitted(held.judge(&verdicts))
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
        let rule = rule_of(method, extensions).filter(|rule| rule.subject == User);
        let (user, session) = (claims.sub.to_string(), claims.sid.to_string());
        let held = rule.map(|rule| self.for_user(rule, &user));
        let quotas = held.as_ref().map(|held| held.quotas(1)).unwrap_or_default();
        let (standing, verdicts) = match self.cache.check(&user, &session, &quotas).await {
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
        let denied = standing.is_some_and(|standing| standing.denies(claims.sid.unix_millis()));
        if let Some(held) = held.filter(|_| !denied) {
            let limits = admitted(held.judge(&verdicts))?;
            Told::of(extensions).tell(limits);
        }
        Ok(standing)
    }

    async fn alone(&self, held: &Held, error: &CacheError) -> Vec<Verdict> {
        tracing::warn!(error = chain(error), "requests are counted here alone");
        let quotas = held.quotas(ALONE);
        self.alone.admit(&quotas).await.unwrap_or_default()
    }

    fn for_source(&self, rule: &Rule, source: Option<IpAddr>) -> Held {
        let networks = match source {
            Some(IpAddr::V6(ip)) => {
                let [a, b, c, d, ..] = ip.segments();
                vec![
                    ("source", format!("{a:x}:{b:x}:{c:x}:{d:x}::/64"), 1),
                    ("network", format!("{a:x}:{b:x}:{c:x}::/48"), AROUND),
                ]
            }
            Some(ip) => vec![("source", ip.to_string(), 1)],
            // Callers whose address nobody reports are one.
            None => vec![("source", "nowhere".to_owned(), 1)],
        };
        let mut held = Held {
            limits: Vec::new(),
            keys: Vec::new(),
        };
        for (name, network, times) in networks {
            held.limits.push(rule.limit(name, times));
            held.keys.push(self.key(rule, name, &network));
        }
        held
    }

    fn for_user(&self, rule: &Rule, user: &str) -> Held {
        Held {
            limits: vec![rule.limit("user", 1)],
            keys: vec![self.key(rule, "user", user)],
        }
    }

    fn key(&self, rule: &Rule, kind: &str, subject: &str) -> Key {
        let subject = self.keys.lookup(kind, subject);
        Key::new("route", &[rule.method, rule.path, &subject])
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

fn admitted(limits: RateLimits) -> Result<RateLimits, Problem> {
    if limits.admitted() {
        Ok(limits)
    } else {
        Err(Problem::rate_limited(limits))
    }
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
        let source = caller.and_then(|caller| caller.source.ip);
        match limits.hold(rule, source).await {
            Ok(held) => Told::of(request.extensions_mut()).tell(held),
            Err(problem) => return problem.into_response(),
        }
    }
    next.run(request).await
}
