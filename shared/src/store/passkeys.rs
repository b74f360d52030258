//! Passkeys: rows `passkey#<id>` beside their user's own, and the claims that make a credential
//! one user's.

mod row;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, Delete, Update};
use jiff::Timestamp;
use webauthn_rs::prelude::{AuthenticationResult, Credential};
use webauthn_rs_proto::AuthenticatorTransport;

use self::row::{claim_pk, key, pk, raw_key};
use super::StoreError;
use super::change::Change;
use super::events::Events;
use super::item::{number, text, time};
use super::transaction::{CommitError, Transaction};
use super::users::Users;
use crate::domain::event::Event;
use crate::domain::id::UserId;
use crate::domain::name::DisplayName;
use crate::domain::passkey::{MAX_PASSKEYS, PasskeyId};
use crate::domain::user::User;
use crate::env::{Env, EnvError};

const TABLE: &str = "passkeys";
const SORT: &str = "passkey#";
const CLAIM: &str = "claim";
/// How many passkeys a user has, in the user's own row: there it can stand in conditions.
const COUNT: &str = "passkeys";

/// A passkey of a user.
#[derive(Debug, Clone)]
pub struct Passkey {
    /// Its id.
    pub id: PasskeyId,
    /// Whose it is.
    pub user: UserId,
    /// What the user calls it.
    pub name: DisplayName,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it was last used.
    pub last_used_at: Option<Timestamp>,
    credential: Credential,
}

/// A passkey as it stands after a proof, and what it stood at before: of two proofs from one state
/// one counts.
#[derive(Debug, Clone)]
pub struct Use {
    user: UserId,
    id: PasskeyId,
    counted: u32,
    counter: u32,
    backed_up: bool,
    at: Timestamp,
}

/// Which write of a transaction found its condition not met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Write {
    /// The passkey's row.
    Passkey,
    /// The claim on its credential: somebody has it.
    Claim,
    /// The user's row: it changed, or has too many or too few passkeys.
    User,
    /// The event.
    Event,
}

/// Registers, lists, renames and removes passkeys.
#[derive(Debug, Clone)]
pub struct Passkeys {
    client: Client,
    users: Users,
    events: Events,
}

impl Passkey {
    /// A passkey that was registered now.
    pub fn new(user: UserId, name: DisplayName, credential: Credential, now: Timestamp) -> Self {
        Self {
            id: PasskeyId::of(&credential.cred_id),
            user,
            name,
            created_at: now,
            last_used_at: None,
            credential,
        }
    }

    /// The id that the authenticator gave it.
    pub fn credential_id(&self) -> &[u8] {
        &self.credential.cred_id
    }

    /// How the authenticator can be reached, as the browser said.
    pub fn transports(&self) -> Option<Vec<AuthenticatorTransport>> {
        self.credential.transports.clone()
    }

    /// Whether it may be on several devices, such as those of one cloud account.
    pub fn is_synced(&self) -> bool {
        self.credential.backup_eligible
    }

    /// Whether it is known to outlive the device that it was made on.
    pub fn is_backed_up(&self) -> bool {
        self.credential.backup_state
    }

    pub(crate) fn credential(&self) -> &Credential {
        &self.credential
    }

    /// It stands so after this proof.
    pub(crate) fn used(&self, result: &AuthenticationResult, now: Timestamp) -> Use {
        Use {
            user: self.user,
            id: self.id,
            counted: self.credential.counter,
            counter: result.counter(),
            backed_up: result.backup_state(),
            at: now,
        }
    }
}

impl Use {
    /// The write of it, if the counter is still the one that the proof was checked against.
    pub(crate) fn update(&self, users: &Users) -> Result<Update, StoreError> {
        Change::of(users, key(self.user, self.id))
            .when("signCount = :counted")
            .with(":counted", number(self.counted))
            .set("signCount", number(self.counter))
            .set("backedUp", AttributeValue::Bool(self.backed_up))
            .set("lastUsedAt", time(self.at))
            .build()
    }
}

impl Passkeys {
    /// The tables of passkeys: users and events.
    pub fn open(client: &Client, env: &Env) -> Result<Self, EnvError> {
        Ok(Self {
            client: client.clone(),
            users: Users::open(client, env)?,
            events: Events::open(client, env)?,
        })
    }

    /// One passkey of a user.
    pub async fn get(&self, user: UserId, id: PasskeyId) -> Result<Option<Passkey>, StoreError> {
        let row = self.users.table.read(key(user, id)).await?;
        row.map(Passkey::read).transpose()
    }

