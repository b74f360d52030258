//! The plans in the `access` table, and who has which.
//!
//! All plans are in one row, `plans`, so that an instance reads them with one call and a list is
//! what it was at one moment. A plan that somebody made has a row of its own beside it, `plan#<id>`,
//! with the number of users who have it: whoever gets it counts there in the transaction that
//! gives it, so that a plan can't be deleted from under anybody. The built-in plans can't be
//! deleted at all, and nobody is counted for them.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{Delete, Put, Update};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::events::Events;
use super::item::{self, Item, number, text, time};
use super::transaction::{CommitError, Transaction};
use super::user_index::{Cursor, Index, Page};
use super::users::Users;
use super::{StoreError, Table};
use crate::domain::event::Event;
use crate::domain::plan::{self, Plan, PlanId, Subscription};
use crate::domain::user::User;
use crate::env::{Env, EnvError};

const TABLE: &str = "access";
const PLANS: &str = "plans";

/// The most plans there can be: with some 300 bytes each they stay far under the 400 KB of a row.
pub const MOST_PLANS: usize = 200;

/// Reads, writes and gives plans.
#[derive(Debug, Clone)]
pub struct Plans {
    client: Client,
    table: Table,
    users: Users,
    events: Events,
}

/// All plans as they stand.
#[derive(Debug, Clone)]
pub struct PlanList {
    /// Which state of the list this is; 0 where nobody has changed anything.
    version: u64,
    /// The plans, by their ids.
    plans: Vec<Plan>,
}

/// Which write found its condition not met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Write {
    /// The list: it has changed since it was read.
    List,
    /// The plan that is to be deleted: somebody has it.
    InUse,
    /// The plan that is to be given: there is none of this name.
    Wanted,
    /// The count of the plan that the user had.
    Left,
    /// The user's row: it has changed since it was read.
    User,
    /// The event.
    Event,
}

#[derive(Serialize, Deserialize)]
struct Row {
    pk: String,
    version: u64,
    plans: Vec<Plan>,
}

impl PlanList {
    /// The plan of this name.
    pub fn get(&self, id: &str) -> Option<&Plan> {
        self.plans.iter().find(|plan| plan.id.as_str() == id)
    }

    /// The plans, sorted by name.
    pub fn all(&self) -> &[Plan] {
        &self.plans
    }

    fn of(row: Option<Row>) -> Self {
        let (version, mut plans) = row.map_or((0, Vec::new()), |row| (row.version, row.plans));
        for built_in in Plan::built_in() {
            if !plans.iter().any(|plan| plan.id == built_in.id) {
                plans.push(built_in);
            }
        }
        plans.sort_by(|one, other| one.id.cmp(&other.id));
        Self { version, plans }
    }
}

impl Plans {
    /// The table that `ACCESS_TABLE` names, with those of users and events.
    pub fn open(client: &Client, env: &Env) -> Result<Self, EnvError> {
        Ok(Self {
            client: client.clone(),
            table: Table::open(client, env, "ACCESS_TABLE")?,
            users: Users::open(client, env)?,
            events: Events::open(client, env)?,
        })
    }

    /// All plans.
    pub async fn list(&self) -> Result<PlanList, StoreError> {
        let row = self.table.read(key(PLANS)).await?;
        let row = row.map(|row| item::from_item(TABLE, row)).transpose()?;
        Ok(PlanList::of(row))
    }

    /// Makes a plan, or changes the one of its name, in the list as it was read.
    pub async fn define(
        &self,
        list: &PlanList,
        plan: &Plan,
        event: &Event,
    ) -> Result<(), CommitError<Write>> {
        let is_new = list.get(plan.id.as_str()).is_none();
        let others = list.plans.iter().filter(|other| other.id != plan.id);
        let plans = others.chain([plan]).cloned().collect();
        let mut transaction = Transaction::new()
            .put(Write::List, self.replaced(list, plans)?)
            .put(Write::Event, self.events.put(event)?);
        if is_new {
            let count = Update::builder()
                .table_name(&self.table.name)
                .set_key(Some(key(&count_pk(plan.id.as_str()))))
                .update_expression("SET holders = :zero")
                .condition_expression("attribute_not_exists(pk)")
                .expression_attribute_values(":zero", number(0))
                .build()
                .map_err(|error| StoreError::inconsistent(TABLE, error))?;
            transaction = transaction.update(Write::List, count);
        }
        transaction.commit(&self.client).await
    }

