//! The `sessions` table: who is signed in where.

use std::collections::HashMap;
use std::net::IpAddr;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Delete, Put, ReturnValue, ReturnValuesOnConditionCheckFailure,
    Update,
};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::change::Change;
use super::events::Events;
use super::factors::{FactorUse, Factors};
use super::item::{self, Item, millis, number, text, time, ttl};
use super::lockouts::Attempt;
use super::passkeys::Use;
use super::places::Place;
use super::tokens::{Half, Tokens};
use super::transaction::{CommitError, Transaction};
use super::trusted_devices::TrustedDevice;
use super::users::{self, Users};
use super::{StoreError, Table};
use crate::domain::event::Event;
use crate::domain::id::{SessionId, UserId};
use crate::domain::session::{IDLE_LIFE, Session, Source};
use crate::domain::token::Token;
use crate::domain::user::User;
use crate::env::{Env, EnvError};

const TABLE: &str = "sessions";

/// The most sessions that one transaction ends: DynamoDB takes 100 writes, and some are others.
pub const MAX_ENDED_AT_ONCE: usize = 85;

/// The most sessions whose rows are deleted beside another change: DynamoDB takes 100 writes at
/// once. Any that are left are over all the same, by the cutoff in the user's row.
const MAX_ENDED_BESIDE: usize = 60;

/// Begins, refreshes, lists and ends sessions.
#[derive(Debug, Clone)]
pub struct Sessions {
    client: Client,
    table: Table,
    users: Users,
    events: Events,
}

/// What a refresh found.
#[derive(Debug)]
pub enum Rotation {
    /// The token was the current one; this is the session with the next.
    Rotated(Session),
    /// The token was not the current one; this is the session as it stands.
    Stale(Session),
    /// There is no such session.
    Gone,
}

/// What the user row must still say when a session begins.
#[derive(Debug, Clone)]
pub struct PasswordProof {
    /// The stored hash that the password was checked against.
    pub checked: SecretString,
    /// The hash to store in its place, where it was made at another cost.
    pub rehash: Option<SecretString>,
}

/// What goes with the beginning of a session, in its transaction.
#[derive(Debug, Default)]
pub struct Beside<'a> {
    /// The session that began last, as the sessions were counted.
    pub last: Option<SessionId>,
    /// What the user row must still say.
    pub proof: Option<&'a PasswordProof>,
    /// The try that was right, whose count ends.
    pub attempt: Option<&'a Attempt>,
    /// The passkey that was used.
    pub passkey: Option<&'a Use>,
    /// The second factor that was shown, and the ticket to its step.
    pub second: Option<(&'a Factors, &'a FactorUse, &'a Token)>,
    /// What becomes of the trust in the device.
    pub trust: Option<Trust<'a>>,
    /// The places to note that the user signed in at.
    pub places: Vec<Place>,
}

/// What becomes of the trust in a device, with the event that tells of it.
#[derive(Debug)]
pub enum Trust<'a> {
    /// It stood in for the second factor.
    Used(&'a TrustedDevice),
    /// It does from now on.
    Given(&'a TrustedDevice, &'a Event),
}

