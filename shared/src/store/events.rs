//! The `events` table: audit log and outbox in one. Written inside transactions, read as a stream.

use std::net::IpAddr;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::Put;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::item::{self, millis, ttl};
use super::{StoreError, Table};
use crate::domain::event::{Event, EventKind};
use crate::domain::id::{EventId, UserId};
use crate::domain::session::Source;
use crate::env::{Env, EnvError};

const TABLE: &str = "events";

/// How long events are kept where the setting says nothing (ASVS 16.4: over a year).
const DEFAULT_RETENTION_DAYS: i64 = 400;

/// Writes events beside the changes that they tell of.
#[derive(Debug, Clone)]
pub struct Events {
    table: Table,
    retention: SignedDuration,
}

/// An event as the table has it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    pk: String,
    sk: EventId,
    user_id: UserId,
    #[serde(with = "millis")]
    at: Timestamp,
    #[serde(flatten)]
    kind: EventKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ip: Option<IpAddr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user_agent: Option<String>,
    request_id: String,
    ttl: i64,
}

impl Events {
    /// The table that `EVENTS_TABLE` names, rows kept for `EVENT_RETENTION_DAYS`.
    pub fn open(client: &Client, env: &Env) -> Result<Self, EnvError> {
        let days: i64 = env.parsed_or("EVENT_RETENTION_DAYS", DEFAULT_RETENTION_DAYS)?;
        if !(1..=36_500).contains(&days) {
            return Err(EnvError::Invalid("EVENT_RETENTION_DAYS".to_owned()));
        }
        Ok(Self {
            table: Table::open(client, env, "EVENTS_TABLE")?,
            retention: SignedDuration::from_hours(24 * days),
        })
    }

    /// The write of an event, for the transaction of the change that it tells of.
    pub(crate) fn put(&self, event: &Event) -> Result<Put, StoreError> {
        let row = Row {
            pk: format!("user#{}", event.user),
            sk: event.id,
            user_id: event.user,
            at: event.at,
            kind: event.kind.clone(),
            ip: event.source.ip,
            user_agent: event.source.user_agent.clone(),
            request_id: event.request_id.clone(),
            ttl: ttl(event.at + self.retention),
        };
        Put::builder()
            .table_name(&self.table.name)
            .set_item(Some(item::to_item(TABLE, &row)?))
            .condition_expression("attribute_not_exists(pk)")
            .build()
            .map_err(|error| StoreError::inconsistent(TABLE, error))
    }
}

/// The event of a new row in the table's stream.
pub fn from_stream<T>(image: T) -> Result<Event, StoreError>
where
    T: Into<serde_dynamo::Item>,
{
    let row: Row = serde_dynamo::from_item(image.into())
        .map_err(|error| StoreError::inconsistent(TABLE, error))?;
    Ok(Event {
        id: row.sk,
        user: row.user_id,
        at: row.at,
        kind: row.kind,
        source: Source {
            ip: row.ip,
            user_agent: row.user_agent,
        },
        request_id: row.request_id,
    })
}
