//! Passkeys as rows.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::Put;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use webauthn_rs::prelude::Credential;

use super::{CLAIM, Passkey, Passkeys, SORT, TABLE};
use crate::domain::id::UserId;
use crate::domain::name::DisplayName;
use crate::domain::passkey::PasskeyId;
use crate::store::StoreError;
use crate::store::item::{self, Item, millis, text};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    pk: String,
    sk: String,
    user_id: UserId,
    name: DisplayName,
    /// The credential as it was registered, in JSON. What changes with use is beside it.
    credential: String,
    sign_count: u32,
    backed_up: bool,
    #[serde(with = "millis")]
    created_at: Timestamp,
    #[serde(
        default,
        with = "millis::option",
        skip_serializing_if = "Option::is_none"
    )]
    last_used_at: Option<Timestamp>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ClaimRow {
    pk: String,
    sk: &'static str,
    user_id: UserId,
}

impl Passkey {
    /// The passkey of a row.
    pub(super) fn read(item: Item) -> Result<Self, StoreError> {
        let row: Row = item::from_item(TABLE, item)?;
        let mut credential: Credential = serde_json::from_str(&row.credential)
            .map_err(|error| StoreError::inconsistent(TABLE, error))?;
        credential.counter = row.sign_count;
        credential.backup_state = row.backed_up;
        Ok(Self {
            id: PasskeyId::of(&credential.cred_id),
            user: row.user_id,
            name: row.name,
            created_at: row.created_at,
            last_used_at: row.last_used_at,
            credential,
        })
    }
}

impl Passkeys {
    /// The write of a new passkey.
    pub(super) fn put_new(&self, passkey: &Passkey) -> Result<Put, StoreError> {
        let credential = serde_json::to_string(&passkey.credential)
            .map_err(|error| StoreError::inconsistent(TABLE, error))?;
        self.put(&Row {
            pk: pk(passkey.user),
            sk: sk(passkey.id),
            user_id: passkey.user,
            name: passkey.name.clone(),
            credential,
            sign_count: passkey.credential.counter,
            backed_up: passkey.credential.backup_state,
            created_at: passkey.created_at,
            last_used_at: None,
        })
    }

    /// The write of the claim on its credential.
    pub(super) fn put_claim(&self, passkey: &Passkey) -> Result<Put, StoreError> {
        self.put(&ClaimRow {
            pk: claim_pk(passkey.id),
            sk: CLAIM,
            user_id: passkey.user,
        })
    }

    fn put(&self, row: &impl Serialize) -> Result<Put, StoreError> {
        Put::builder()
            .table_name(&self.users.table.name)
            .set_item(Some(item::to_item(TABLE, row)?))
            .condition_expression("attribute_not_exists(pk)")
            .build()
            .map_err(|error| StoreError::inconsistent(TABLE, error))
    }
}

/// The partition of a user.
pub(super) fn pk(user: UserId) -> String {
    format!("user#{user}")
}

fn sk(id: PasskeyId) -> String {
    format!("{SORT}{id}")
}

/// The partition of the claim on a credential.
pub(super) fn claim_pk(id: PasskeyId) -> String {
    format!("claim#passkey#{id}")
}

/// The key of a passkey's row.
pub(super) fn key(user: UserId, id: PasskeyId) -> Item {
    raw_key(pk(user), sk(id))
}

/// A key of these two.
pub(super) fn raw_key(pk: String, sk: String) -> Item {
    HashMap::from([("pk".to_owned(), text(pk)), ("sk".to_owned(), text(sk))])
}
