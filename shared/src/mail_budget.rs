//! How many mails go out in an hour.

use std::sync::Arc;
use std::time::Duration;

use crate::cache::{Cache, Key};
use crate::domain::email::EmailAddress;
use crate::domain::id::EventId;
use crate::env::{Env, EnvError};
use crate::keys::Keyring;
use crate::telemetry::chain;

/// Far more than people cause, and less than would cost us our name as a sender.
const PER_HOUR: u32 = 20_000;
/// Mail servers turn away who floods them.
const PER_DOMAIN: u32 = 5_000;
const WINDOW: Duration = Duration::from_hours(1);

/// How many mails go out in an hour, for the deployment and for each domain that gets them: what
/// keeps a flood of sign-ups from becoming a flood of mail, and SES from suspending the account.
///
/// Unlike an SMS, a mail costs next to nothing. So where nobody can count, it is sent.
#[derive(Clone)]
pub struct MailBudget {
    cache: Arc<dyn Cache>,
    keys: Arc<Keyring>,
    per_hour: u32,
    per_domain: u32,
}

impl MailBudget {
    /// `MAILS_PER_HOUR` for the deployment, 20 000 by default, and `MAILS_PER_DOMAIN_HOUR` for
    /// the domain of an address, 5 000 by default. With 0 there is no such cap.
    pub fn open(env: &Env, cache: Arc<dyn Cache>, keys: Arc<Keyring>) -> Result<Self, EnvError> {
        Ok(Self {
            cache,
            keys,
            per_hour: env.parsed_or("MAILS_PER_HOUR", PER_HOUR)?,
            per_domain: env.parsed_or("MAILS_PER_DOMAIN_HOUR", PER_DOMAIN)?,
        })
    }

    /// Counts a mail of this template that is about to be sent because of this event. Where a cap
    /// is reached, it must not be sent, and `mail.capped` is in the log: an alarm waits for it.
    pub async fn spend(&self, to: &EmailAddress, template: &str, event: EventId) -> bool {
        let (_, domain) = to.key().rsplit_once('@').unwrap_or_default();
        let domain = self.keys.lookup("mail-domain", domain);
        for (cap, key, quota) in [
            (
                "domain",
                Key::new("mail-domain", &[&domain]),
                self.per_domain,
            ),
            ("account", Key::new("mail-account", &[]), self.per_hour),
        ] {
            if quota == 0 {
                continue;
            }
            match self.cache.bump_if(&key, quota, WINDOW).await {
                Ok(bump) if bump.admitted => {}
                Ok(_) => {
                    tracing::error!(template, event.id = %event, cap, quota, "mail.capped");
                    return false;
                }
                Err(error) => {
                    tracing::warn!(cap, error = chain(&error), "a mail is not counted");
                }
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use secrecy::SecretString;

    use super::*;
    use crate::cache;
    use crate::clock::SystemClock;
    use crate::random::SystemEntropy;

    fn budget(url: &str, per_hour: u32, per_domain: u32) -> MailBudget {
        let life = Duration::from_mins(16);
        let cache = cache::open(&SecretString::from(url), Arc::new(SystemClock), life).unwrap();
        let seed = SecretString::from(format!(r#"{{"seed":"{}"}}"#, "a".repeat(64)));
        let env = Env::default()
            .with("MAILS_PER_HOUR", per_hour.to_string())
            .with("MAILS_PER_DOMAIN_HOUR", per_domain.to_string());
        MailBudget::open(&env, cache, Arc::new(Keyring::from_secret(&seed).unwrap())).unwrap()
    }

    async fn spend(budget: &MailBudget, to: &str) -> bool {
        let event = EventId::new(Timestamp::UNIX_EPOCH, &SystemEntropy::default());
        budget.spend(&to.parse().unwrap(), "test", event).await
    }

    #[tokio::test]
    async fn a_domain_gets_so_many_however_they_are_spread_over_it() {
        let budget = budget("memory:", 0, 2);
        assert!(spend(&budget, "a@example.com").await);
        assert!(spend(&budget, "b@EXAMPLE.com").await);
        assert!(!spend(&budget, "c@example.com").await);
        assert!(spend(&budget, "c@mail.example.com").await);
    }

    #[tokio::test]
    async fn all_domains_together_get_so_many() {
        let budget = budget("memory:", 2, 0);
        assert!(spend(&budget, "a@example.com").await);
        assert!(spend(&budget, "a@example.org").await);
        assert!(!spend(&budget, "a@example.net").await);
    }

    #[tokio::test]
    async fn without_caps_and_without_a_cache_mail_goes_out() {
        let uncapped = budget("memory:", 0, 0);
        let blind = budget("redis://127.0.0.1:1", 1, 1);
        for _ in 0..3 {
            assert!(spend(&uncapped, "a@example.com").await);
            assert!(spend(&blind, "a@example.com").await);
        }
    }
}
