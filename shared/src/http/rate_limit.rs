//! What limited answers tell of their limits (draft-ietf-httpapi-ratelimit-headers).
//!
//! They name quotas and times and never what is counted for, so that they tell nothing of the
//! address or account behind a limit.

use std::convert::Infallible;
use std::time::Duration;

use axum::response::{IntoResponseParts, ResponseParts};
use http::header::HeaderName;
use http::{HeaderMap, HeaderValue};

use super::problem::Problem;
use crate::cache::{Bump, Verdict};
use crate::domain::token::RESEND_AFTER;

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const STATE: HeaderName = HeaderName::from_static("ratelimit");

/// So many of something in a span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// What clients tell it by, in lower case.
    pub name: &'static str,
    /// How many.
    pub quota: u32,
    /// In how long, in whole seconds.
    pub window: Duration,
}

impl Limit {
    /// One message, and the next when clients are told that they may ask again.
    pub const RESEND: Self = Self {
        name: "minute",
        quota: 1,
        window: Duration::from_secs(RESEND_AFTER.as_secs().unsigned_abs()),
    };

    /// So many in an hour.
    pub const fn an_hour(quota: u32) -> Self {
        Self {
            name: "hour",
            quota,
            window: Duration::from_hours(1),
        }
    }
}

/// Where a caller stands with the limits of a route.
#[derive(Debug, Clone, Default)]
pub struct RateLimits {
    policy: Vec<Limit>,
    states: Vec<State>,
}

#[derive(Debug, Clone)]
struct State {
    name: &'static str,
    remaining: u32,
    admitted: bool,
    resets_in: u64,
    retry_in: u64,
}

impl RateLimits {
    /// A caller under these limits, of whom nothing has been counted yet.
    pub fn under(policy: &[Limit]) -> Self {
        Self {
            policy: policy.to_vec(),
            states: Vec::new(),
        }
    }

    /// The same caller, under these limits too. One that is there already stays as it is.
    #[must_use]
    pub fn and_under(mut self, policy: &[Limit]) -> Self {
        for limit in policy {
            if !self.policy.iter().any(|known| known.name == limit.name) {
                self.policy.push(*limit);
            }
        }
        self
    }

    /// Notes what became of counting against one of them.
    pub fn note(&mut self, limit: &Limit, bump: Bump) {
        let resets_in = whole_seconds(bump.resets_in);
        self.states.push(State {
            name: limit.name,
            remaining: limit.quota.saturating_sub(bump.count),
            admitted: bump.admitted,
            resets_in,
            retry_in: resets_in,
        });
    }

    /// Notes what became of holding a request to one of them.
    pub fn note_verdict(&mut self, limit: &Limit, verdict: &Verdict) {
        self.states.push(State {
            name: limit.name,
            remaining: verdict.remaining,
            admitted: verdict.admitted,
            resets_in: whole_seconds(verdict.resets_in),
            retry_in: whole_seconds(verdict.retry_in),
        });
    }

    /// The same, if all of them had room; else the answer that says which had none.
    pub fn granted(self) -> Result<Self, Problem> {
        if self.states.iter().all(|state| state.admitted) {
            Ok(self)
        } else {
            Err(Problem::rate_limited(self))
        }
    }

    /// How many seconds to wait until the limits that refused allow one more; at least one.
    pub(crate) fn wait(&self) -> u64 {
        let refused = self.states.iter().filter(|state| !state.admitted);
        refused
            .map(|state| state.retry_in)
            .max()
            .unwrap_or(1)
            .max(1)
    }

    /// Adds the headers.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        let policy = self.policy.iter().map(|limit| {
            let window = limit.window.as_secs();
            format!("\"{}\";q={};w={window}", limit.name, limit.quota)
        });
        let states = self.states.iter().map(|state| {
            let State {
                name,
                remaining,
                resets_in,
                ..
            } = state;
            format!("\"{name}\";r={remaining};t={resets_in}")
        });
        for (name, items) in [
            (POLICY, policy.collect::<Vec<_>>()),
            (STATE, states.collect()),
        ] {
            // Beside what a handler tells of limits of its own.
            let told = headers.get(&name).and_then(|told| told.to_str().ok());
            let items = told.map(ToOwned::to_owned).into_iter().chain(items);
            let value = items.collect::<Vec<_>>().join(", ");
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
    }
}

impl IntoResponseParts for RateLimits {
    type Error = Infallible;

    fn into_response_parts(self, mut response: ResponseParts) -> Result<ResponseParts, Infallible> {
        self.write(response.headers_mut());
        Ok(response)
    }
}

/// Rounded up, so that who waits this long has waited long enough.
fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: [Limit; 2] = [
        Limit {
            name: "minute",
            quota: 1,
            window: Duration::from_mins(1),
        },
        Limit {
            name: "hour",
            quota: 5,
            window: Duration::from_hours(1),
        },
    ];

    fn bump(admitted: bool, count: u32, millis: u64) -> Bump {
        Bump {
            admitted,
            count,
            resets_in: Duration::from_millis(millis),
        }
    }

    fn header(limits: &RateLimits, name: &HeaderName) -> String {
        let mut headers = HeaderMap::new();
        limits.write(&mut headers);
        headers[name].to_str().unwrap().to_owned()
    }

    #[test]
    fn an_admitted_request_is_told_what_remains() {
        let mut limits = RateLimits::under(&LIMITS);
        limits.note(&LIMITS[0], bump(true, 1, 60_000));
        limits.note(&LIMITS[1], bump(true, 2, 1_800_001));
        assert_eq!(
            header(&limits, &POLICY),
            "\"minute\";q=1;w=60, \"hour\";q=5;w=3600"
        );
        assert_eq!(
            header(&limits, &STATE),
            "\"minute\";r=0;t=60, \"hour\";r=3;t=1801"
        );
    }

    #[test]
    fn limits_of_several_kinds_are_told_as_one_policy() {
        let mut limits = RateLimits::under(&LIMITS[1..]);
        limits.note(&LIMITS[1], bump(true, 2, 1_800_001));
        let mut limits = limits.and_under(&LIMITS);
        limits.note(&LIMITS[0], bump(false, 1, 30_000));
        assert_eq!(
            header(&limits, &POLICY),
            "\"hour\";q=5;w=3600, \"minute\";q=1;w=60"
        );
        assert_eq!(
            header(&limits, &STATE),
            "\"hour\";r=3;t=1801, \"minute\";r=0;t=30"
        );
        assert_eq!(limits.wait(), 30);
    }

    #[test]
    fn a_refused_request_waits_for_the_limit_that_refused() {
        let mut limits = RateLimits::under(&LIMITS);
        limits.note(&LIMITS[0], bump(true, 1, 60_000));
        limits.note(&LIMITS[1], bump(false, 5, 20_500));
        assert_eq!(limits.wait(), 21);
        let mut limits = RateLimits::under(&LIMITS);
        limits.note(&LIMITS[0], bump(false, 1, 0));
        assert_eq!(limits.wait(), 1);
    }
}
