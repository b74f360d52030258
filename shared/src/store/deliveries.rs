//! What has been sent already: rows `delivery#<key>` of the `tokens` table.
//!
//! A stream brings each event at least once, and a function can die at any moment. Whoever wants
//! to send claims the delivery first, for as long as a send may take, and notes afterwards that it
//! is done. One who dies between the two leaves the claim to lapse, and the mail goes out a second
//! time at most.

use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::item::{self, millis, number, text, time, ttl};
use super::{StoreError, Table};
use crate::domain::id::TryId;
use crate::env::{Env, EnvError};
use crate::random::Random;

const TABLE: &str = "deliveries";

/// How long a claim holds. Longer than a function may run, so that nobody sends twice at once.
const LEASE: SignedDuration = SignedDuration::from_secs(60);

/// How long it is remembered that something was sent: longer than an event can come again, with
/// the day that a stream keeps it and the 14 that a dead-letter queue does.
const MEMORY: SignedDuration = SignedDuration::from_hours(40 * 24);

/// Remembers what has been sent.
#[derive(Clone)]
pub struct Deliveries {
    table: Table,
    random: Arc<dyn Random>,
}

/// What became of the wish to send something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// It is the caller's to send.
    Fresh,
    /// It has been sent.
    Done,
    /// Somebody else is sending it, or died over it a moment ago. Come again.
    Busy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Sending,
    Sent,
}

impl State {
    fn as_str(self) -> &'static str {
        match self {
            Self::Sending => "sending",
            Self::Sent => "sent",
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    pk: String,
    state: State,
    #[serde(with = "millis")]
    lease_until: Timestamp,
    /// Whose claim it is: by it one that is repeated, since its answer was lost, knows itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    by: Option<TryId>,
    ttl: i64,
}

impl Deliveries {
    /// The table that `TOKENS_TABLE` names.
    pub fn open(client: &Client, env: &Env, random: Arc<dyn Random>) -> Result<Self, EnvError> {
        Ok(Self {
            table: Table::open(client, env, "TOKENS_TABLE")?,
            random,
        })
    }

    /// Claims a delivery that nobody has made and nobody is making at `now`.
    pub async fn claim(&self, key: &str, now: Timestamp) -> Result<Claim, StoreError> {
        let by = TryId::new(now, &*self.random);
        let row = Row {
            pk: pk(key),
            state: State::Sending,
            lease_until: now + LEASE,
            by: Some(by),
            ttl: ttl(now + MEMORY),
        };
        let claimed = self
            .table
            .client
            .put_item()
            .table_name(&self.table.name)
            .set_item(Some(item::to_item(TABLE, &row)?))
            .condition_expression(
                "attribute_not_exists(pk) OR (#state = :sending AND leaseUntil < :now)",
            )
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":sending", text(State::Sending.as_str()))
            .expression_attribute_values(":now", time(now))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let Err(error) = claimed else {
            return Ok(Claim::Fresh);
        };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(refusal)) => {
                held(refusal.item.clone(), by)
            }
            _ => Err(error.into()),
        }
    }

    /// Notes that a delivery has been made. That stays true whoever says it and however often, so
    /// there is no condition.
    pub async fn done(&self, key: &str, now: Timestamp) -> Result<(), StoreError> {
        let row = Row {
            pk: pk(key),
            state: State::Sent,
            lease_until: now,
            by: None,
            ttl: ttl(now + MEMORY),
        };
        self.table
            .client
            .put_item()
            .table_name(&self.table.name)
            .set_item(Some(item::to_item(TABLE, &row)?))
            .send()
            .await?;
        Ok(())
    }

    /// Gives back the claim made at `claimed_at`, because the delivery failed: the next attempt
    /// need not wait for it to lapse.
    pub async fn release(&self, key: &str, claimed_at: Timestamp) -> Result<(), StoreError> {
        let released = self
            .table
            .client
            .update_item()
            .table_name(&self.table.name)
            .key("pk", text(pk(key)))
            .update_expression("SET leaseUntil = :past")
            .condition_expression("#state = :sending AND leaseUntil = :mine")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":sending", text(State::Sending.as_str()))
            .expression_attribute_values(":mine", time(claimed_at + LEASE))
            .expression_attribute_values(":past", number(0))
            .send()
            .await;
        match released {
            Ok(_) => Ok(()),
            // The claim lapsed and is another's by now.
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
}

/// What the row says that stood in the way of a claim by this caller.
fn held(row: Option<item::Item>, by: TryId) -> Result<Claim, StoreError> {
    let Some(row) = row else {
        return Ok(Claim::Busy);
    };
    let row: Row = item::from_item(TABLE, row)?;
    Ok(match row.state {
        State::Sending if row.by == Some(by) => Claim::Fresh,
        State::Sending => Claim::Busy,
        State::Sent => Claim::Done,
    })
}

fn pk(key: &str) -> String {
    format!("delivery#{key}")
}
