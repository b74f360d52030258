//! Plans: how many sessions and requests a user has, and the periods that requests are counted in.

use std::collections::BTreeMap;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde::{Deserialize, Deserializer, Serialize};

use super::invalid::{self, Invalid};
use super::role::RoleName;

/// The plan that every user starts with, and falls back to.
pub const FREE_PLAN: &str = "free";

/// The most sessions that a plan can allow: more than 90 could not be ended in one transaction.
pub const MOST_SESSIONS: u32 = 90;

/// How many requests a plan allows in which spans; a span that is not here has no limit.
pub type Limits = BTreeMap<Every, u32>;

/// Sessions at once on the free plan: the 20 that ASVS 7.1.2 asks to be stated, enough for every
/// device of one person.
const FREE_SESSIONS: u32 = 20;

/// The name of a plan in rows, tokens and paths: 1 to 32 of `a-z`, `0-9`, `_` and `-`, beginning
/// with a letter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct PlanId(String);

impl PlanId {
    /// The plan that every user starts with.
    pub fn free() -> Self {
        Self(FREE_PLAN.to_owned())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the plan is always there.
    pub fn is_built_in(&self) -> bool {
        is_built_in(&self.0)
    }
}

/// Whether the plan of this name is always there.
pub fn is_built_in(id: &str) -> bool {
    ["free", "pro", "unlimited"].contains(&id)
}

/// Whether it is a name of 1 to 32 of `a-z`, `0-9`, `_` and `-`, beginning with a letter.
pub(super) fn is_plain_name(text: &str) -> bool {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c);
    let begins = text.starts_with(|c: char| c.is_ascii_lowercase());
    begins && text.len() <= 32 && text.chars().all(good)
}

impl TryFrom<String> for PlanId {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        if is_plain_name(&text) {
            return Ok(Self(text));
        }
        Err(Invalid::new(
            "invalid_id",
            "A plan's name has 1 to 32 of a-z, 0-9, _ and -, and begins with a letter.",
        ))
    }
}

impl std::str::FromStr for PlanId {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        text.to_owned().try_into()
    }
}

impl<'de> Deserialize<'de> for PlanId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        invalid::deserialize(deserializer, "a plan's name as a string")
    }
}

/// What a user of a plan may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// Its name in rows and paths.
    pub id: PlanId,
    /// Its name for people.
    pub name: String,
    /// How many requests its users may make.
    pub limits: Limits,
    /// What holds instead for those who have a role, by its name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub role_limits: BTreeMap<RoleName, Limits>,
    /// When spans begin.
    pub period: Period,
    /// How many sessions a user may hold at once. One more ends the least recently used.
    pub max_sessions: u32,
}

/// A span of time that requests are counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Every {
    /// 60 seconds.
    Minute,
    /// 24 hours.
    Day,
    /// 7 days; in the calendar from Monday on (ISO 8601).
    Week,
    /// A month of the calendar's length.
    Month,
    /// 12 months.
    Year,
}

impl Every {
    /// All of them, the shortest first.
    pub const ALL: [Self; 5] = [Self::Minute, Self::Day, Self::Week, Self::Month, Self::Year];

    /// The name in plans, headers and counters.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Year => "year",
        }
    }
}

/// When the spans of a plan begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// With the calendar's, in UTC.
    Calendar,
    /// With the user's subscription: the moment that they got the plan.
    Subscription,
}

impl TryFrom<String> for Period {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        match &*text {
            "calendar" => Ok(Self::Calendar),
            "subscription" => Ok(Self::Subscription),
            _ => Err(Invalid::new(
                "invalid_choice",
                "Send \"calendar\" or \"subscription\".",
            )),
        }
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        invalid::deserialize(deserializer, "\"calendar\" or \"subscription\"")
    }
}

impl Plan {
    /// The plans that are always there, as they are until somebody changes them.
    pub fn built_in() -> Vec<Self> {
        let plan = |id: &str, name: &str, limits: &[(Every, u32)], period, max_sessions| Self {
            id: PlanId(id.to_owned()),
            name: name.to_owned(),
            limits: limits.iter().copied().collect(),
            role_limits: BTreeMap::new(),
            period,
            max_sessions,
        };
        vec![
            plan(
                FREE_PLAN,
                "Free",
                &[
                    (Every::Minute, 300),
                    (Every::Day, 10_000),
                    (Every::Month, 100_000),
                ],
                Period::Calendar,
                FREE_SESSIONS,
            ),
            plan(
                "pro",
                "Pro",
                &[(Every::Minute, 3_000), (Every::Month, 1_000_000)],
                Period::Subscription,
                50,
            ),
            plan(
                "unlimited",
                "Unlimited",
                &[],
                Period::Calendar,
                MOST_SESSIONS,
            ),
        ]
    }

