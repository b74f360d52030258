//! The `events` table: audit log and outbox in one. Written inside transactions, read as a stream.

use std::collections::HashMap;
use std::net::IpAddr;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{ConditionCheck, Put};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::item::{self, Item, millis, text, ttl};
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

    /// Writes an event that tells of no change, but of something that was handed out.
    ///
    /// Without a condition: ids never come twice but where the SDK repeats a write whose answer
    /// was lost, and that is to find itself done.
    pub async fn write(&self, event: &Event) -> Result<(), StoreError> {
        self.table
            .client
            .put_item()
            .table_name(&self.table.name)
            .set_item(Some(self.item(event)?))
            .send()
            .await?;
        Ok(())
    }

    /// A user's events, newest first: at most `limit`, from after `cursor` on.
    pub async fn page(
        &self,
        user: UserId,
        cursor: Option<EventId>,
        limit: i32,
    ) -> Result<Page, StoreError> {
        let pk = format!("user#{user}");
        let mut start = cursor.map(|cursor| key(&pk, cursor));
        let mut events = Vec::new();
        loop {
            let left = limit - i32::try_from(events.len()).unwrap_or(limit);
            let answer = self
                .table
                .client
                .query()
                .table_name(&self.table.name)
                .key_condition_expression("pk = :user")
                .expression_attribute_values(":user", text(&pk))
                .scan_index_forward(false)
                .consistent_read(true)
                .limit(left)
                .set_exclusive_start_key(start)
                .send()
                .await?;
            for row in answer.items.unwrap_or_default() {
                events.push(from_stream(serde_dynamo::Item::from(row))?);
            }
            start = answer.last_evaluated_key;
            let full = events.len() >= usize::try_from(limit).unwrap_or_default();
            if start.is_none() || full {
                break;
            }
        }
        let next = events.last().map(|event: &Event| event.id);
        Ok(Page {
            next: next.filter(|_| start.is_some()),
            events,
        })
    }

    /// Takes what is personal out of a user's event: where the request came from.
    pub async fn anonymise(&self, event: &Event) -> Result<(), StoreError> {
        self.table
            .client
            .update_item()
            .table_name(&self.table.name)
            .set_key(Some(key(&format!("user#{}", event.user), event.id)))
            .update_expression("REMOVE ip, userAgent")
            .condition_expression("attribute_exists(pk)")
            .send()
            .await
            .map(drop)
            .or_else(|error| {
                let gone = error
                    .as_service_error()
                    .is_some_and(UpdateItemError::is_conditional_check_failed_exception);
                if gone { Ok(()) } else { Err(error.into()) }
            })
    }

    /// The write of an event, for the transaction of the change that it tells of.
    pub(crate) fn put(&self, event: &Event) -> Result<Put, StoreError> {
        Put::builder()
            .table_name(&self.table.name)
            .set_item(Some(self.item(event)?))
            .condition_expression("attribute_not_exists(pk)")
            .build()
            .map_err(|error| StoreError::inconsistent(TABLE, error))
    }

    /// A look at where an event would be that is not to be: it takes as long as to write one.
    pub(crate) fn absent(&self, id: EventId) -> Result<ConditionCheck, StoreError> {
        ConditionCheck::builder()
            .table_name(&self.table.name)
            .set_key(Some(key("nobody", id)))
            .condition_expression("attribute_not_exists(pk)")
            .build()
            .map_err(|error| StoreError::inconsistent(TABLE, error))
    }

    fn item(&self, event: &Event) -> Result<Item, StoreError> {
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
        item::to_item(TABLE, &row)
    }
}

/// A page of a user's events.
#[derive(Debug)]
pub struct Page {
    /// The events, newest first.
    pub events: Vec<Event>,
    /// Where the next page begins, if there is one.
    pub next: Option<EventId>,
}

fn key(pk: &str, id: EventId) -> Item {
    HashMap::from([("pk".to_owned(), text(pk)), ("sk".to_owned(), text(id))])
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
