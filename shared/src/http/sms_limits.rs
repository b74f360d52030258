//! Who may ask for an SMS, and how often (SMS pumping).
//!
//! Everything here is counted before anything is looked up, and alike for numbers that have an
//! account and those that have none.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::problem::{FieldError, Problem};
use super::rate_limit::{Limit, RateLimits};
use crate::cache::{Cache, Key};
use crate::domain::network::neighbourhood;
use crate::domain::phone::PhoneNumber;
use crate::env::{Env, EnvError};
use crate::keys::Keyring;
use crate::sms::{SmsBudget, SmsPolicy};

/// A thousand neighbours in a numbering plan have hardly twenty sign-ins in an hour between them.
/// Who pumps holds such ranges, and counts through them.
const PER_PREFIX: u32 = 20;
/// Digits that a prefix lacks: a range of a thousand numbers.
const OPEN_DIGITS: usize = 3;
/// An office or a village behind one address, at most.
const PER_SOURCE: u32 = 30;
const WINDOW: Duration = Duration::from_hours(1);

/// Who may ask for an SMS, and how often.
#[derive(Clone)]
pub struct SmsLimits {
    policy: SmsPolicy,
    budget: SmsBudget,
    per_source: Limit,
    per_prefix: Limit,
    cache: Arc<dyn Cache>,
    keys: Arc<Keyring>,
}

impl SmsLimits {
    /// In an hour, `SMS_PER_PREFIX_HOUR` for a thousand neighbouring numbers (20 by default) and
    /// `SMS_PER_SOURCE_HOUR` for the neighbourhood of a caller (30); and the settings of
    /// [`SmsPolicy`] and [`SmsBudget`].
    pub fn open(env: &Env, cache: Arc<dyn Cache>, keys: Arc<Keyring>) -> Result<Self, EnvError> {
        let limit = |name, setting, default| {
            Ok(Limit {
                name,
                quota: env.parsed_or(setting, default)?,
                window: WINDOW,
            })
        };
        Ok(Self {
            policy: SmsPolicy::open(env)?,
            budget: SmsBudget::open(env, cache.clone())?,
            per_source: limit("sms-source", "SMS_PER_SOURCE_HOUR", PER_SOURCE)?,
            per_prefix: limit("sms-prefix", "SMS_PER_PREFIX_HOUR", PER_PREFIX)?,
            cache,
            keys,
        })
    }

    /// Refuses numbers that no SMS is sent to, as a bad `phoneNumber`: see
    /// [`SmsPolicy::check_country`].
    pub fn check_country(&self, number: &PhoneNumber) -> Result<(), Problem> {
        let checked = self.policy.check_country(number);
        checked.map_err(|invalid| Problem::validation(vec![FieldError::of("phoneNumber", invalid)]))
    }

    /// Counts a request that would send an SMS, beside the limits that it has passed already. It
    /// goes on with what this answers.
    ///
    /// While the budget of the whole deployment is spent, or nobody can count, that is 503.
    pub async fn admit(
        &self,
        limits: RateLimits,
        number: &PhoneNumber,
        source: Option<IpAddr>,
    ) -> Result<RateLimits, Problem> {
        if let Some(wait) = self.budget.spent_for().await? {
            tracing::warn!("no SMS: the budget is spent");
            return Err(Problem::unavailable_for(wait));
        }
        let mut limits = limits.and_under(&[self.per_source, self.per_prefix]);
        // The caller first: one who is over their own limit takes nothing from a prefix, which
        // others share.
        for (limit, counted) in [
            (&self.per_source, neighbourhood(source)),
            (&self.per_prefix, prefix(number).to_owned()),
        ] {
            let counted = self.keys.lookup(limit.name, &counted);
            let key = Key::new(limit.name, &[&counted]);
            let bump = self.cache.bump_if(&key, limit.quota, limit.window).await?;
            limits.note(limit, bump);
            limits = limits.granted()?;
        }
        Ok(limits)
    }
}

