//! Sign-up and verification: users, claims, tokens and events that change together.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, Update};
use jiff::Timestamp;

use super::StoreError;
use super::events::Events;
use super::item::text;
use super::tokens::{self, Half, Tokens};
use super::transaction::{CommitError, Transaction};
use super::users::{self, Claim, Users};
use crate::domain::event::Event;
use crate::domain::id::{TokenId, UserId};
use crate::domain::token::Token;
use crate::domain::user::{ADMIN_ROLE, User};
use crate::env::{Env, EnvError};

/// Which write of a sign-up or a verification found its condition not met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Write {
    /// The user's own row.
    User,
    /// The claim of the address.
    Email,
    /// The claim of the username.
    Username,
    /// The claim of the phone number.
    Phone,
    /// The claim of being the first admin.
    FirstAdmin,
    /// The token.
    Token,
    /// The event.
    Event,
}

/// Begins accounts and makes them active.
#[derive(Debug, Clone)]
pub struct SignUps {
    client: Client,
    users: Users,
    tokens: Tokens,
    events: Events,
}

impl SignUps {
    /// The tables of sign-up: users, tokens and events.
    pub fn open(client: &Client, env: &Env) -> Result<Self, EnvError> {
        Ok(Self {
            client: client.clone(),
            users: Users::open(client, env)?,
            tokens: Tokens::open(client, env)?,
            events: Events::open(client, env)?,
        })
    }

    /// Begins an account: the pending user, the claims on what is theirs alone, the token that is
    /// mailed and the events. Of several sign-ups for one address that nobody has verified, the
    /// newest holds it, and the first to verify has it. A shadow claims no address, and the event
    /// of its sign-up is the address owner's.
    pub async fn begin(
        &self,
        user: &User,
        token: &Token,
        events: &[Event],
    ) -> Result<(), CommitError<Write>> {
        let mut transaction = Transaction::new()
            .put(Write::User, self.users.put_new(user)?)
            .put(Write::Token, self.tokens.put_new(token)?);
        for event in events {
            transaction = transaction.put(Write::Event, self.events.put(event)?);
        }
        for (write, claim) in held_claims(user) {
            let put = self
                .users
                .put_claim(claim, user.id, user.lapses_at, user.created_at)?;
            transaction = transaction.put(write, put);
        }
        transaction.commit(&self.client).await
    }

    /// Keeps another token for a pending user, with its event. A decoy has both too, so that it
    /// costs the same.
    pub async fn renew(&self, token: &Token, event: &Event) -> Result<(), StoreError> {
        let result = Transaction::new()
            .put(Write::Token, self.tokens.put_new(token)?)
            .put(Write::Event, self.events.put(event)?)
            .commit(&self.client)
            .await;
        unrefused(result)
    }

    /// A token and a user in one round trip.
    pub async fn token_and_user(
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

    /// Makes a pending user active by one half of their token, which is used up, and lets their
    /// claims last. With `first_admin` they become admin too, unless there has been one.
    pub async fn verify(
        &self,
        user: &User,
        token: &Token,
        half: Half,
        first_admin: bool,
        event: &Event,
        now: Timestamp,
    ) -> Result<(), CommitError<Write>> {
        let mut transaction = Transaction::new()
            .update(Write::Token, self.tokens.consume(token, half, now)?)
            .update(Write::User, self.activate(user, first_admin)?)
            .put(Write::Event, self.events.put(event)?);
        for (write, claim) in held_claims(user) {
            let keep = match claim {
                Claim::Email(_) => self.win_claim(claim, user.id)?,
                _ => self.keep_claim(claim, user.id)?,
            };
            transaction = transaction.update(write, keep);
        }
        if first_admin {
            let claim = self
                .users
                .put_claim(Claim::FirstAdmin, user.id, None, now)?;
            transaction = transaction.put(Write::FirstAdmin, claim);
        }
        transaction.commit(&self.client).await
    }

    fn activate(&self, user: &User, first_admin: bool) -> Result<Update, StoreError> {
        let mut update = Update::builder()
            .table_name(&self.users.table.name)
            .set_key(Some(users::profile_key(user.id)))
            .expression_attribute_names("#status", "status")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":pending", text("pending"))
            .expression_attribute_values(":active", text("active"))
            .expression_attribute_values(":true", AttributeValue::Bool(true))
            .expression_attribute_values(":false", AttributeValue::Bool(false))
            .condition_expression("#status = :pending AND shadow = :false");
        let mut set = "SET #status = :active, emailVerified = :true".to_owned();
        if first_admin {
            set.push_str(", #roles = list_append(#roles, :admin)");
            update = update
                .expression_attribute_names("#roles", "roles")
                .expression_attribute_values(":admin", AttributeValue::L(vec![text(ADMIN_ROLE)]));
        }
        update
            .update_expression(format!("{set} REMOVE lapsesAt, #ttl"))
            .build()
            .map_err(|error| StoreError::inconsistent("users", error))
    }

    /// Gives a user the address for good, if no sign-up for it has been verified before.
    fn win_claim(&self, claim: Claim<'_>, user: UserId) -> Result<Update, StoreError> {
        Update::builder()
            .table_name(&self.users.table.name)
            .set_key(Some(users::claim_key(claim)))
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":user", text(user))
            .condition_expression("attribute_exists(lapsesAt)")
            .update_expression("SET userId = :user REMOVE lapsesAt, #ttl")
            .build()
            .map_err(|error| StoreError::inconsistent("users", error))
    }

    fn keep_claim(&self, claim: Claim<'_>, user: UserId) -> Result<Update, StoreError> {
        Update::builder()
            .table_name(&self.users.table.name)
            .set_key(Some(users::claim_key(claim)))
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":user", text(user))
            .condition_expression("userId = :user")
            .update_expression("REMOVE lapsesAt, #ttl")
            .build()
            .map_err(|error| StoreError::inconsistent("users", error))
    }
}

/// What is the user's alone. A shadow never holds its address, but something of the same cost.
fn held_claims(user: &User) -> Vec<(Write, Claim<'_>)> {
    let email = if user.shadow {
        Claim::Shadow(user.id)
    } else {
        Claim::Email(&user.email)
    };
    let username = user
        .username
        .as_ref()
        .map(|username| (Write::Username, Claim::Username(username)));
    let phone = user
        .phone_number
        .as_ref()
        .filter(|_| user.holds_phone)
        .map(|phone| (Write::Phone, Claim::Phone(phone)));
    [Some((Write::Email, email)), username, phone]
        .into_iter()
        .flatten()
        .collect()
}

/// For transactions whose only conditions are that their rows are new: ids never come twice.
fn unrefused(result: Result<(), CommitError<Write>>) -> Result<(), StoreError> {
    result.map_err(|error| match error {
        CommitError::Store(error) => error,
        CommitError::Refused(writes) => {
            StoreError::Refused(format!("new rows were there before: {writes:?}"))
        }
    })
}
