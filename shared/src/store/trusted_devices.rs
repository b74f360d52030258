//! Devices that are asked for no second factor for a while: rows `trusted#<device>` beside their user's
//! own.
//!
//! A device is told by the cookie that it is known by ([`crate::http::device_cookie`]); the trust is
//! here, where it can be taken back.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{Delete, Put, Update};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::StoreError;
use super::change::Change;
use super::events::Events;
use super::item::{self, Item, millis, text, time, ttl};
use super::transaction::{CommitError, Transaction};
use super::users::Users;
use crate::domain::event::Event;
use crate::domain::id::{DeviceId, UserId};
use crate::domain::session::Source;
use crate::domain::user::User;
use crate::env::{Env, EnvError};

const TABLE: &str = "trusted devices";
const SORT: &str = "trusted#";

/// How long a device is trusted.
pub const LIFE: SignedDuration = SignedDuration::from_hours(30 * 24);

/// A device that its user trusts.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TrustedDevice {
    pk: String,
    sk: String,
    /// The device.
    pub id: DeviceId,
    /// The user's epoch when it was trusted: a new password makes it a stranger.
    epoch: u32,
    /// When it was trusted.
    #[serde(with = "millis")]
    pub created_at: Timestamp,
    /// When it last stood in for a second factor.
    #[serde(
        default,
        with = "millis::option",
        skip_serializing_if = "Option::is_none"
    )]
    pub last_used_at: Option<Timestamp>,
    /// Until when it is trusted.
    #[serde(with = "millis")]
    pub expires_at: Timestamp,
    /// What it said that it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    ttl: i64,
}

impl TrustedDevice {
    /// A device that is trusted from `now` on.
    pub fn new(id: DeviceId, user: &User, source: &Source, now: Timestamp) -> Self {
        Self {
            pk: format!("user#{}", user.id),
            sk: format!("{SORT}{id}"),
            id,
            epoch: user.epoch,
            created_at: now,
            last_used_at: None,
            expires_at: now + LIFE,
            user_agent: source.user_agent.clone(),
            ttl: ttl(now + LIFE),
        }
    }

    /// Whether it still stands in for a second factor of `user` at `now`.
    pub fn is_good(&self, user: &User, now: Timestamp) -> bool {
        now < self.expires_at
            && self.epoch == user.epoch
            // With a sign-out everywhere all devices are strangers again.
            && user.cutoff.is_none_or(|cutoff| cutoff.at < self.created_at)
            && user.mfa_since.is_some_and(|since| since <= self.created_at)
    }

    /// The write that trusts it.
    pub(crate) fn put(&self, users: &Users) -> Result<Put, StoreError> {
        Put::builder()
            .table_name(&users.table.name)
            .set_item(Some(item::to_item(TABLE, self)?))
            .build()
            .map_err(|error| StoreError::inconsistent(TABLE, error))
    }

    /// The write that notes its use, if it is trusted still.
    pub(crate) fn used(&self, users: &Users, now: Timestamp) -> Result<Update, StoreError> {
        Change::of(users, key(&self.pk, &self.sk))
            .when("createdAt = :createdAt")
            .with(":createdAt", time(self.created_at))
            .set("lastUsedAt", time(now))
            .build()
    }
}

/// Reads and forgets devices that are trusted.
#[derive(Debug, Clone)]
pub struct TrustedDevices {
    client: Client,
    users: Users,
    events: Events,
}

/// Which write of a transaction found its condition not met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Write {
    /// The device's row: there is none.
    Device,
    /// The event.
    Event,
}

impl TrustedDevices {
    /// The tables of trusted devices: users and events.
    pub fn open(client: &Client, env: &Env) -> Result<Self, EnvError> {
        Ok(Self {
            client: client.clone(),
            users: Users::open(client, env)?,
            events: Events::open(client, env)?,
        })
    }

    /// The device, if the user has ever trusted it.
    pub async fn get(
        &self,
        user: UserId,
        device: DeviceId,
    ) -> Result<Option<TrustedDevice>, StoreError> {
        let (pk, sk) = (format!("user#{user}"), format!("{SORT}{device}"));
        let row = self.users.table.read(key(&pk, &sk)).await?;
        row.map(|row| item::from_item(TABLE, row)).transpose()
    }

    /// The devices that stand in for a second factor of `user` at `now`.
    pub async fn of_user(
        &self,
        user: &User,
        now: Timestamp,
    ) -> Result<Vec<TrustedDevice>, StoreError> {
        let mut devices = self.ever(user.id).await?;
        devices.retain(|device| device.is_good(user, now));
        devices.sort_by_key(|device| std::cmp::Reverse(device.created_at));
        Ok(devices)
    }

    /// Deletes those of a user that is gone.
    pub async fn erase(&self, user: UserId) -> Result<(), StoreError> {
        for device in self.ever(user).await? {
            self.client
                .delete_item()
                .table_name(&self.users.table.name)
                .set_key(Some(key(&device.pk, &device.sk)))
                .send()
                .await?;
        }
        Ok(())
    }

    /// All that a user has ever trusted, and that are not swept yet.
    async fn ever(&self, user: UserId) -> Result<Vec<TrustedDevice>, StoreError> {
        let mut rows = self
            .client
            .query()
            .table_name(&self.users.table.name)
            .key_condition_expression("pk = :user AND begins_with(sk, :trusted)")
            .expression_attribute_values(":user", text(format!("user#{user}")))
            .expression_attribute_values(":trusted", text(SORT))
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let mut devices = Vec::new();
        while let Some(row) = rows.next().await {
            devices.push(item::from_item(TABLE, row?)?);
        }
        Ok(devices)
    }

    /// Trusts a device no more. Refused where it is not trusted.
    pub async fn forget(
        &self,
        user: UserId,
        device: DeviceId,
        event: &Event,
    ) -> Result<(), CommitError<Write>> {
        let (pk, sk) = (format!("user#{user}"), format!("{SORT}{device}"));
        let delete = Delete::builder()
            .table_name(&self.users.table.name)
            .set_key(Some(key(&pk, &sk)))
            .condition_expression("attribute_exists(pk)")
            .build()
            .map_err(|error| StoreError::inconsistent(TABLE, error))?;
        Transaction::new()
            .delete(Write::Device, delete)
            .put(Write::Event, self.events.put(event)?)
            .commit(&self.client)
            .await
    }
}

fn key(pk: &str, sk: &str) -> Item {
    HashMap::from([("pk".to_owned(), text(pk)), ("sk".to_owned(), text(sk))])
}
