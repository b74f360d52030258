//! The one way to a stored password: judged, looked up and hashed.
//!
//! Sign-up, change and reset all go through it, so that none of them takes what another refuses.

use std::sync::Arc;

use secrecy::SecretString;

use crate::breached_passwords::BreachedPasswords;
use crate::domain::password::Password;
use crate::domain::password_strength::{Context, Weakness, judge};
use crate::password_hash::{PasswordHashError, PasswordHasher};
use crate::telemetry::chain;

/// Takes passwords that are to be set.
#[derive(Debug, Clone)]
pub struct NewPasswords {
    hasher: PasswordHasher,
    breached: Option<BreachedPasswords>,
    app_name: Arc<str>,
}

/// A password that may be set.
#[derive(Debug)]
pub struct Accepted {
    /// Its hash, as a PHC string.
    pub hash: SecretString,
    /// Whether nobody could say if it was breached. Whoever sets it writes
    /// [`BreachCheckSkipped`](crate::domain::event::EventKind::BreachCheckSkipped) beside it.
    pub breach_check_skipped: bool,
}

/// Why a password may not be set.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// It is too weak.
    #[error("the password is too weak: {0:?}")]
    Weak(Weakness),
    /// It could not be hashed.
    #[error(transparent)]
    Hash(#[from] PasswordHashError),
}

impl NewPasswords {
    /// Hashes by `hasher`, asks `breached` if there is one, and lets nobody count on the name of
    /// the app.
    pub fn new(
        hasher: PasswordHasher,
        breached: Option<BreachedPasswords>,
        app_name: String,
    ) -> Self {
        Self {
            hasher,
            breached,
            app_name: app_name.into(),
        }
    }

    /// Judges a password for whom `context` tells of, and hashes it while it is looked up among
    /// the breached ones. Where that fails the password is taken all the same: somebody else's
    /// outage must not keep people out of their accounts.
    pub async fn accept(
        &self,
        password: &Password,
        context: &Context,
    ) -> Result<Accepted, Refused> {
        judge(password, &context.clone().app_name(&self.app_name)).map_err(Refused::Weak)?;
        let (hash, breached) = tokio::join!(self.hasher.hash(password), self.is_breached(password));
        if breached == Some(true) {
            return Err(Refused::Weak(Weakness::Breached));
        }
        Ok(Accepted {
            hash: hash?,
            breach_check_skipped: breached.is_none(),
        })
    }

    /// `None` where nobody could say.
    async fn is_breached(&self, password: &Password) -> Option<bool> {
        let Some(breached) = &self.breached else {
            return Some(false);
        };
        let found = breached.contain(password).await;
        found
            .inspect_err(|error| {
                tracing::warn!(error = chain(error), "a password was not looked up");
            })
            .ok()
    }
}
