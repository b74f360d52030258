//! How many wrong passwords were tried: rows `lockout#<bucket>` beside the user's own in the
//! `users` table, or of a name that nobody goes by.
//!
//! One row for each bucket, so that strangers who hammer theirs don't get in the way of the
//! owner's. A row that is not there says that nothing has been counted.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{
    AttributeValue, Delete, ReturnValue, ReturnValuesOnConditionCheckFailure, Update,
};
use jiff::Timestamp;
use serde::Deserialize;

use super::StoreError;
use super::events::Events;
use super::item::{self, Item, millis, number, text, time, ttl};
use super::transaction::{CommitError, Transaction, wait};
use super::users::{Holder, Users};
use crate::domain::event::Event;
use crate::domain::id::{EventId, TryId, UserId};
use crate::domain::identifier::Identifier;
use crate::domain::lockout::{Bucket, FREE_TRIES, Next, QUIET, Tally, wait_after};
use crate::env::{Env, EnvError};
use crate::keys::Keyring;

const TABLE: &str = "lockouts";
const PREFIX: &str = "lockout#";

/// How often a count that others got in the way of is tried. Whoever loses to five of them finds
/// a lock, so this is more than are ever needed.
const ROUNDS: u32 = 12;

/// The most rows that are deleted with an event: DynamoDB takes 100 writes at once.
const MAX_CLEARED_BESIDE: usize = 99;

/// Counts tries of passwords.
#[derive(Debug, Clone)]
pub struct Lockouts {
    users: Users,
    events: Events,
}

/// Whose password is tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Account {
    /// A user's, by whatever name.
    User(UserId),
    /// Nobody's: a hash of the name that was typed.
    Nobody(String),
}

/// A try that has been counted.
#[derive(Debug, Clone)]
pub struct Attempt {
    account: Account,
    bucket: Bucket,
    /// What stands in the row now.
    tally: Tally,
    /// What stood there before, where it is known.
    before: Option<Tally>,
}

/// What became of counting a try.
#[derive(Debug)]
pub enum Counted {
    /// Its password may be looked at.
    Admitted(Attempt),
    /// It has to wait.
    Locked {
        /// The try that locked the bucket.
        by: Attempt,
        /// When the next one may come.
        until: Timestamp,
    },
    /// It need not wait any more, but this try before it locked the bucket and died before anybody
    /// was told. That comes first: what is counted now takes its place.
    Untold(Attempt),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    tries: u32,
    #[serde(with = "millis")]
    last_at: Timestamp,
    #[serde(default)]
    settled: bool,
    /// Whose count it is: by it one that is repeated, since its answer was lost, knows itself.
    #[serde(default)]
    last_try: Option<TryId>,
}

impl From<Row> for Tally {
    fn from(row: Row) -> Self {
        Self {
            tries: row.tries,
            last_at: row.last_at,
            settled: row.settled,
        }
    }
}

/// What became of one write.
enum Written {
    Done(Tally),
    Refused(Option<Tally>),
    Busy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Write {
    Tally,
    Event,
}

impl Account {
    /// Whose password is tried by this name. A sign-up that waits for its address is nobody yet:
    /// whoever signs up with a locked address must not see by it whether it had an account.
    pub fn of(holder: Option<Holder>, name: &Identifier, keys: &Keyring) -> Self {
        match holder.filter(Holder::is_firm) {
            Some(holder) => Self::User(holder.user),
            None => Self::Nobody(keys.lookup("lockout", name.key())),
        }
    }

    /// What tells it from all others, in keys of the table and the cache.
    pub(crate) fn key(&self) -> String {
        match self {
            Self::User(user) => format!("user#{user}"),
            Self::Nobody(hash) => format!("nobody#{hash}"),
        }
    }
}

impl Attempt {
    /// Whose password is tried.
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// Which bucket it was counted in.
    pub fn bucket(&self) -> &Bucket {
        &self.bucket
    }

