//! Addresses that mail must not be sent to any more: rows `undeliverable#<hash>` of the `tokens`
//! table.
//!
//! The hash is that of the address under a key of the deployment's: a table that is read by
//! somebody tells no addresses. The rows have no end, as SES's own suppression list has none.

use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::item::{self, millis, text};
use super::{StoreError, Table};
use crate::domain::email::EmailAddress;
use crate::env::{Env, EnvError};
use crate::keys::Keyring;

const TABLE: &str = "undeliverable";

/// Remembers the addresses that mail must not be sent to.
#[derive(Debug, Clone)]
pub struct Undeliverable {
    table: Table,
    keys: Arc<Keyring>,
}

/// Why an address gets no mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Its server says that there is no such mailbox.
    Bounce,
    /// Its owner said that a mail of ours was spam.
    Complaint,
}

impl Reason {
    /// The reason in rows and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bounce => "bounce",
            Self::Complaint => "complaint",
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    pk: String,
    reason: Reason,
    #[serde(with = "millis")]
    at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    feedback_id: Option<String>,
}

impl Undeliverable {
    /// The table that `TOKENS_TABLE` names.
    pub fn open(client: &Client, env: &Env, keys: Arc<Keyring>) -> Result<Self, EnvError> {
        Ok(Self {
            table: Table::open(client, env, "TOKENS_TABLE")?,
            keys,
        })
    }

    /// Marks an address, since this happened `at` a time; `feedback_id` is what SES calls it. The
    /// same again changes nothing, and each of several reasons will do, so there is no condition.
    pub async fn mark(
        &self,
        address: &EmailAddress,
        reason: Reason,
        at: Timestamp,
        feedback_id: Option<&str>,
    ) -> Result<(), StoreError> {
        let row = Row {
            pk: self.pk(address),
            reason,
            at,
            feedback_id: feedback_id.map(ToOwned::to_owned),
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

    /// Whether mail must not be sent to the address.
    pub async fn contains(&self, address: &EmailAddress) -> Result<bool, StoreError> {
        let key = [("pk".to_owned(), text(self.pk(address)))].into();
        Ok(self.table.read(key).await?.is_some())
    }

    fn pk(&self, address: &EmailAddress) -> String {
        let address = self.keys.lookup("email", address.key());
        format!("undeliverable#{address}")
    }
}
