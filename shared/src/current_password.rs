//! The check of the password of somebody who is signed in, wherever one is asked for.

use crate::attempts::Attempts;
use crate::domain::lockout::Bucket;
use crate::domain::password::{Password, SubmittedPassword};
use crate::domain::user::User;
use crate::http::{Caller, Code, Problem};
use crate::password_hash::{PasswordHasher, Verdict};
use crate::store::lockouts::Account;
use crate::store::sessions::PasswordProof;

/// Checks current passwords. Who has stolen a session must not find the password out by trying,
/// so wrong ones lock out as they do at sign-in, in a count of their own.
#[derive(Clone)]
pub struct CurrentPassword {
    hasher: PasswordHasher,
    attempts: Attempts,
}

impl CurrentPassword {
    /// A check with this hasher.
    pub fn new(hasher: PasswordHasher, attempts: Attempts) -> Self {
        Self { hasher, attempts }
    }

    /// Whether a password that is to be set is the one that is set.
    pub async fn matches(&self, user: &User, new: &Password) -> Result<bool, Problem> {
        let Ok(new) = SubmittedPassword::try_from(new.expose().to_owned()) else {
            return Ok(false);
        };
        let verdict = self
            .hasher
            .verify(&new, user.password_hash.as_ref())
            .await?;
        Ok(matches!(verdict, Verdict::Right { .. }))
    }

    /// The proof that this is the user's password. The try is counted before it is looked at.
    pub async fn check(
        &self,
        user: &User,
        submitted: &SubmittedPassword,
        caller: &Caller,
    ) -> Result<PasswordProof, Problem> {
        let account = Account::User(user.id);
        let attempt = self
            .attempts
            .begin(&account, &Bucket::Session, caller)
            .await?;
        let stored = user.password_hash.as_ref();
        let verdict = match self.hasher.verify(submitted, stored).await {
            Ok(verdict) => verdict,
            Err(error) => {
                self.attempts.withdraw(&attempt).await;
                return Err(error.into());
            }
        };
        match (stored, verdict) {
            (Some(checked), Verdict::Right { rehash }) => {
                self.attempts.succeeded(&attempt).await;
                Ok(PasswordProof {
                    checked: checked.clone(),
                    rehash,
                })
            }
            _ => {
                tracing::info!(user.id = %user.id, "current_password.wrong");
                self.attempts.failed(&attempt, caller).await?;
                Err(Problem::new(
                    Code::InvalidCredentials,
                    "That is not the current password. Check what you typed.",
                ))
            }
        }
    }
}