    /// Deletes a plan that is not built in. Refused at [`Write::InUse`] while somebody has it.
    pub async fn delete(
        &self,
        list: &PlanList,
        id: &PlanId,
        event: &Event,
    ) -> Result<(), CommitError<Write>> {
        let others = list.plans.iter().filter(|other| other.id != *id);
        let count = Delete::builder()
            .table_name(&self.table.name)
            .set_key(Some(key(&count_pk(id.as_str()))))
            .condition_expression("holders = :zero")
            .expression_attribute_values(":zero", number(0))
            .build()
            .map_err(|error| StoreError::inconsistent(TABLE, error))?;
        Transaction::new()
            .put(Write::List, self.replaced(list, others.cloned().collect())?)
            .delete(Write::InUse, count)
            .put(Write::Event, self.events.put(event)?)
            .commit(&self.client)
            .await
    }

    /// Gives a user a plan, if they are as `user` has them. Refused at [`Write::Wanted`] where
    /// somebody has deleted it.
    pub async fn give(
        &self,
        user: &User,
        to: &PlanId,
        subscription: Subscription,
        event: &Event,
    ) -> Result<(), CommitError<Write>> {
        let mut row = self
            .users
            .change(user)
            .when("#plan = :plan")
            .named("#plan", "plan")
            .with(":plan", text(&user.plan));
        row = match user.subscription.until {
            Some(until) => row
                .when("planUntil = :planUntil")
                .with(":planUntil", time(until)),
            None => row.when("attribute_not_exists(planUntil)"),
        };
        row = row
            .set_named("#plan", "plan", text(to.as_str()))
            .set_or_remove("planSince", subscription.since.map(time))
            .set_or_remove("planUntil", subscription.until.map(time));
        row = match subscription.until {
            Some(until) => Index::PlanEnds.enter(row, user.id, Some(until)),
            None => Index::PlanEnds.leave(row),
        };
        let mut transaction = Transaction::new()
            .update(Write::User, row.build()?)
            .put(Write::Event, self.events.put(event)?);
        if to.as_str() != user.plan {
            if !to.is_built_in() {
                transaction = transaction.update(Write::Wanted, self.count(to.as_str(), 1)?);
            }
            if let Some(left) = self.leave(&user.plan)? {
                transaction = transaction.update(Write::Left, left);
            }
        }
        transaction.commit(&self.client).await
    }

    /// A page of those whose plan has ended at `now`. The index lags behind the rows by a moment.
    pub async fn ended(&self, now: Timestamp, cursor: Cursor) -> Result<Page, StoreError> {
        let index = Index::PlanEnds;
        self.users.index_page(index, Some(now), cursor).await
    }

    /// The write by which one user less has this plan, where that is counted.
    pub(crate) fn leave(&self, plan: &str) -> Result<Option<Update>, StoreError> {
        if plan::is_built_in(plan) {
            return Ok(None);
        }
        self.count(plan, -1).map(Some)
    }

    fn count(&self, plan: &str, more: i8) -> Result<Update, StoreError> {
        Update::builder()
            .table_name(&self.table.name)
            .set_key(Some(key(&count_pk(plan))))
            .update_expression("ADD holders :more")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":more", number(more))
            .build()
            .map_err(|error| StoreError::inconsistent(TABLE, error))
    }

    fn replaced(&self, list: &PlanList, plans: Vec<Plan>) -> Result<Put, StoreError> {
        let row = Row {
            pk: PLANS.to_owned(),
            version: list.version + 1,
            plans,
        };
        let put = Put::builder()
            .table_name(&self.table.name)
            .set_item(Some(item::to_item(TABLE, &row)?));
        let put = if list.version == 0 {
            put.condition_expression("attribute_not_exists(pk)")
        } else {
            put.condition_expression("version = :version")
                .expression_attribute_values(":version", number(list.version))
        };
        put.build()
            .map_err(|error| StoreError::inconsistent(TABLE, error))
    }
}

fn count_pk(plan: &str) -> String {
    format!("plan#{plan}")
}

fn key(pk: &str) -> Item {
    HashMap::from([("pk".to_owned(), text(pk))])
}