    /// The limits of somebody with these roles: the plan's own, or those of the roles that it names.
    /// Of several the most generous counts in each span.
    pub fn limits_for(&self, roles: &[String]) -> Limits {
        let named = roles
            .iter()
            .filter_map(|role| self.role_limits.get(role.as_str()));
        named
            .cloned()
            .reduce(|one, other| {
                let both = one.into_iter().filter_map(|(every, limit)| {
                    let other = other.get(&every)?;
                    Some((every, limit.max(*other)))
                });
                both.collect()
            })
            .unwrap_or_else(|| self.limits.clone())
    }
}

/// A user's hold on their plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Subscription {
    /// Since when; none for the plan that they began with.
    pub since: Option<Timestamp>,
    /// Until when. From then on they are on [`FREE_PLAN`].
    pub until: Option<Timestamp>,
}

impl Subscription {
    /// Whether the plan is theirs no more at `now`.
    pub fn has_ended(self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| until <= now)
    }

    /// The hold on the plan that they have at `now`: this one, or that on [`FREE_PLAN`] since it
    /// ended.
    pub fn at(self, now: Timestamp) -> Self {
        if self.has_ended(now) {
            Self {
                since: self.until,
                until: None,
            }
        } else {
            self
        }
    }
}

/// A span that holds the present, and how many requests it allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Which span.
    pub every: Every,
    /// How many requests.
    pub limit: u32,
    /// Its first moment.
    pub start: Timestamp,
    /// The first moment after it.
    pub end: Timestamp,
}

/// The spans of these limits that hold `now`, the shortest first; `subscribed_at` is when the user
/// got the plan.
pub fn windows(
    limits: &Limits,
    period: Period,
    subscribed_at: Timestamp,
    now: Timestamp,
) -> Vec<Window> {
    let window = |(every, limit): (&Every, &u32)| {
        let anchor = match period {
            Period::Calendar => calendar_anchor(*every),
            Period::Subscription => subscribed_at,
        };
        let (start, end) = around(*every, anchor, now);
        Window {
            every: *every,
            limit: *limit,
            start,
            end,
        }
    };
    limits.iter().map(window).collect()
}

/// A moment at which a span of the calendar begins.
fn calendar_anchor(every: Every) -> Timestamp {
    match every {
        // 1970 began on a Thursday; four days later was a Monday.
        Every::Week => Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_hours(4 * 24),
        _ => Timestamp::UNIX_EPOCH,
    }
}

/// The span around `now`, counted from `anchor`: each is reckoned from the anchor itself, so that
/// a month which has no 31st moves no later one.
fn around(every: Every, anchor: Timestamp, now: Timestamp) -> (Timestamp, Timestamp) {
    let seconds = match every {
        Every::Minute => 60,
        Every::Day => 24 * 60 * 60,
        Every::Week => 7 * 24 * 60 * 60,
        Every::Month => return by_months(1, anchor, now),
        Every::Year => return by_months(12, anchor, now),
    };
    let length = seconds * 1000;
    let (anchor, now) = (anchor.as_millisecond(), now.as_millisecond());
    let start = anchor + (now - anchor).div_euclid(length) * length;
    (moment(start), moment(start + length))
}

fn moment(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX)
}

fn by_months(step: i64, anchor: Timestamp, now: Timestamp) -> (Timestamp, Timestamp) {
    let (from, to) = (civil(anchor), civil(now));
    let months = i64::from(to.year() - from.year()) * 12 + i64::from(to.month() - from.month());
    let mut n = months.div_euclid(step);
    if after_months(from, n * step) > to {
        n -= 1;
    }
    let at = |n: i64| {
        let at = after_months(from, n * step);
        at.to_zoned(TimeZone::UTC)
            .map_or(Timestamp::MAX, |zoned| zoned.timestamp())
    };
    (at(n), at(n + 1))
}

fn civil(at: Timestamp) -> DateTime {
    at.to_zoned(TimeZone::UTC).datetime()
}

