//! Moves of accounts from one status to another, and the index of those who are shut out.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::ConditionCheck;
use jiff::Timestamp;

use super::StoreError;
use super::events::Events;
use super::item::text;
use super::sessions::Sessions;
use super::transaction::{CommitError, Transaction};
use super::user_index::{Cursor, Index, Page};
use super::users::{self, Users};
use crate::domain::event::Event;
use crate::domain::id::{SessionId, UserId};
use crate::domain::status::StatusDetail;
use crate::domain::user::{Status, User};
use crate::env::{Env, EnvError};

/// Moves accounts.
#[derive(Debug, Clone)]
pub struct Statuses {
    client: Client,
    users: Users,
    sessions: Sessions,
    events: Events,
}

/// Which write of a move found its condition not met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Write {
    /// The user's row: it has changed since it was read.
    User,
    /// The row of the admin: they are not active any more.
    Actor,
    /// A session.
    Session,
    /// The event.
    Event,
}

/// A move.
#[derive(Debug)]
pub struct StatusChange<'a> {
    /// Where to.
    pub to: Status,
    /// What goes with it.
    pub detail: &'a StatusDetail,
    /// Sessions that began at this moment or before are over, where the move ends sessions.
    pub all_until: Option<Timestamp>,
    /// The sessions that end: their rows go with it, as many as one transaction takes.
    pub ended: &'a [SessionId],
    /// The admin who moves the account, and must be active in the same moment: of two admins who
    /// shut each other out at once one stays.
    pub actor: Option<UserId>,
}

impl Statuses {
    /// The tables that a move touches: users, sessions and events.
    pub fn open(client: &Client, env: &Env) -> Result<Self, EnvError> {
        Ok(Self {
            client: client.clone(),
            users: Users::open(client, env)?,
            sessions: Sessions::open(client, env)?,
            events: Events::open(client, env)?,
        })
    }

    /// Moves an account, if it stands where `user` has it: of two moves at once the second finds
    /// another version and is refused at [`Write::User`].
    pub async fn change(
        &self,
        user: &User,
        change: &StatusChange<'_>,
        event: &Event,
    ) -> Result<(), CommitError<Write>> {
        let mut row = self.users.change_status(user, change.to, change.detail);
        if let Some(at) = change.all_until {
            row = users::end_sessions(row, user, at, None);
        }
        let mut transaction = Transaction::new()
            .update(Write::User, row.build()?)
            .put(Write::Event, self.events.put(event)?);
        if let Some(actor) = change.actor {
            transaction = transaction.check(Write::Actor, self.is_active(actor)?);
        }
        self.sessions
            .delete_beside(transaction, Write::Session, user.id, change.ended)?
            .commit(&self.client)
            .await
    }

    /// A page of everybody who is shut out. The index lags behind the rows by a moment: what is
    /// done by it must name the version.
    pub async fn shut_out(&self, cursor: Cursor) -> Result<Page, StoreError> {
        self.users.index_page(Index::ShutOut, None, cursor).await
    }

    /// A page of those whose time of being shut out has run out at `now`, likewise.
    pub async fn over(&self, now: Timestamp, cursor: Cursor) -> Result<Page, StoreError> {
        let index = Index::ShutOut;
        self.users.index_page(index, Some(now), cursor).await
    }

    fn is_active(&self, user: UserId) -> Result<ConditionCheck, StoreError> {
        ConditionCheck::builder()
            .table_name(&self.users.table.name)
            .set_key(Some(users::profile_key(user)))
            .condition_expression("#status = :active")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":active", text("active"))
            .build()
            .map_err(|error| StoreError::inconsistent("users", error))
    }
}