    /// All passkeys of a user, oldest first.
    pub async fn of_user(&self, user: UserId) -> Result<Vec<Passkey>, StoreError> {
        let mut rows = self
            .client
            .query()
            .table_name(&self.users.table.name)
            .key_condition_expression("pk = :user AND begins_with(sk, :passkey)")
            .expression_attribute_values(":user", text(pk(user)))
            .expression_attribute_values(":passkey", text(SORT))
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let mut passkeys = Vec::new();
        while let Some(row) = rows.next().await {
            passkeys.push(Passkey::read(row?)?);
        }
        passkeys.sort_by_key(|passkey: &Passkey| passkey.created_at);
        Ok(passkeys)
    }

    /// Registers a passkey, if nobody has its credential, the user has fewer than
    /// [`MAX_PASSKEYS`] and has not changed.
    pub async fn register(
        &self,
        user: &User,
        passkey: &Passkey,
        event: &Event,
    ) -> Result<(), CommitError<Write>> {
        let row = self
            .users
            .change(user)
            .when(format!("attribute_not_exists({COUNT}) OR {COUNT} < :most"))
            .with(":most", number(MAX_PASSKEYS))
            .add(COUNT, number(1));
        Transaction::new()
            .put(Write::Claim, self.put_claim(passkey)?)
            .put(Write::Passkey, self.put_new(passkey)?)
            .update(Write::User, row.build()?)
            .put(Write::Event, self.events.put(event)?)
            .commit(&self.client)
            .await
    }

    /// Gives a passkey another name. Refused where there is none.
    pub async fn rename(
        &self,
        user: UserId,
        id: PasskeyId,
        name: &DisplayName,
        event: &Event,
    ) -> Result<(), CommitError<Write>> {
        let row = Change::of(&self.users, key(user, id))
            .when("attribute_exists(pk)")
            .set_named("#name", "name", text(name));
        Transaction::new()
            .update(Write::Passkey, row.build()?)
            .put(Write::Event, self.events.put(event)?)
            .commit(&self.client)
            .await
    }

    /// Removes a passkey, unless it is the only way in that the user has. Refused where there is
    /// none.
    pub async fn remove(
        &self,
        user: &User,
        id: PasskeyId,
        event: &Event,
    ) -> Result<(), CommitError<Write>> {
        let row = self
            .users
            .change(user)
            .when(format!("attribute_exists(passwordHash) OR {COUNT} > :one"))
            .with(":one", number(1))
            .add(COUNT, number(-1));
        let passkey = Change::of(&self.users, key(user.id, id)).when("attribute_exists(pk)");
        Transaction::new()
            .delete(Write::Passkey, passkey.build_delete()?)
            .delete(Write::Claim, self.release(user.id, id)?)
            .update(Write::User, row.build()?)
            .put(Write::Event, self.events.put(event)?)
            .commit(&self.client)
            .await
    }

    /// Forgets the passkeys of a user who is gone. May be done twice.
    pub async fn erase(&self, user: UserId) -> Result<(), StoreError> {
        for passkey in self.of_user(user).await? {
            self.take_away(user, passkey.id, None).await?;
        }
        Ok(())
    }

    /// Forgets the passkeys that were registered in a span of time which the user has rejected as
    /// not theirs. May be done twice.
    pub async fn reject(&self, user: &User) -> Result<(), StoreError> {
        for passkey in self.of_user(user.id).await? {
            if user.has_rejected(passkey.created_at.as_millisecond()) {
                self.take_away(user.id, passkey.id, Some(COUNT)).await?;
            }
        }
        Ok(())
    }

    /// Forgets a passkey; where there is a count, it goes down with it.
    async fn take_away(
        &self,
        user: UserId,
        id: PasskeyId,
        count: Option<&str>,
    ) -> Result<(), StoreError> {
        let passkey = Change::of(&self.users, key(user, id)).when("attribute_exists(pk)");
        let mut transaction = Transaction::new()
            .delete(Write::Passkey, passkey.build_delete()?)
            .delete(Write::Claim, self.release(user, id)?);
        if let Some(count) = count {
            let row = Change::of(&self.users, super::users::profile_key(user))
                .when("attribute_exists(pk)")
                .add(count, number(-1));
            transaction = transaction.update(Write::User, row.build()?);
        }
        match transaction.commit(&self.client).await {
            // Another has done it, or the user went away in between.
            Ok(()) | Err(CommitError::Refused(_)) => Ok(()),
            Err(CommitError::Store(error)) => Err(error),
        }
    }

    fn release(&self, user: UserId, id: PasskeyId) -> Result<Delete, StoreError> {
        Change::of(&self.users, raw_key(claim_pk(id), CLAIM.to_owned()))
            .when("attribute_not_exists(pk) OR userId = :user")
            .with(":user", text(user))
            .build_delete()
    }
}