fn after_months(from: DateTime, months: i64) -> DateTime {
    from.saturating_add(Span::new().months(months))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn plan(period: Period) -> Plan {
        Plan {
            id: PlanId::free(),
            name: "All".to_owned(),
            limits: Every::ALL.into_iter().zip(1..).collect(),
            role_limits: BTreeMap::new(),
            period,
            max_sessions: 1,
        }
    }

    fn periods(plan: &Plan, since: Timestamp, now: Timestamp) -> Vec<Window> {
        windows(&plan.limits, plan.period, since, now)
    }

    fn window(period: Period, every: Every, since: &str, now: &str) -> (String, String) {
        let windows = periods(&plan(period), at(since), at(now));
        let found = windows.iter().find(|window| window.every == every);
        let found = found.unwrap();
        (found.start.to_string(), found.end.to_string())
    }

    #[test]
    fn the_calendar_is_that_of_utc_and_weeks_begin_on_monday() {
        let since = "2026-03-03T03:03:03Z";
        for (every, now, start, end) in [
            (
                Every::Minute,
                "2026-11-21T16:00:59.999Z",
                "2026-11-21T16:00:00Z",
                "2026-11-21T16:01:00Z",
            ),
            (
                Every::Day,
                "2026-11-21T16:00:00Z",
                "2026-11-21T00:00:00Z",
                "2026-11-22T00:00:00Z",
            ),
            (
                Every::Week,
                "2026-11-22T23:59:59Z",
                "2026-11-16T00:00:00Z",
                "2026-11-23T00:00:00Z",
            ),
            (
                Every::Week,
                "2026-11-23T00:00:00Z",
                "2026-11-23T00:00:00Z",
                "2026-11-30T00:00:00Z",
            ),
            // The first week of 2027 begins on 4 January; 1 January is in the last of 2026.
            (
                Every::Week,
                "2027-01-01T00:00:00Z",
                "2026-12-28T00:00:00Z",
                "2027-01-04T00:00:00Z",
            ),
            (
                Every::Month,
                "2028-02-29T12:00:00Z",
                "2028-02-01T00:00:00Z",
                "2028-03-01T00:00:00Z",
            ),
            (
                Every::Year,
                "2026-12-31T23:59:59Z",
                "2026-01-01T00:00:00Z",
                "2027-01-01T00:00:00Z",
            ),
        ] {
            let found = window(Period::Calendar, every, since, now);
            assert_eq!(found, (start.to_owned(), end.to_owned()), "{every:?} {now}");
        }
    }

    #[test]
    fn months_of_a_subscription_hold_to_its_day() {
        let since = "2026-01-31T10:00:00Z";
        for (now, start, end) in [
            (
                "2026-01-31T10:00:00Z",
                "2026-01-31T10:00:00Z",
                "2026-02-28T10:00:00Z",
            ),
            (
                "2026-02-28T09:59:59Z",
                "2026-01-31T10:00:00Z",
                "2026-02-28T10:00:00Z",
            ),
            (
                "2026-02-28T10:00:00Z",
                "2026-02-28T10:00:00Z",
                "2026-03-31T10:00:00Z",
            ),
            (
                "2026-03-30T00:00:00Z",
                "2026-02-28T10:00:00Z",
                "2026-03-31T10:00:00Z",
            ),
            (
                "2026-04-30T10:00:00Z",
                "2026-04-30T10:00:00Z",
                "2026-05-31T10:00:00Z",
            ),
            (
                "2028-02-29T11:00:00Z",
                "2028-02-29T10:00:00Z",
                "2028-03-31T10:00:00Z",
            ),
        ] {
            let found = window(Period::Subscription, Every::Month, since, now);
            assert_eq!(found, (start.to_owned(), end.to_owned()), "{now}");
        }
        let leap = "2024-02-29T00:00:00Z";
        for (now, start, end) in [
            (
                "2025-02-28T00:00:00Z",
                "2025-02-28T00:00:00Z",
                "2026-02-28T00:00:00Z",
            ),
            (
                "2028-02-28T23:00:00Z",
                "2027-02-28T00:00:00Z",
                "2028-02-29T00:00:00Z",
            ),
        ] {
            let found = window(Period::Subscription, Every::Year, leap, now);
            assert_eq!(found, (start.to_owned(), end.to_owned()), "{now}");
        }
    }

    #[test]
    fn a_plan_without_limits_counts_in_nothing() {
        let unlimited = Plan {
            limits: BTreeMap::new(),
            ..plan(Period::Calendar)
        };
        assert_eq!(
            periods(
                &unlimited,
                Timestamp::UNIX_EPOCH,
                at("2026-11-21T00:00:00Z")
            ),
            []
        );
    }

    #[test]
    fn a_role_that_the_plan_names_has_limits_of_its_own() {
        let limits = |pairs: &[(Every, u32)]| pairs.iter().copied().collect::<Limits>();
        let roles = |names: &[&str]| {
            names
                .iter()
                .map(|&name| name.to_owned())
                .collect::<Vec<_>>()
        };
        let role = |name: &str| RoleName::try_from(name.to_owned()).unwrap();
        let staff = limits(&[(Every::Minute, 50), (Every::Day, 100)]);
        let plan = Plan {
            limits: limits(&[(Every::Minute, 5)]),
            role_limits: BTreeMap::from([
                (role("staff"), staff.clone()),
                (role("robot"), limits(&[(Every::Minute, 90)])),
                (role("owner"), Limits::new()),
            ]),
            ..plan(Period::Calendar)
        };
        assert_eq!(plan.limits_for(&roles(&["user"])), plan.limits);
        assert_eq!(plan.limits_for(&roles(&["user", "staff"])), staff);
        let both = plan.limits_for(&roles(&["staff", "robot"]));
        assert_eq!(both, limits(&[(Every::Minute, 90)]));
        assert_eq!(plan.limits_for(&roles(&["staff", "owner"])), Limits::new());
    }

    #[test]
    fn names_of_plans_are_plain() {
        for good in ["free", "a", "team_2-eu", &"x".repeat(32)] {
            assert!(PlanId::try_from(good.to_owned()).is_ok(), "{good}");
        }
        for bad in [
            "",
            "Free",
            "2x",
            "-a",
            "a b",
            "a#b",
            "ä",
            "a/b",
            &"x".repeat(33),
        ] {
            assert!(PlanId::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_built_in_plans_are_the_built_in_ones() {
        let plans = Plan::built_in();
        assert_eq!(plans.len(), 3);
        for plan in plans {
            assert!(plan.id.is_built_in());
            assert!((1..=MOST_SESSIONS).contains(&plan.max_sessions));
        }
    }

    /// 2000 to 2100, in milliseconds.
    fn moments() -> impl Strategy<Value = Timestamp> {
        (946_684_800_000_i64..4_102_444_800_000)
            .prop_map(|millis| Timestamp::from_millisecond(millis).unwrap())
    }

    proptest! {
        #[test]
        fn now_is_within_its_windows(since in moments(), now in moments()) {
            for period in [Period::Calendar, Period::Subscription] {
                let windows = periods(&plan(period), since, now);
                prop_assert_eq!(windows.len(), 5);
                for window in windows {
                    prop_assert!(window.start <= now && now < window.end, "{:?}", window);
                }
            }
        }

        #[test]
        fn windows_follow_each_other_without_a_gap(since in moments(), now in moments()) {
            for period in [Period::Calendar, Period::Subscription] {
                let plan = plan(period);
                for window in periods(&plan, since, now) {
                    let next = periods(&plan, since, window.end);
                    let next = next.iter().find(|next| next.every == window.every).unwrap();
                    prop_assert_eq!(next.start, window.end);
                    let last = window.end - jiff::SignedDuration::from_millis(1);
                    let same = periods(&plan, since, last);
                    prop_assert!(same.contains(&window));
                }
            }
        }

        #[test]
        fn a_subscription_s_first_windows_begin_with_it(since in moments()) {
            for window in periods(&plan(Period::Subscription), since, since) {
                prop_assert_eq!(window.start, since);
            }
        }

        #[test]
        fn months_keep_the_day_or_take_the_last(since in moments(), months in 0_i64..1200) {
            let now = after_months(civil(since), months).to_zoned(TimeZone::UTC).unwrap();
            let windows = periods(&plan(Period::Subscription), since, now.timestamp());
            let month = windows.iter().find(|window| window.every == Every::Month).unwrap();
            let (first, start) = (civil(since), civil(month.start));
            prop_assert!(start.day() == first.day()
                || (start.day() == start.days_in_month() && start.day() < first.day()));
            prop_assert_eq!(start.time(), first.time());
        }
    }
}
