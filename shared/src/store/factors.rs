//! Second factors: rows `factor#…` beside their user's own, which names the factors that sign-in asks
//! for.

use std::collections::{HashMap, HashSet};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::builders::PutBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, ReturnValue, Update};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::StoreError;
use super::change::Change;
use super::events::Events;
use super::item::{self, Item, millis, number, text, time, ttl};
use super::tokens::{Half, Tokens};
use super::transaction::{CommitError, Transaction};
use super::users::Users;
use crate::domain::event::Event;
use crate::domain::factor::Method;
use crate::domain::id::{SessionId, TokenId, UserId};
use crate::domain::token::{MAX_TRIES, Token};
use crate::domain::user::User;
use crate::env::{Env, EnvError};

const TABLE: &str = "factors";
const TOTP: &str = "factor#totp";
const SETUP: &str = "factor#setup";
const RECOVERY: &str = "factor#recovery";

/// Keeps what second factors are checked against.
#[derive(Debug, Clone)]
pub struct Factors {
    client: Client,
    users: Users,
    tokens: Tokens,
    events: Events,
}

/// A secret that an app has been shown and has not yet made a code of. It is asked for nowhere.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Setup {
    /// Its name.
    pub token_id: TokenId,
    /// The session that asked for it, in which alone it can be finished.
    pub session_id: SessionId,
    /// The secret, sealed for [`Setup::row`].
    pub secret: String,
    /// When it is gone.
    #[serde(with = "millis")]
    pub expires_at: Timestamp,
}

/// The secret of an authenticator app.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct App {
    /// The secret, sealed for [`App::row`].
    pub secret: String,
    /// The step of time of the last code that was taken: no code of it or of one before is again.
    pub last_step: u64,
}

impl Setup {
    /// The name of the row that the secret is sealed for.
    pub fn row(user: UserId) -> String {
        format!("user#{user}/{SETUP}")
    }
}

impl App {
    /// The name of the row that the secret is sealed for.
    pub fn row(user: UserId) -> String {
        format!("user#{user}/{TOTP}")
    }
}

/// What shows that a factor works, on its way to being asked for.
#[derive(Debug)]
pub enum Added<'a> {
    /// The first code of an app.
    App(&'a Setup, &'a App),
    /// A code that came to an address or number.
    Code(Method, &'a Token),
}

impl Added<'_> {
    /// Which factor it is.
    pub fn method(&self) -> Method {
        match self {
            Self::App(..) => Method::Totp,
            Self::Code(method, _) => *method,
        }
    }
}

/// A code that was right, as it is used up.
#[derive(Debug)]
pub enum FactorUse {
    /// Of an app, of this step of time.
    App {
        /// Whose it is.
        user: UserId,
        /// The step.
        step: u64,
    },
    /// A recovery code, with the event that tells of it.
    Recovery {
        /// Whose it is.
        user: UserId,
        /// Its hash.
        digest: String,
        /// What tells of it.
        event: Box<Event>,
    },
    /// Of a message.
    Code(Box<Token>),
}

/// Which write of a transaction found its condition not met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Write {
    /// The user's row: the account has changed since it was read.
    User,
    /// The factor that is set up.
    Factor,
    /// The code: it was used up.
    Code,
    /// The count of tries: it has no condition.
    Mark,
    /// The event.
    Event,
}

#[derive(Serialize)]
struct Row<'a, T> {
    pk: String,
    sk: &'static str,
    #[serde(flatten)]
    content: &'a T,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<i64>,
}

impl Factors {
    /// The tables of second factors: users, tokens and events.
    pub fn open(client: &Client, env: &Env) -> Result<Self, EnvError> {
        Ok(Self {
            client: client.clone(),
            users: Users::open(client, env)?,
            tokens: Tokens::open(client, env)?,
            events: Events::open(client, env)?,
        })
    }

    /// The user's app.
    pub async fn app(&self, user: UserId) -> Result<Option<App>, StoreError> {
        let row = self.users.table.read(key(user, TOTP)).await?;
        row.map(|row| item::from_item(TABLE, row)).transpose()
    }