fn prefix(number: &PhoneNumber) -> &str {
    let e164 = number.as_str();
    &e164[..e164.len().saturating_sub(OPEN_DIGITS)]
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;
    use http::HeaderMap;
    use http::header::RETRY_AFTER;
    use secrecy::SecretString;

    use super::*;
    use crate::cache;
    use crate::clock::SystemClock;
    use crate::http::Code;

    fn limits(settings: &[(&str, &str)]) -> SmsLimits {
        let url = SecretString::from("memory:");
        let cache = cache::open(&url, Arc::new(SystemClock), Duration::from_mins(16)).unwrap();
        limits_on(cache, settings)
    }

    fn limits_on(cache: Arc<dyn Cache>, settings: &[(&str, &str)]) -> SmsLimits {
        let seed = SecretString::from(format!(r#"{{"seed":"{}"}}"#, "a".repeat(64)));
        let keys = Arc::new(Keyring::from_secret(&seed).unwrap());
        let env = Env::default().with("SMS_COUNTRIES", "*");
        let env = settings
            .iter()
            .fold(env, |env, (name, value)| env.with(name, *value));
        SmsLimits::open(&env, cache, keys).unwrap()
    }

    fn number(last: u32) -> PhoneNumber {
        PhoneNumber::parse_e164(&format!("+4670123{last:04}")).unwrap()
    }

    async fn ask(
        limits: &SmsLimits,
        number: &PhoneNumber,
        source: &str,
    ) -> Result<RateLimits, Code> {
        let source = source.parse().ok();
        limits
            .admit(RateLimits::default(), number, source)
            .await
            .map_err(|problem| problem.code)
    }

    #[tokio::test]
    async fn numbers_in_a_row_share_one_limit() {
        let limits = limits(&[("SMS_PER_PREFIX_HOUR", "3")]);
        for last in 0..3 {
            let source = format!("192.0.{last}.1");
            assert!(ask(&limits, &number(last), &source).await.is_ok());
        }
        let refused = ask(&limits, &number(999), "192.0.3.1").await;
        assert_eq!(refused.unwrap_err(), Code::RateLimited);
        assert!(ask(&limits, &number(1000), "192.0.4.1").await.is_ok());
    }

    #[tokio::test]
    async fn a_caller_has_one_limit_for_all_numbers_and_takes_no_more_from_others() {
        let limits = limits(&[("SMS_PER_SOURCE_HOUR", "2"), ("SMS_PER_PREFIX_HOUR", "3")]);
        assert!(ask(&limits, &number(0), "192.0.2.1").await.is_ok());
        assert!(ask(&limits, &number(1000), "192.0.2.2").await.is_ok());
        for _ in 0..5 {
            let refused = ask(&limits, &number(0), "192.0.2.3").await;
            assert_eq!(refused.unwrap_err(), Code::RateLimited);
        }
        // Two of the prefix's three are left.
        assert!(ask(&limits, &number(0), "192.0.3.1").await.is_ok());
        assert!(ask(&limits, &number(0), "192.0.3.1").await.is_ok());
    }

    #[tokio::test]
    async fn headers_name_these_limits_after_those_before_them() {
        let limits = limits(&[("SMS_PER_SOURCE_HOUR", "2")]);
        let first = Limit {
            name: "hour",
            quota: 3,
            window: WINDOW,
        };
        let before = || RateLimits::under(&[first]);
        let told = |headers: &HeaderMap| headers["ratelimit-policy"].to_str().unwrap().to_owned();
        let policy = "\"hour\";q=3;w=3600, \"sms-source\";q=2;w=3600, \"sms-prefix\";q=20;w=3600";
        for _ in 0..2 {
            let admitted = limits.admit(before(), &number(0), None).await.unwrap();
            assert_eq!(told((admitted, ()).into_response().headers()), policy);
        }
        let refused = limits.admit(before(), &number(0), None).await.unwrap_err();
        let refused = refused.into_response();
        assert_eq!(told(refused.headers()), policy);
        assert_eq!(refused.headers()["ratelimit"], "\"sms-source\";r=0;t=3600");
        assert_eq!(refused.headers()[RETRY_AFTER], "3600");
    }

    #[tokio::test]
    async fn a_spent_budget_is_503_for_every_number_and_counts_nothing() {
        let limits = limits(&[("SMS_PER_HOUR", "1"), ("SMS_PER_SOURCE_HOUR", "1")]);
        assert!(limits.budget.spend().await.unwrap());
        assert!(!limits.budget.spend().await.unwrap());
        for last in 0..3 {
            let refused = ask(&limits, &number(last), "192.0.2.1").await;
            assert_eq!(refused.unwrap_err(), Code::Unavailable);
        }
        let refused = limits.admit(RateLimits::default(), &number(0), None).await;
        let refused = refused.unwrap_err().into_response();
        let wait = refused.headers()[RETRY_AFTER].to_str().unwrap();
        assert!(
            (3500..=3600).contains(&wait.parse::<u32>().unwrap()),
            "{wait}"
        );
    }

    #[tokio::test]
    async fn where_nobody_can_count_there_is_no_sms() {
        let url = SecretString::from("redis://127.0.0.1:1");
        let cache = cache::open(&url, Arc::new(SystemClock), Duration::from_mins(16)).unwrap();
        let limits = limits_on(cache, &[]);
        let refused = ask(&limits, &number(0), "192.0.2.1").await;
        assert_eq!(refused.unwrap_err(), Code::Unavailable);
        assert!(limits.budget.spend().await.is_err());
    }
}