    /// How many there have been in a row, with this one.
    pub fn tries(&self) -> u32 {
        self.tally.tries
    }

    /// Until when the bucket is locked, should this one fail.
    pub fn locks_until(&self) -> Option<Timestamp> {
        let wait = wait_after(self.tally.tries);
        (!wait.is_zero()).then(|| self.tally.last_at + wait)
    }

    /// When it was counted.
    pub fn counted_at(&self) -> Timestamp {
        self.tally.last_at
    }

    /// Whether it is known to have failed, and was told of.
    pub fn is_settled(&self) -> bool {
        self.tally.settled
    }

    /// The write that forgets what was counted, for the transaction of a success.
    pub(crate) fn forget(&self, users: &Users) -> Result<Delete, StoreError> {
        delete_of(users, key(&self.account, &self.bucket))
    }
}

impl Lockouts {
    /// The tables of lockouts: users and events.
    pub fn open(client: &Client, env: &Env) -> Result<Self, EnvError> {
        Ok(Self {
            users: Users::open(client, env)?,
            events: Events::open(client, env)?,
        })
    }

    /// Counts one more try, before its password is looked at, unless the bucket is locked.
    ///
    /// The fourth and all before it are counted by one write. From the fifth on each is counted on
    /// the condition that no other was since the row was read, and the lock stands with the count:
    /// of any number at once, no more than five are let through.
    ///
    /// The row notes whose count it is. One that is repeated, because its answer was lost, finds
    /// itself done: it neither counts twice nor meets a lock of its own.
    pub async fn count(
        &self,
        account: &Account,
        bucket: &Bucket,
        by: TryId,
        now: Timestamp,
    ) -> Result<Counted, StoreError> {
        let attempt = |tally, before| Attempt {
            account: account.clone(),
            bucket: bucket.clone(),
            tally,
            before,
        };
        let mut seen: Option<Tally> = None;
        for round in 1..=ROUNDS {
            let update = self.update(account, bucket, by, now);
            let update = match &seen {
                None => first(update, now),
                Some(tally) => match tally.next(now) {
                    Next::Count(_) if tally.is_untold() => {
                        return Ok(Counted::Untold(attempt(*tally, None)));
                    }
                    Next::Count(tries) => after(update, tally, tries),
                    Next::Locked { until } => {
                        let by = attempt(*tally, None);
                        return Ok(Counted::Locked { by, until });
                    }
                },
            };
            match write(update, by).await? {
                Written::Done(tally) => return Ok(Counted::Admitted(attempt(tally, seen))),
                Written::Refused(found) => seen = found,
                Written::Busy => wait(round.min(3)).await,
            }
        }
        Err(StoreError::Unavailable("too many tries at once".to_owned()))
    }

    /// Notes that a try which locks its bucket has failed, with the event that tells of it. For
    /// nobody there is no event, but a look at the place where it would be, so that time does not
    /// tell the two apart. Does nothing where a success came in between, or somebody else told.
    pub async fn settle(
        &self,
        attempt: &Attempt,
        event: Result<&Event, EventId>,
    ) -> Result<(), StoreError> {
        let tally = &attempt.tally;
        let update = Update::builder()
            .table_name(&self.users.table.name)
            .set_key(Some(key(&attempt.account, &attempt.bucket)))
            .update_expression("SET settled = :true")
            .condition_expression(
                "tries = :tries AND lastAt = :lastAt \
                 AND (attribute_not_exists(settled) OR settled = :false)",
            )
            .expression_attribute_values(":true", AttributeValue::Bool(true))
            .expression_attribute_values(":false", AttributeValue::Bool(false))
            .expression_attribute_values(":tries", number(tally.tries))
            .expression_attribute_values(":lastAt", time(tally.last_at))
            .build()
            .map_err(|error| StoreError::inconsistent(TABLE, error))?;
        let transaction = Transaction::new().update(Write::Tally, update);
        let transaction = match event {
            Ok(event) => transaction.put(Write::Event, self.events.put(event)?),
            Err(id) => transaction.check(Write::Event, self.events.absent(id)?),
        };
        match transaction.commit(&self.users.table.client).await {
            Ok(()) | Err(CommitError::Refused(_)) => Ok(()),
            Err(CommitError::Store(error)) => Err(error),
        }
    }

