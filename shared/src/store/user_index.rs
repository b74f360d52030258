//! The sparse indexes of the `users` table: those who are shut out, and those whose plan ends.
//!
//! A row is in an index while it has the index's attributes, so an index holds no more than what
//! `janitor` has to look at.

use std::fmt;

use jiff::Timestamp;
use serde::Deserialize;

use super::StoreError;
use super::change::Change;
use super::item::{self, Item, number, text, time};
use super::users::Users;
use crate::domain::id::UserId;
use crate::domain::user::Status;

/// The parts of each index: one partition takes 1000 writes a second, and nothing else limits how
/// many users are moved at once.
const SHARDS: [&str; 4] = ["0", "1", "2", "3"];

/// What stands for "never" where an index sorts by time: as far as numbers are exact in a double.
const NEVER: i64 = (1 << 53) - 1;

/// Users that are read at once.
const PAGE: i32 = 100;

/// An index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Index {
    /// Those who are shut out, by when that ends.
    ShutOut,
    /// Those whose plan ends, by when.
    PlanEnds,
}

impl Index {
    fn name(self) -> &'static str {
        match self {
            Self::ShutOut => "by-shut-out",
            Self::PlanEnds => "by-plan-end",
        }
    }

    /// The attributes of the index: the shard, and the time that it sorts by.
    fn attributes(self) -> (&'static str, &'static str) {
        match self {
            Self::ShutOut => ("shutOut", "shutOutUntil"),
            Self::PlanEnds => ("planEnds", "planEndsAt"),
        }
    }

    /// The same change of a user's row, with which it comes into the index.
    pub(crate) fn enter(self, row: Change, user: UserId, until: Option<Timestamp>) -> Change {
        let (shard, at) = self.attributes();
        // The last bytes of a UUIDv7 are random.
        let own = SHARDS[usize::from(user.as_bytes()[15]) % SHARDS.len()];
        row.set(shard, text(own))
            .set(at, until.map_or(number(NEVER), time))
    }

    /// The same change of a user's row, with which it leaves the index.
    pub(crate) fn leave(self, row: Change) -> Change {
        let (shard, at) = self.attributes();
        row.remove(shard).remove(at)
    }
}

/// How far an index has been read.
#[derive(Clone, Default)]
pub struct Cursor {
    shard: usize,
    start: Option<Item>,
}

impl fmt::Debug for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cursor(shard {})", self.shard)
    }
}

/// A page of an index.
#[derive(Debug)]
pub struct Page {
    /// The users on it; there may be none although more pages follow.
    pub users: Vec<Indexed>,
    /// Where the next page begins, if there is one.
    pub next: Option<Cursor>,
}

/// A user as an index has them.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Indexed {
    /// Who.
    pub id: UserId,
    /// Where the account stands.
    pub status: Status,
    /// Which state of the account that is.
    #[serde(default)]
    pub status_version: u64,
}

impl Users {
    /// A page of an index: all of it, or up to the time `due`.
    pub(crate) async fn index_page(
        &self,
        index: Index,
        due: Option<Timestamp>,
        cursor: Cursor,
    ) -> Result<Page, StoreError> {
        let Some(shard) = SHARDS.get(cursor.shard) else {
            return Ok(Page {
                users: Vec::new(),
                next: None,
            });
        };
        let (attribute, at) = index.attributes();
        let mut condition = format!("{attribute} = :shard");
        let mut query = self
            .table
            .client
            .query()
            .table_name(&self.table.name)
            .index_name(index.name())
            .expression_attribute_values(":shard", text(shard));
        if let Some(due) = due {
            condition = format!("{condition} AND {at} <= :due");
            query = query.expression_attribute_values(":due", time(due));
        }
        let answer = query
            .key_condition_expression(condition)
            .limit(PAGE)
            .set_exclusive_start_key(cursor.start)
            .send()
            .await?;
        let rows = answer.items.unwrap_or_default().into_iter();
        let users = rows.map(|row| item::from_item("users", row));
        let next = match answer.last_evaluated_key {
            Some(start) => Cursor {
                shard: cursor.shard,
                start: Some(start),
            },
            None => Cursor {
                shard: cursor.shard + 1,
                start: None,
            },
        };
        Ok(Page {
            users: users.collect::<Result<_, _>>()?,
            next: Some(next).filter(|next| next.shard < SHARDS.len()),
        })
    }
}