    /// The hashes of the recovery codes that a user has left.
    pub async fn recovery_codes(&self, user: UserId) -> Result<HashSet<String>, StoreError> {
        #[derive(Deserialize)]
        struct Codes {
            #[serde(default, with = "serde_dynamo::string_set")]
            codes: HashSet<String>,
        }
        // The last code takes the set with it.
        let Some(mut row) = self.users.table.read(key(user, RECOVERY)).await? else {
            return Ok(HashSet::new());
        };
        if !row.contains_key("codes") {
            return Ok(HashSet::new());
        }
        row.retain(|name, _| name == "codes");
        item::from_item::<Codes>(TABLE, row).map(|row| row.codes)
    }

    /// Begins a set-up, in the place of any that was begun before.
    pub async fn begin(&self, user: UserId, setup: &Setup) -> Result<(), StoreError> {
        let row = Row {
            pk: user_pk(user),
            sk: SETUP,
            content: setup,
            ttl: Some(ttl(setup.expires_at)),
        };
        self.client
            .put_item()
            .table_name(&self.users.table.name)
            .set_item(Some(item::to_item(TABLE, &row)?))
            .send()
            .await?;
        Ok(())
    }

    /// Counts one more try of a set-up's first code, before the code is looked at, and gives the
    /// set-up with the tries there have been. None where it is not of this session, over, or had
    /// its tries.
    pub async fn try_setup(
        &self,
        user: UserId,
        token: TokenId,
        session: SessionId,
        now: Timestamp,
    ) -> Result<Option<(Setup, u32)>, StoreError> {
        #[derive(Deserialize)]
        struct Tried {
            tries: u32,
            #[serde(flatten)]
            setup: Setup,
        }
        let tried = self
            .client
            .update_item()
            .table_name(&self.users.table.name)
            .set_key(Some(key(user, SETUP)))
            .update_expression("ADD tries :one")
            .condition_expression(
                "tokenId = :token AND sessionId = :session AND expiresAt > :now \
                 AND (attribute_not_exists(tries) OR tries < :max)",
            )
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":token", text(token))
            .expression_attribute_values(":session", text(session))
            .expression_attribute_values(":now", time(now))
            .expression_attribute_values(":max", number(MAX_TRIES))
            .return_values(ReturnValue::AllNew)
            .send()
            .await;
        match tried {
            Ok(answer) => {
                let row = answer.attributes.unwrap_or_default();
                let tried: Tried = item::from_item(TABLE, row)?;
                Ok(Some((tried.setup, tried.tries)))
            }
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(UpdateItemError::is_conditional_check_failed_exception) =>
            {
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Has sign-in ask for a factor from now on, if it does not yet. `recovery` are the hashes of
    /// new recovery codes, where there are to be any.
    pub async fn enable(
        &self,
        user: &User,
        added: &Added<'_>,
        recovery: Option<&[String]>,
        event: &Event,
        now: Timestamp,
    ) -> Result<(), CommitError<Write>> {
        let mut methods = user.mfa.clone();
        methods.push(added.method());
        methods.sort_unstable();
        let since = user.mfa_since.unwrap_or(now);
        let row = self.change(user, &methods).set("mfaSince", time(since));
        let mut transaction = Transaction::new()
            .update(Write::User, row.build()?)
            .put(Write::Event, self.events.put(event)?);
        match added {
            Added::App(setup, app) => {
                transaction = transaction
                    .put(Write::Factor, self.put(user.id, TOTP, *app)?)
                    .delete(Write::Code, self.finish(user.id, setup, now)?);
            }
            Added::Code(_, token) => {
                transaction = transaction
                    .update(Write::Code, self.tokens.consume(token, Half::Code, now)?)
                    .delete(Write::Code, self.tokens.settle(token)?);
            }
        }
        if let Some(codes) = recovery {
            transaction = transaction.put(Write::Factor, self.put_codes(user.id, codes)?);
        }
        transaction.commit(&self.client).await
    }

    /// Has sign-in ask for no factor any more but `rest`, by a code that is used up with it.
    pub async fn disable(
        &self,
        user: &User,
        rest: &[Method],
        used: &FactorUse,
        forget: Delete,
        event: &Event,
        now: Timestamp,
    ) -> Result<(), CommitError<Write>> {
        let mut row = self.change(user, rest);
        if rest.is_empty() {
            row = row.remove("mfaSince");
        }
        let mut transaction = Transaction::new()
            .update(Write::User, row.build()?)
            .delete(Write::Mark, forget)
            .put(Write::Event, self.events.put(event)?);
        // A row can be written once in a transaction: one that goes is not used up as well, but
        // checked as it goes.
        let app_goes = !rest.contains(&Method::Totp);
        let codes_go = rest.is_empty();
        transaction = match used {
            FactorUse::App { step, .. } if app_goes => {
                let delete = self.delete(user.id, TOTP, "lastStep < :step", ":step", number(*step));
                transaction.delete(Write::Code, delete?)
            }
            _ if app_goes => transaction.delete(Write::Factor, self.remove(user.id, TOTP)?),
            _ => transaction,
        };
        transaction = match used {
            FactorUse::Recovery { digest, event, .. } if codes_go => {
                let held = "contains(codes, :code)";
                let delete = self.delete(user.id, RECOVERY, held, ":code", text(digest));
                transaction
                    .delete(Write::Code, delete?)
                    .put(Write::Event, self.events.put(event)?)
            }
            _ if codes_go => transaction.delete(Write::Factor, self.remove(user.id, RECOVERY)?),
            _ => transaction,
        };
        let spent = match used {
            FactorUse::App { .. } => app_goes,
            FactorUse::Recovery { .. } => codes_go,
            FactorUse::Code(_) => false,
        };
        if !spent {
            transaction = self.spend(transaction, Write::Code, used, now)?;
        }
        transaction.commit(&self.client).await
    }

    /// Makes these the user's recovery codes, by a code that is used up with it.
    pub async fn renew(
        &self,
        user: &User,
        codes: &[String],
        used: &FactorUse,
        forget: Delete,
        event: &Event,
        now: Timestamp,
    ) -> Result<(), CommitError<Write>> {
        let row = self.change(user, &user.mfa);
        let mut transaction = Transaction::new()
            .update(Write::User, row.build()?)
            .delete(Write::Mark, forget)
            .put(Write::Event, self.events.put(event)?);
        transaction = match used {
            // The code goes with the others.
            FactorUse::Recovery { digest, event, .. } => {
                let put = self
                    .put_codes_if(user.id, codes)
                    .condition_expression("contains(codes, :code)")
                    .expression_attribute_values(":code", text(digest));
                let put = put
                    .build()
                    .map_err(|error| StoreError::inconsistent(TABLE, error))?;
                transaction
                    .put(Write::Code, put)
                    .put(Write::Event, self.events.put(event)?)
            }
            _ => self
                .spend(transaction, Write::Code, used, now)?
                .put(Write::Factor, self.put_codes(user.id, codes)?),
        };
        transaction.commit(&self.client).await
    }

    /// Adds the writes that use a code up, which none other has before.
    pub(crate) fn spend<L: Copy + std::fmt::Debug>(
        &self,
        transaction: Transaction<L>,
        label: L,
        used: &FactorUse,
        now: Timestamp,
    ) -> Result<Transaction<L>, StoreError> {
        Ok(match used {
            FactorUse::App { user, step } => {
                let row = Change::of(&self.users, key(*user, TOTP))
                    .when("lastStep < :new_lastStep")
                    .set("lastStep", number(*step));
                transaction.update(label, row.build()?)
            }
            FactorUse::Recovery {
                user,
                digest,
                event,
            } => {
                let row = Update::builder()
                    .table_name(&self.users.table.name)
                    .set_key(Some(key(*user, RECOVERY)))
                    .update_expression("DELETE codes :codes")
                    .condition_expression("contains(codes, :code)")
                    .expression_attribute_values(":code", text(digest))
                    .expression_attribute_values(":codes", AttributeValue::Ss(vec![digest.clone()]))
                    .build()
                    .map_err(|error| StoreError::inconsistent(TABLE, error))?;
                transaction
                    .update(label, row)
                    .put(label, self.events.put(event)?)
            }
            FactorUse::Code(token) => transaction
                .update(label, self.tokens.consume(token, Half::Code, now)?)
                .delete(label, self.tokens.settle(token)?),
        })
    }

    /// The write of a ticket to the second step of a sign-in.
    pub(crate) fn put_ticket(&self, ticket: &Token) -> Result<Put, StoreError> {
        self.tokens.put_new(ticket)
    }

    /// The write that uses a ticket up.
    pub(crate) fn consume_ticket(
        &self,
        ticket: &Token,
        now: Timestamp,
    ) -> Result<Update, StoreError> {
        self.tokens.consume(ticket, Half::Link, now)
    }

    /// Deletes what is kept of a user that is gone.
    pub async fn erase(&self, user: UserId) -> Result<(), StoreError> {
        for sk in [TOTP, SETUP, RECOVERY] {
            self.client
                .delete_item()
                .table_name(&self.users.table.name)
                .set_key(Some(key(user, sk)))
                .send()
                .await?;
        }
        Ok(())
    }

    /// A change of the user's factors, if they still are those of `user`.
    fn change(&self, user: &User, methods: &[Method]) -> Change {
        let row = self.users.change(user);
        let row = if user.mfa.is_empty() {
            row.when("attribute_not_exists(mfa)")
        } else {
            row.when("mfa = :mfa").with(":mfa", names(&user.mfa))
        };
        row.set_or_remove("mfa", (!methods.is_empty()).then(|| names(methods)))
    }

    /// The write that ends a set-up, which must be this one still, and in time.
    fn finish(&self, user: UserId, setup: &Setup, now: Timestamp) -> Result<Delete, StoreError> {
        Delete::builder()
            .table_name(&self.users.table.name)
            .set_key(Some(key(user, SETUP)))
            .condition_expression("tokenId = :token AND expiresAt > :now")
            .expression_attribute_values(":token", text(setup.token_id))
            .expression_attribute_values(":now", time(now))
            .build()
            .map_err(|error| StoreError::inconsistent(TABLE, error))
    }

    fn put<T: Serialize>(
        &self,
        user: UserId,
        sk: &'static str,
        content: &T,
    ) -> Result<Put, StoreError> {
        let row = Row {
            pk: user_pk(user),
            sk,
            content,
            ttl: None,
        };
        Put::builder()
            .table_name(&self.users.table.name)
            .set_item(Some(item::to_item(TABLE, &row)?))
            .build()
            .map_err(|error| StoreError::inconsistent(TABLE, error))
    }

    fn put_codes(&self, user: UserId, codes: &[String]) -> Result<Put, StoreError> {
        self.put_codes_if(user, codes)
            .build()
            .map_err(|error| StoreError::inconsistent(TABLE, error))
    }

    fn put_codes_if(&self, user: UserId, codes: &[String]) -> PutBuilder {
        let mut row = key(user, RECOVERY);
        row.insert("codes".to_owned(), AttributeValue::Ss(codes.to_vec()));
        Put::builder()
            .table_name(&self.users.table.name)
            .set_item(Some(row))
    }

    fn remove(&self, user: UserId, sk: &str) -> Result<Delete, StoreError> {
        Delete::builder()
            .table_name(&self.users.table.name)
            .set_key(Some(key(user, sk)))
            .build()
            .map_err(|error| StoreError::inconsistent(TABLE, error))
    }

    fn delete(
        &self,
        user: UserId,
        sk: &str,
        condition: &str,
        name: &str,
        value: AttributeValue,
    ) -> Result<Delete, StoreError> {
        Delete::builder()
            .table_name(&self.users.table.name)
            .set_key(Some(key(user, sk)))
            .condition_expression(condition)
            .expression_attribute_values(name, value)
            .build()
            .map_err(|error| StoreError::inconsistent(TABLE, error))
    }
}

fn names(methods: &[Method]) -> AttributeValue {
    AttributeValue::L(methods.iter().map(|method| text(method.as_str())).collect())
}

fn user_pk(user: UserId) -> String {
    format!("user#{user}")
}

fn key(user: UserId, sk: &str) -> Item {
    HashMap::from([
        ("pk".to_owned(), text(user_pk(user))),
        ("sk".to_owned(), text(sk)),
    ])
}