    /// Takes back a try that came to nothing, if no other was counted since.
    pub async fn take_back(&self, attempt: &Attempt) -> Result<(), StoreError> {
        let tally = &attempt.tally;
        let before = attempt.before.unwrap_or(Tally {
            tries: tally.tries.saturating_sub(1),
            ..*tally
        });
        let update = self
            .users
            .table
            .client
            .update_item()
            .table_name(&self.users.table.name)
            .set_key(Some(key(&attempt.account, &attempt.bucket)))
            .update_expression("SET tries = :before, lastAt = :beforeAt, settled = :settled")
            .condition_expression("tries = :tries AND lastAt = :lastAt")
            .expression_attribute_values(":tries", number(tally.tries))
            .expression_attribute_values(":lastAt", time(tally.last_at))
            .expression_attribute_values(":before", number(before.tries))
            .expression_attribute_values(":beforeAt", time(before.last_at))
            .expression_attribute_values(":settled", AttributeValue::Bool(before.settled));
        match update.send().await {
            Ok(_) => Ok(()),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(UpdateItemError::is_conditional_check_failed_exception) =>
            {
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The write that forgets it, for the transaction of a success.
    pub(crate) fn forgetting(&self, attempt: &Attempt) -> Result<Delete, StoreError> {
        attempt.forget(&self.users)
    }

    /// Forgets what was counted in the bucket of a try, after a success.
    pub async fn forget(&self, attempt: &Attempt) -> Result<(), StoreError> {
        self.delete(key(&attempt.account, &attempt.bucket)).await
    }

    /// Forgets the passwords that were counted for a user, and with them every lock of theirs. Not
    /// the second factors: whoever reads the user's mail would else have new tries at those with
    /// each reset.
    pub async fn clear(&self, user: UserId) -> Result<(), StoreError> {
        let kept = key(&Account::User(user), &Bucket::SecondFactor);
        for row in self.of_user(user).await? {
            if row != kept {
                self.delete(row).await?;
            }
        }
        Ok(())
    }

    /// The same in one transaction with the event that tells of it. Of more than 99 rows the rest
    /// goes after it: strangers share one, and nobody fails on that many devices of their own.
    ///
    /// Where nothing was counted nothing changes and there is no event: an unlock that is asked
    /// for again, because its answer was lost, is told of once.
    pub async fn unlock(&self, user: UserId, event: &Event) -> Result<(), StoreError> {
        let mut rows = self.of_user(user).await?;
        if rows.is_empty() {
            return Ok(());
        }
        let rest = rows.split_off(rows.len().min(MAX_CLEARED_BESIDE));
        let mut transaction = Transaction::new().put(Write::Event, self.events.put(event)?);
        for row in rows {
            let delete = delete_of(&self.users, row)?;
            transaction = transaction.delete(Write::Tally, delete);
        }
        match transaction.commit(&self.users.table.client).await {
            Ok(()) => {}
            Err(CommitError::Refused(_)) => {
                return Err(StoreError::inconsistent("events", "the id is taken"));
            }
            Err(CommitError::Store(error)) => return Err(error),
        }
        for row in rest {
            self.delete(row).await?;
        }
        Ok(())
    }

    /// The keys of all rows of a user.
    async fn of_user(&self, user: UserId) -> Result<Vec<Item>, StoreError> {
        let mut rows = self
            .users
            .table
            .client
            .query()
            .table_name(&self.users.table.name)
            .key_condition_expression("pk = :user AND begins_with(sk, :lockout)")
            .expression_attribute_values(":user", text(Account::User(user).key()))
            .expression_attribute_values(":lockout", text(PREFIX))
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let mut keys = Vec::new();
        while let Some(row) = rows.next().await {
            let mut row = row?;
            row.retain(|name, _| name == "pk" || name == "sk");
            keys.push(row);
        }
        Ok(keys)
    }

    async fn delete(&self, key: Item) -> Result<(), StoreError> {
        self.users
            .table
            .client
            .delete_item()
            .table_name(&self.users.table.name)
            .set_key(Some(key))
            .send()
            .await?;
        Ok(())
    }

    fn update(
        &self,
        account: &Account,
        bucket: &Bucket,
        by: TryId,
        now: Timestamp,
    ) -> UpdateItemFluentBuilder {
        self.users
            .table
            .client
            .update_item()
            .table_name(&self.users.table.name)
            .set_key(Some(key(account, bucket)))
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":try", text(by))
            .expression_attribute_values(":now", time(now))
            .expression_attribute_values(":ttl", number(ttl(now + QUIET)))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    }
}

/// One of the first four, or the first after a success.
fn first(update: UpdateItemFluentBuilder, now: Timestamp) -> UpdateItemFluentBuilder {
    update
        .update_expression("SET lastAt = :now, lastTry = :try, #ttl = :ttl ADD tries :one")
        .condition_expression(
            "attribute_not_exists(pk) OR (tries < :lastFree AND lastAt > :quiet \
             AND (attribute_not_exists(lastTry) OR lastTry <> :try))",
        )
        .expression_attribute_values(":one", number(1))
        .expression_attribute_values(":lastFree", number(FREE_TRIES - 1))
        .expression_attribute_values(":quiet", time(now - QUIET))
}

/// The one that makes it this many, where nothing has changed since the row was read.
fn after(update: UpdateItemFluentBuilder, seen: &Tally, tries: u32) -> UpdateItemFluentBuilder {
    update
        .update_expression(
            "SET tries = :tries, lastAt = :now, lastTry = :try, #ttl = :ttl REMOVE settled",
        )
        .condition_expression("tries = :seen AND lastAt = :seenAt")
        .expression_attribute_values(":tries", number(tries))
        .expression_attribute_values(":seen", number(seen.tries))
        .expression_attribute_values(":seenAt", time(seen.last_at))
}

async fn write(update: UpdateItemFluentBuilder, by: TryId) -> Result<Written, StoreError> {
    let error = match update.send().await {
        Ok(answer) => {
            let row = row_of(answer.attributes.unwrap_or_default())?;
            return Ok(Written::Done(row.into()));
        }
        Err(error) => error,
    };
    match error.as_service_error() {
        Some(UpdateItemError::ConditionalCheckFailedException(refusal)) => {
            let row = refusal.item().filter(|row| !row.is_empty()).cloned();
            Ok(match row.map(row_of).transpose()? {
                Some(row) if row.last_try == Some(by) => Written::Done(row.into()),
                row => Written::Refused(row.map(Tally::from)),
            })
        }
        // A success is deleting the row at this moment.
        Some(UpdateItemError::TransactionConflictException(_)) => Ok(Written::Busy),
        _ => Err(error.into()),
    }
}

fn row_of(row: Item) -> Result<Row, StoreError> {
    item::from_item(TABLE, row)
}

fn delete_of(users: &Users, key: Item) -> Result<Delete, StoreError> {
    Delete::builder()
        .table_name(&users.table.name)
        .set_key(Some(key))
        .build()
        .map_err(|error| StoreError::inconsistent(TABLE, error))
}

fn key(account: &Account, bucket: &Bucket) -> Item {
    let bucket = match bucket {
        Bucket::Unknown => "unknown".to_owned(),
        Bucket::Device(id) => format!("device#{id}"),
        Bucket::Place(hash) => format!("place#{hash}"),
        Bucket::Session => "session".to_owned(),
        Bucket::SecondFactor => "second-factor".to_owned(),
    };
    HashMap::from([
        ("pk".to_owned(), text(account.key())),
        ("sk".to_owned(), text(format!("{PREFIX}{bucket}"))),
    ])
}
