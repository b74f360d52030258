//! The check of the password of somebody who is signed in, wherever one is asked for.

use std::time::Duration;

use crate::domain::password::{Password, SubmittedPassword};
use crate::domain::user::User;
use crate::http::{Code, Limit, Limiter, Problem};
use crate::password_hash::{PasswordHasher, Verdict};
use crate::store::sessions::PasswordProof;

/// Who has stolen a session must not find the password out by trying.
const LIMITS: [Limit; 1] = [Limit {
    name: "password",
    quota: 10,
    window: Duration::from_mins(15),
}];

/// Checks current passwords.
#[derive(Clone)]
pub struct CurrentPassword {
    hasher: PasswordHasher,
    limiter: Limiter,
}

impl CurrentPassword {
    /// A check with this hasher; tries are counted by this limiter.
    pub fn new(hasher: PasswordHasher, limiter: Limiter) -> Self {
        Self { hasher, limiter }
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
    ) -> Result<PasswordProof, Problem> {
        self.limiter
            .count("current-password", &user.id.to_string(), &LIMITS)
            .await?;
        let stored = user.password_hash.as_ref();
        let verdict = self.hasher.verify(submitted, stored).await?;
        match (stored, verdict) {
            (Some(checked), Verdict::Right { rehash }) => Ok(PasswordProof {
                checked: checked.clone(),
                rehash,
            }),
            _ => {
                tracing::info!(user.id = %user.id, "current_password.wrong");
                Err(Problem::new(
                    Code::InvalidCredentials,
                    "That is not the current password. Check what you typed.",
                ))
            }
        }
    }
}