/// What somebody proves with that it is still them.
#[derive(Debug)]
pub enum StepUpProof<'a> {
    /// Their password.
    Password(&'a PasswordProof),
    /// A mailed code, of this token.
    Code(&'a Tokens, &'a Token),
    /// A passkey.
    Passkey(&'a Use),
    /// A second factor, with the count of tries that ends.
    Factor(&'a Factors, &'a FactorUse, &'a Attempt),
}

/// Which write of a transaction found its condition not met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Write {
    /// The session's row.
    Session,
    /// The user's row.
    User,
    /// The token of a code.
    Token,
    /// The passkey: it is gone, or its counter moved.
    Passkey,
    /// The second factor: the code was used up.
    Factor,
    /// The trust in the device: it was taken back.
    Trust,
    /// The count of tries, or a place: neither has a condition.
    Mark,
    /// The event.
    Event,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    pk: UserId,
    sk: SessionId,
    counter: u64,
    #[serde(with = "millis")]
    rotated_at: Timestamp,
    amr: Vec<String>,
    #[serde(default)]
    epoch: u32,
    #[serde(with = "millis")]
    auth_time: Timestamp,
    #[serde(with = "millis")]
    created_at: Timestamp,
    #[serde(with = "millis")]
    last_used_at: Timestamp,
    #[serde(with = "millis")]
    idle_expires_at: Timestamp,
    #[serde(with = "millis")]
    expires_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ip: Option<IpAddr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user_agent: Option<String>,
    ttl: i64,
}

impl Sessions {
    /// The tables of sessions: sessions, users and events.
    pub fn open(client: &Client, env: &Env) -> Result<Self, EnvError> {
        Ok(Self {
            client: client.clone(),
            table: Table::open(client, env, "SESSIONS_TABLE")?,
            users: Users::open(client, env)?,
            events: Events::open(client, env)?,
        })
    }

    /// Begins a session and ends those that it displaces, at most [`MAX_ENDED_AT_ONCE`], if the
    /// user is still active, the password still the one that was checked, and neither another
    /// session nor an end of all sessions has come since: a reset or a sign-out everywhere at the
    /// same moment wins. The count of wrong passwords ends with it.
    pub async fn begin(
        &self,
        session: &Session,
        displaced: &[SessionId],
        beside: &Beside<'_>,
        event: &Event,
    ) -> Result<(), CommitError<Write>> {
        let mut transaction = Transaction::new()
            .put(Write::Session, self.put_new(session)?)
            .put(Write::Event, self.events.put(event)?);
        for id in displaced {
            transaction = transaction.delete(Write::Session, self.delete(session.user, *id)?);
        }
        if let Some(attempt) = beside.attempt {
            transaction = transaction.delete(Write::Mark, attempt.forget(&self.users)?);
        }
        if let Some(passkey) = beside.passkey {
            transaction = transaction.update(Write::Passkey, passkey.update(&self.users)?);
        }
        if let Some((factors, used, ticket)) = beside.second {
            let consume = factors.consume_ticket(ticket, session.created_at)?;
            transaction = transaction.update(Write::Token, consume);
            transaction = factors.spend(transaction, Write::Factor, used, session.created_at)?;
        }
        transaction = match &beside.trust {
            None => transaction,
            Some(Trust::Used(device)) => {
                let used = device.used(&self.users, session.created_at)?;
                transaction.update(Write::Trust, used)
            }
            Some(Trust::Given(device, event)) => transaction
                .put(Write::Trust, device.put(&self.users)?)
                .put(Write::Event, self.events.put(event)?),
        };
        for place in &beside.places {
            let put = place.put(&self.users, session.user, session.created_at)?;
            transaction = transaction.put(Write::Mark, put);
        }
        transaction
            .update(Write::User, self.begun(session, beside.last, beside.proof)?)
            .commit(&self.client)
            .await
    }

    /// Moves the session on to its next refresh token, if `counter` is the current one's.
    pub async fn rotate(
        &self,
        user: UserId,
        session: SessionId,
        counter: u64,
        source: &Source,
        now: Timestamp,
    ) -> Result<Rotation, StoreError> {
        let mut update = self
            .client
            .update_item()
            .table_name(&self.table.name)
            .set_key(Some(key(user, session)))
            .expression_attribute_names("#counter", "counter")
            .expression_attribute_values(":counter", number(counter))
            .expression_attribute_values(":next", number(counter.saturating_add(1)))
            .expression_attribute_values(":now", time(now))
            .expression_attribute_values(":idle", time(now + IDLE_LIFE))
            .condition_expression(
                "#counter = :counter AND expiresAt > :now AND idleExpiresAt > :now",
            )
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let mut set = "SET #counter = :next, rotatedAt = :now, lastUsedAt = :now, \
                       idleExpiresAt = :idle"
            .to_owned();
        if let Some(ip) = source.ip {
            set.push_str(", ip = :ip");
            update = update.expression_attribute_values(":ip", text(ip));
        }
        if let Some(user_agent) = &source.user_agent {
            set.push_str(", userAgent = :userAgent");
            update = update.expression_attribute_values(":userAgent", text(user_agent));
        }
        let error = match update.update_expression(set).send().await {
            Ok(answer) => {
                return session_of(answer.attributes.unwrap_or_default()).map(Rotation::Rotated);
            }
            Err(error) => error,
        };
        match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(refusal)) => {
                match refusal.item() {
                    Some(item) if !item.is_empty() => session_of(item.clone()).map(Rotation::Stale),
                    _ => Ok(Rotation::Gone),
                }
            }
            _ => Err(error.into()),
        }
    }

    /// A user and one of their sessions in one round trip.
    pub async fn with_user(
        &self,
        user: UserId,
        session: SessionId,
    ) -> Result<(Option<User>, Option<Session>), StoreError> {
        let (user, session) = self
            .users
            .table
            .read_beside(users::profile_key(user), &self.table, key(user, session))
            .await?;
        Ok((
            user.map(users::user_of).transpose()?,
            session.map(session_of).transpose()?,
        ))
    }

    /// All rows of a user's sessions, dead ones that TTL has not swept yet included.
    pub async fn of_user(&self, user: UserId) -> Result<Vec<Session>, StoreError> {
        let mut pages = self
            .client
            .query()
            .table_name(&self.table.name)
            .key_condition_expression("pk = :user")
            .expression_attribute_values(":user", text(user))
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let mut sessions = Vec::new();
        while let Some(item) = pages.next().await {
            sessions.push(session_of(item?)?);
        }
        Ok(sessions)
    }

    /// Forgets a session, whatever became of it.
    pub async fn forget(&self, user: UserId, session: SessionId) -> Result<(), StoreError> {
        self.client
            .delete_item()
            .table_name(&self.table.name)
            .set_key(Some(key(user, session)))
            .send()
            .await?;
        Ok(())
    }

    /// Ends one session. Refused where there is none.
    pub async fn end(
        &self,
        user: UserId,
        session: SessionId,
        event: &Event,
    ) -> Result<(), CommitError<Write>> {
        let delete = Delete::builder()
            .table_name(&self.table.name)
            .set_key(Some(key(user, session)))
            .condition_expression("attribute_exists(pk)")
            .build()
            .map_err(|error| StoreError::inconsistent(TABLE, error))?;
        Transaction::new()
            .delete(Write::Session, delete)
            .put(Write::Event, self.events.put(event)?)
            .commit(&self.client)
            .await
    }

    /// Ends these sessions, at most [`MAX_ENDED_AT_ONCE`]; and, with `valid_after`, every other
    /// session of the user that began at that moment or before.
    pub async fn end_many(
        &self,
        user: UserId,
        sessions: &[SessionId],
        valid_after: Option<Timestamp>,
        event: &Event,
    ) -> Result<(), CommitError<Write>> {
        let mut transaction = Transaction::new().put(Write::Event, self.events.put(event)?);
        for id in sessions {
            transaction = transaction.delete(Write::Session, self.delete(user, *id)?);
        }
        if let Some(at) = valid_after {
            let update = Update::builder()
                .table_name(&self.users.table.name)
                .set_key(Some(users::profile_key(user)))
                .update_expression("SET tokensValidAfter = :at REMOVE keptSession")
                .condition_expression(
                    "attribute_exists(pk) AND \
                     (attribute_not_exists(tokensValidAfter) OR tokensValidAfter <= :at)",
                )
                .expression_attribute_values(":at", time(at))
                .build()
                .map_err(|error| StoreError::inconsistent(TABLE, error))?;
            transaction = transaction.update(Write::User, update);
        }
        transaction.commit(&self.client).await
    }

    /// Notes that the user proved anew who they are, if nothing of the account has changed since
    /// the proof was looked at.
    pub async fn step_up(
        &self,
        session: &Session,
        user: &User,
        proof: &StepUpProof<'_>,
        event: &Event,
        now: Timestamp,
    ) -> Result<(), CommitError<Write>> {
        let amr = session.amr.iter().map(text).collect();
        let update = Update::builder()
            .table_name(&self.table.name)
            .set_key(Some(key(session.user, session.id)))
            .update_expression("SET authTime = :authTime, amr = :amr")
            .condition_expression("expiresAt > :now AND idleExpiresAt > :now")
            .expression_attribute_values(":authTime", time(session.auth_time))
            .expression_attribute_values(":amr", AttributeValue::L(amr))
            .expression_attribute_values(":now", time(now))
            .build()
            .map_err(|error| StoreError::inconsistent(TABLE, error))?;
        let mut row = self.users.change(user);
        let mut transaction = Transaction::new()
            .update(Write::Session, update)
            .put(Write::Event, self.events.put(event)?);
        match proof {
            StepUpProof::Password(proof) => {
                let current = proof.rehash.as_ref().unwrap_or(&proof.checked);
                row = row
                    .when("passwordHash = :checked")
                    .with(":checked", text(proof.checked.expose_secret()))
                    .set("passwordHash", text(current.expose_secret()));
            }
            StepUpProof::Code(tokens, token) => {
                row = row.set("epoch", number(user.epoch));
                transaction = transaction
                    .update(Write::Token, tokens.consume(token, Half::Code, now)?)
                    .delete(Write::Token, tokens.settle(token)?);
            }
            StepUpProof::Factor(factors, used, attempt) => {
                row = row.set("epoch", number(user.epoch));
                transaction = factors
                    .spend(transaction, Write::Factor, used, now)?
                    .delete(Write::Mark, attempt.forget(&self.users)?);
            }
            StepUpProof::Passkey(passkey) => {
                row = row.set("epoch", number(user.epoch));
                transaction = transaction.update(Write::Passkey, passkey.update(&self.users)?);
            }
        }
        transaction
            .update(Write::User, row.build()?)
            .commit(&self.client)
            .await
    }

    /// A user and all rows of their sessions, read anew.
    pub async fn anew(&self, user: UserId) -> Result<(Option<User>, Vec<Session>), StoreError> {
        tokio::try_join!(self.users.get(user), self.of_user(user))
    }

    /// Gives out a ticket to the second step of a sign-in, if the user is still active and the
    /// password still the one that was checked. The count of wrong passwords ends with it.
    pub async fn give_ticket(
        &self,
        factors: &Factors,
        ticket: &Token,
        beside: &Beside<'_>,
        now: Timestamp,
    ) -> Result<(), CommitError<Write>> {
        let mut transaction = Transaction::new().put(Write::Token, factors.put_ticket(ticket)?);
        if let Some(attempt) = beside.attempt {
            transaction = transaction.delete(Write::Mark, attempt.forget(&self.users)?);
        }
        let rehashes = beside.proof.is_some_and(|proof| proof.rehash.is_some());
        transaction = if rehashes {
            let row = self.active_row(ticket.user, beside.proof, now).build()?;
            transaction.update(Write::User, row)
        } else {
            let check = self.still_active(ticket.user, beside.proof, now)?;
            transaction.check(Write::User, check)
        };
        transaction.commit(&self.client).await
    }

    fn put_new(&self, session: &Session) -> Result<Put, StoreError> {
        let row = Row {
            pk: session.user,
            sk: session.id,
            counter: session.counter,
            rotated_at: session.rotated_at,
            amr: session.amr.clone(),
            epoch: session.epoch,
            auth_time: session.auth_time,
            created_at: session.created_at,
            last_used_at: session.last_used_at,
            idle_expires_at: session.idle_expires_at,
            expires_at: session.expires_at,
            ip: session.source.ip,
            user_agent: session.source.user_agent.clone(),
            ttl: ttl(session.expires_at),
        };
        Put::builder()
            .table_name(&self.table.name)
            .set_item(Some(item::to_item(TABLE, &row)?))
            .condition_expression("attribute_not_exists(pk)")
            .build()
            .map_err(|error| StoreError::inconsistent(TABLE, error))
    }

    /// Deletes the rows of these sessions with a change that ends them, at most
    /// [`MAX_ENDED_BESIDE`].
    pub(crate) fn delete_beside<L: Copy + std::fmt::Debug>(
        &self,
        mut transaction: Transaction<L>,
        label: L,
        user: UserId,
        sessions: &[SessionId],
    ) -> Result<Transaction<L>, StoreError> {
        for session in sessions.iter().take(MAX_ENDED_BESIDE) {
            transaction = transaction.delete(label, self.delete(user, *session)?);
        }
        Ok(transaction)
    }

    /// The write that deletes a session's row.
    fn delete(&self, user: UserId, session: SessionId) -> Result<Delete, StoreError> {
        Delete::builder()
            .table_name(&self.table.name)
            .set_key(Some(key(user, session)))
            .build()
            .map_err(|error| StoreError::inconsistent(TABLE, error))
    }

    fn still_active(
        &self,
        user: UserId,
        proof: Option<&PasswordProof>,
        now: Timestamp,
    ) -> Result<ConditionCheck, StoreError> {
        let check = ConditionCheck::builder()
            .table_name(&self.users.table.name)
            .set_key(Some(users::profile_key(user)))
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":active", text("active"))
            .expression_attribute_values(":createdAt", time(now));
        match proof {
            Some(proof) => check
                .condition_expression(format!("{STILL_ACTIVE} AND {STILL_THE_PASSWORD}"))
                .expression_attribute_values(":checked", text(proof.checked.expose_secret())),
            None => check.condition_expression(STILL_ACTIVE),
        }
        .build()
        .map_err(|error| StoreError::inconsistent(TABLE, error))
    }

    /// A change of the user's row, if they are still active at `now` and the password is the one that
    /// was checked, which may be hashed anew.
    fn active_row(&self, user: UserId, proof: Option<&PasswordProof>, now: Timestamp) -> Change {
        let row = Change::of(&self.users, users::profile_key(user))
            .when(STILL_ACTIVE)
            .named("#status", "status")
            .with(":active", text("active"))
            .with(":createdAt", time(now));
        let Some(proof) = proof else {
            return row;
        };
        let row = row
            .when(STILL_THE_PASSWORD)
            .with(":checked", text(proof.checked.expose_secret()));
        match &proof.rehash {
            Some(new) => row.set("passwordHash", text(new.expose_secret())),
            None => row,
        }
    }

    /// The write by which a session is the last that began, after `last`.
    fn begun(
        &self,
        session: &Session,
        last: Option<SessionId>,
        proof: Option<&PasswordProof>,
    ) -> Result<Update, StoreError> {
        let row = self
            .active_row(session.user, proof, session.created_at)
            .set("lastSession", text(session.id));
        let row = match last {
            Some(last) => row.when("lastSession = :last").with(":last", text(last)),
            None => row.when("attribute_not_exists(lastSession)"),
        };
        row.build()
    }
}

/// What a user row must say for a session to begin.
const STILL_ACTIVE: &str = "#status = :active AND \
     (attribute_not_exists(tokensValidAfter) OR tokensValidAfter < :createdAt)";

/// The same, where a password was checked.
const STILL_THE_PASSWORD: &str = "passwordHash = :checked";

fn key(user: UserId, session: SessionId) -> Item {
    HashMap::from([
        ("pk".to_owned(), text(user)),
        ("sk".to_owned(), text(session)),
    ])
}

fn session_of(item: Item) -> Result<Session, StoreError> {
    let row: Row = item::from_item(TABLE, item)?;
    Ok(Session {
        id: row.sk,
        user: row.pk,
        counter: row.counter,
        rotated_at: row.rotated_at,
        amr: row.amr,
        epoch: row.epoch,
        auth_time: row.auth_time,
        created_at: row.created_at,
        last_used_at: row.last_used_at,
        idle_expires_at: row.idle_expires_at,
        expires_at: row.expires_at,
        source: Source {
            ip: row.ip,
            user_agent: row.user_agent,
        },
    })
}
