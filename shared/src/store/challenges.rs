//! Codes and links on their way to people: tokens beside the users whose they are.

use aws_sdk_dynamodb::Client;
use jiff::Timestamp;

use super::StoreError;
use super::events::Events;
use super::tokens::{self, Tokens};
use super::transaction::{CommitError, Transaction};
use super::users::{self, Users};
use crate::domain::event::Event;
use crate::domain::id::{TokenId, TryId, UserId};
use crate::domain::token::{Purpose, Token};
use crate::domain::user::User;
use crate::env::{Env, EnvError};

/// Keeps the tokens of codes and links, and counts the tries of codes.
#[derive(Debug, Clone)]
pub struct Challenges {
    client: Client,
    users: Users,
    tokens: Tokens,
    events: Events,
}

/// Which write of an issue found its condition not met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Write {
    Token,
    Line,
    Event,
}

impl Challenges {
    /// The tables of challenges: tokens, users and events.
    pub fn open(client: &Client, env: &Env) -> Result<Self, EnvError> {
        Ok(Self {
            client: client.clone(),
            users: Users::open(client, env)?,
            tokens: Tokens::open(client, env)?,
            events: Events::open(client, env)?,
        })
    }

    /// Keeps a new token, with the event that has it sent. A decoy has both too, so that it costs
    /// the same.
    pub async fn issue(
        &self,
        token: &Token,
        event: &Event,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut transaction = Transaction::new()
            .put(Write::Token, self.tokens.put_new(token)?)
            .put(Write::Event, self.events.put(event)?);
        if token.purpose.newest_wins() {
            transaction = transaction.update(Write::Line, self.tokens.issue(token, now)?);
        }
        transaction
            .commit(&self.client)
            .await
            .map_err(|error| match error {
                CommitError::Store(error) => error,
                // Its only conditions are that the rows are new, and ids never come twice.
                CommitError::Refused(writes) => {
                    StoreError::Refused(format!("new rows were there before: {writes:?}"))
                }
            })
    }

    /// The token of this id.
    pub async fn get(&self, id: TokenId) -> Result<Option<Token>, StoreError> {
        self.tokens.get(id).await
    }

    /// The newest token of a line, for purposes of which only that one is good.
    pub async fn newest(&self, purpose: Purpose, line: &str) -> Result<Option<Token>, StoreError> {
        match self.tokens.newest(purpose, line).await? {
            Some(id) => self.tokens.get(id).await,
            None => Ok(None),
        }
    }

    /// A token and a user in one round trip.
    pub async fn with_user(
        &self,
        token: TokenId,
        user: UserId,
    ) -> Result<(Option<Token>, Option<User>), StoreError> {
        let (token, user) = self
            .tokens
            .table
            .read_beside(
                tokens::key(token),
                &self.users.table,
                users::profile_key(user),
            )
            .await?;
        Ok((
            token.map(tokens::token_of).transpose()?,
            user.map(users::user_of).transpose()?,
        ))
    }

    /// Counts one more try of a token's code: see [`Tokens::bump_if`].
    pub async fn bump_if(
        &self,
        token: &Token,
        by: TryId,
        now: Timestamp,
    ) -> Result<Option<u32>, StoreError> {
        self.tokens.bump_if(token, by, now).await
    }

    /// Counts one more try on this day: see [`Tokens::bump_day_if`].
    pub async fn bump_day_if(
        &self,
        token: &Token,
        by: TryId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.tokens.bump_day_if(token, by, now).await
    }

    /// Gives a try back: see [`Tokens::take_back`].
    pub async fn take_back(&self, token: &Token) -> Result<(), StoreError> {
        self.tokens.take_back(token).await
    }

    /// Counts one more try of this token alone: see [`Tokens::bump_token_if`].
    pub async fn bump_token_if(&self, id: TokenId, by: TryId) -> Result<bool, StoreError> {
        self.tokens.bump_token_if(id, by).await
    }
}
