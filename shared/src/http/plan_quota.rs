//! What a user's plan allows of requests, period by period.

use std::time::Duration;

use jiff::Timestamp;

use super::rate_limit::Limit;
use super::route_limits::Line;
use crate::access_token::Claims;
use crate::cache::{Key, Window};
use crate::domain::plan::{self, Every, FREE_PLAN};
use crate::plan_book::PlanBook;
use crate::telemetry::chain;

/// The quotas of plans. A token says which plan its user has, and the book what that allows, so that
/// a check of a token asks no store.
#[derive(Clone)]
pub(super) struct PlanQuota {
    plans: PlanBook,
}

impl PlanQuota {
    /// By these plans.
    pub(super) fn new(plans: PlanBook) -> Self {
        Self { plans }
    }

    /// What one more request of this user is held to. A book that was never read allows everything:
    /// tokens are checked while the store is away.
    pub(super) async fn of(&self, claims: &Claims, now: Timestamp) -> Vec<Line> {
        let list = match self.plans.list().await {
            Ok(list) => list,
            Err(error) => {
                tracing::warn!(error = chain(&error), "requests count in no plan");
                return Vec::new();
            }
        };
        let (name, subscription) = claims.plan_at(now);
        let Some(plan) = list.get(name).or_else(|| list.get(FREE_PLAN)) else {
            return Vec::new();
        };
        let subscribed_at = subscription.since.unwrap_or_else(|| claims.sub.made_at());
        let limits = plan.limits_for(&claims.roles);
        plan::windows(&limits, plan.period, subscribed_at, now)
            .iter()
            .map(|window| line(&claims.sub.to_string(), window))
            .collect()
    }
}

/// A period that somebody's requests count in.
fn line(whose: &str, window: &plan::Window) -> Line {
    let start = window.start.as_millisecond().to_string();
    let length = window.end.duration_since(window.start);
    Line {
        limit: Limit {
            name: name_of(window.every),
            quota: window.limit,
            window: Duration::try_from(length).unwrap_or_default(),
        },
        key: Some(Key::new("plan", &[whose, window.every.as_str(), &start])),
        window: Window::Until(window.end),
    }
}

/// What clients tell the limit by.
fn name_of(every: Every) -> &'static str {
    match every {
        Every::Minute => "plan-minute",
        Every::Day => "plan-day",
        Every::Week => "plan-week",
        Every::Month => "plan-month",
        Every::Year => "plan-year",
    }
}
