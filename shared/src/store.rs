//! DynamoDB, concrete: one struct for each table's use cases, one method for each access pattern.
//!
//! What can be used up is used up by one conditional write: [`transaction::Transaction`] for
//! things that change together, and single conditional updates for counters. Nothing here reads a
//! value and then writes what it decided from it without a condition on that value.

pub mod challenges;
mod change;
pub(crate) mod client;
pub mod deliveries;
pub mod erasure;
pub mod events;
pub mod factors;
pub mod item;
pub mod lockouts;
pub mod passkeys;
pub mod places;
pub mod plans;
pub mod profiles;
pub mod sessions;
pub mod sign_ups;
pub mod statuses;
pub mod tokens;
pub mod transaction;
pub mod trusted_devices;
pub mod undeliverable;
pub mod user_index;
pub mod users;

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::batch_get_item::BatchGetItemOutput;
use aws_sdk_dynamodb::types::KeysAndAttributes;

use self::item::Item;
use crate::env::{Env, EnvError};
use crate::telemetry::chain;

/// Why the store could not say or do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// DynamoDB is away, throttles, or took too long. The caller may try again.
    #[error("the store is not available: {0}")]
    Unavailable(String),
    /// DynamoDB refused the request as such: a fault of ours, or of the deployment.
    #[error("the store refused the request: {0}")]
    Refused(String),
    /// A row is not what the code writes.
    #[error("a row of {table} can't be read")]
    Inconsistent {
        /// The kind of row.
        table: &'static str,
        /// What is wrong with it.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl StoreError {
    /// A row that can't be read.
    pub(crate) fn inconsistent(
        table: &'static str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Inconsistent {
            table,
            source: source.into(),
        }
    }
}

impl<E, R> From<SdkError<E, R>> for StoreError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    fn from(error: SdkError<E, R>) -> Self {
        let text = match error.as_service_error() {
            // Never the raw answer, which may hold a row.
            Some(service) => format!(
                "{}: {}",
                service.code().unwrap_or("unknown"),
                service.message().unwrap_or("no message")
            ),
            None => chain(&error),
        };
        let ours = error.as_service_error().is_some_and(|service| {
            matches!(
                service.code(),
                Some(
                    "ValidationException"
                        | "ResourceNotFoundException"
                        | "AccessDeniedException"
                        | "ItemCollectionSizeLimitExceededException"
                )
            )
        });
        if ours {
            Self::Refused(text)
        } else {
            Self::Unavailable(text)
        }
    }
}

/// The names of the tables; a function is given only those it uses.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    pub(crate) client: Client,
    pub(crate) name: String,
}

impl Table {
    /// One row.
    pub(crate) async fn read(&self, key: Item) -> Result<Option<Item>, StoreError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.name)
            .set_key(Some(key))
            .consistent_read(true)
            .send()
            .await?;
        Ok(answer.item)
    }

    /// One row of each of two tables, in one round trip.
    pub(crate) async fn read_beside(
        &self,
        key: Item,
        other: &Self,
        other_key: Item,
    ) -> Result<(Option<Item>, Option<Item>), StoreError> {
        let keys = |key| {
            KeysAndAttributes::builder()
                .keys(key)
                .consistent_read(true)
                .build()
                .map_err(|error| StoreError::inconsistent("keys", error))
        };
        let answer = self
            .client
            .batch_get_item()
            .request_items(&self.name, keys(key)?)
            .request_items(&other.name, keys(other_key)?)
            .send()
            .await?;
        let mut rows = whole(answer)?;
        let mut row = |table: &Self| rows.remove(&table.name).and_then(|mut found| found.pop());
        Ok((row(self), row(other)))
    }

    pub(crate) fn open(client: &Client, env: &Env, setting: &str) -> Result<Self, EnvError> {
        Ok(Self {
            client: client.clone(),
            name: env.required(setting)?.to_owned(),
        })
    }
}

/// The rows of a batch, by table. DynamoDB leaves keys unread when it throttles; half an answer
/// is none.
pub(crate) fn whole(answer: BatchGetItemOutput) -> Result<HashMap<String, Vec<Item>>, StoreError> {
    if answer
        .unprocessed_keys()
        .is_some_and(|left| !left.is_empty())
    {
        return Err(StoreError::Unavailable("keys left unread".to_owned()));
    }
    Ok(answer.responses.unwrap_or_default())
}
