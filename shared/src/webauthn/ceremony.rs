//! What is remembered of a ceremony between its options and their answer.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::response::encoded;
use super::{Ceremonies, LIFE};
use crate::cache::Key;
use crate::domain::id::{SessionId, UserId};
use crate::http::Problem;

/// What options are for, and whose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ceremony {
    /// A new passkey of this user, asked for in this session.
    Registration(UserId, SessionId),
    /// A sign-in, of nobody knows whom as yet.
    SignIn,
    /// A proof of this user in this session.
    StepUp(UserId, SessionId),
}

impl Ceremony {
    /// Whoever is not meant finds nothing under a challenge, and so uses nothing up.
    fn key(self, challenge: &str) -> Key {
        match self {
            Self::Registration(user, session) => {
                let (user, session) = (user.to_string(), session.to_string());
                Key::new("webauthn", &["register", challenge, &user, &session])
            }
            Self::SignIn => Key::new("webauthn", &["sign-in", challenge]),
            Self::StepUp(user, session) => {
                let (user, session) = (user.to_string(), session.to_string());
                Key::new("webauthn", &["step-up", challenge, &user, &session])
            }
        }
    }
}

impl Ceremonies {
    /// Keeps what the service must know when these options are answered.
    pub(super) async fn remember(
        &self,
        ceremony: Ceremony,
        challenge: &[u8],
        state: &impl Serialize,
    ) -> Result<(), Problem> {
        let state = serde_json::to_string(state).map_err(|error| Problem::internal(&error))?;
        let key = ceremony.key(&encoded(challenge));
        // 32 random bytes do not come twice. If they did, the second ceremony must not go on.
        if self.cache.put_once(&key, &state, LIFE).await? {
            Ok(())
        } else {
            Err(Problem::unavailable())
        }
    }

    /// What was kept under a challenge, once.
    pub(super) async fn take<T: DeserializeOwned>(
        &self,
        ceremony: Ceremony,
        challenge: &str,
    ) -> Result<Option<T>, Problem> {
        let state = self.cache.consume(&ceremony.key(challenge)).await?;
        state
            .map(|state| serde_json::from_str(&state))
            .transpose()
            .map_err(|error| Problem::internal(&error))
    }
}
