//! What goes with an account that was deleted: the personal data in all the other tables.

use aws_sdk_dynamodb::Client;

use super::StoreError;
use super::events::Events;
use super::factors::Factors;
use super::passkeys::Passkeys;
use super::sessions::Sessions;
use super::tokens::Tokens;
use super::trusted_devices::TrustedDevices;
use crate::domain::id::{TokenId, UserId};
use crate::env::{Env, EnvError};

/// Events that are read at once.
const PAGE: i32 = 200;

/// Takes a deleted user out of passkeys, factors, sessions, tokens and events.
#[derive(Debug, Clone)]
pub struct Erasure {
    sessions: Sessions,
    tokens: Tokens,
    events: Events,
    passkeys: Passkeys,
    factors: Factors,
    trusted: TrustedDevices,
}

impl Erasure {
    /// The tables that hold more of a user than their own row.
    pub fn open(client: &Client, env: &Env) -> Result<Self, EnvError> {
        Ok(Self {
            sessions: Sessions::open(client, env)?,
            tokens: Tokens::open(client, env)?,
            events: Events::open(client, env)?,
            passkeys: Passkeys::open(client, env)?,
            factors: Factors::open(client, env)?,
            trusted: TrustedDevices::open(client, env)?,
        })
    }

    /// Deletes the user's passkeys, second factors, trusted devices and sessions, and the tokens that
    /// their events name but for those that are still `needed`; of the events ids are left. May be
    /// done twice, and goes on where it was cut off.
    pub async fn erase(&self, user: UserId, needed: &[TokenId]) -> Result<(), StoreError> {
        self.passkeys.erase(user).await?;
        self.factors.erase(user).await?;
        self.trusted.erase(user).await?;
        for session in self.sessions.of_user(user).await? {
            self.sessions.forget(user, session.id).await?;
        }
        let mut cursor = None;
        loop {
            let page = self.events.page(user, cursor, PAGE).await?;
            for event in &page.events {
                let tokens = event.kind.tokens().iter();
                for token in tokens.filter(|token| !needed.contains(token)) {
                    self.tokens.forget(*token).await?;
                }
                if event.source.ip.is_some() || event.source.user_agent.is_some() {
                    self.events.anonymise(event).await?;
                }
            }
            cursor = page.next;
            if cursor.is_none() {
                return Ok(());
            }
        }
    }
}
