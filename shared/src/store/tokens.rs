//! The `tokens` table: one-time tokens, and how many codes were tried.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::Config;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{
    AttributeValue, Delete, Put, ReturnValue, ReturnValuesOnConditionCheckFailure, Update,
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::item::{self, Item, millis, number, text, time, ttl};
use super::{StoreError, Table};
use crate::domain::id::{SessionId, TokenId, TryId, UserId};
use crate::domain::locale::Locale;
use crate::domain::token::{MAX_TRIES, MAX_TRIES_A_DAY, Purpose, Target, Token};
use crate::env::{Env, EnvError};

const TABLE: &str = "tokens";

/// How long wrong codes are remembered: longer than any code lives.
const LINE_LIFE: SignedDuration = SignedDuration::from_hours(24);

/// The ways to count a try, with the condition of each: the first is that of nearly every try.
const TRIES: [(&str, &str); 3] = [
    (
        "attribute_not_exists(#count) OR (#count < :max AND #newest <= :token)",
        "ADD #count :one SET #newest = :token, #ttl = :ttl, lastTry = :try",
    ),
    // A code from before the newest that was tried. The newest stays known: two codes tried by
    // turns would else begin anew without end.
    (
        "#count < :max AND #newest > :token AND (attribute_not_exists(dead) OR dead < :token)",
        "ADD #count :one SET #ttl = :ttl, lastTry = :try",
    ),
    // A code from after the dead ones.
    (
        "#count >= :max AND #newest < :token",
        "SET dead = #newest, #count = :one, #newest = :token, #ttl = :ttl, lastTry = :try",
    ),
];

/// One-time tokens.
#[derive(Debug, Clone)]
pub struct Tokens {
    pub(crate) table: Table,
}

/// Which half of a token is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Half {
    /// The code that a person types.
    Code,
    /// The link that they open.
    Link,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    pk: TokenId,
    purpose: Purpose,
    user_id: UserId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    target: Option<Target>,
    line: String,
    #[serde(default)]
    epoch: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    session_id: Option<SessionId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    amr: Vec<String>,
    #[serde(default)]
    resent: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    locale: Option<Locale>,
    #[serde(with = "millis")]
    code_expires_at: Timestamp,
    #[serde(with = "millis")]
    link_expires_at: Timestamp,
    consumed: bool,
    decoy: bool,
    ttl: i64,
}

impl Tokens {
    /// The table that `TOKENS_TABLE` names.
    pub fn open(client: &Client, env: &Env) -> Result<Self, EnvError> {
        Ok(Self {
            table: Table::open(client, env, "TOKENS_TABLE")?,
        })
    }

    /// The token of this id.
    pub async fn get(&self, id: TokenId) -> Result<Option<Token>, StoreError> {
        let row = self.table.read(key(id)).await?;
        row.map(token_of).transpose()
    }

    /// The token of the newest code of a line, for purposes of which only that one is good.
    pub async fn newest(
        &self,
        purpose: Purpose,
        line: &str,
    ) -> Result<Option<TokenId>, StoreError> {
        #[derive(Deserialize)]
        struct Line {
            issued: Option<TokenId>,
        }
        let row = self.table.read(line_key(purpose, line)).await?;
        let line = row
            .map(|row| item::from_item::<Line>(TABLE, row))
            .transpose()?;
        Ok(line.and_then(|line| line.issued))
    }

    /// Counts one more try of a token's code, before the code is looked at. The answer is how many
    /// there have been with this one, or none where the code is dead.
    ///
    /// Tries are counted for the token's line, so that asking for another code gives no more of
    /// them (NIST SP 800-63B section 3.1.3.2); only a code that came after every dead one begins
    /// anew. Ids of tokens sort by time.
    pub async fn bump_if(
        &self,
        token: &Token,
        by: TryId,
        now: Timestamp,
    ) -> Result<Option<u32>, StoreError> {
        let bump = self
            .table
            .client
            .update_item()
            .table_name(&self.table.name)
            .set_key(Some(line_key(token.purpose, &token.line)))
            .expression_attribute_names("#count", "count")
            .expression_attribute_names("#newest", "newest")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":max", number(MAX_TRIES))
            .expression_attribute_values(":token", text(token.id))
            .expression_attribute_values(":ttl", number(ttl(now + LINE_LIFE)))
            .return_values(ReturnValue::UpdatedNew);
        for (condition, update) in TRIES {
            let condition = if token.purpose.newest_wins() {
                format!("({condition}) AND issued = :token")
            } else {
                condition.to_owned()
            };
            let bump = bump.clone().update_expression(update);
            if let Some(counted) = count_once(bump, &condition, by).await? {
                return tries(counted).map(Some);
            }
        }
        Ok(None)
    }

    /// Counts one more try of a token's line on this day (UTC), whichever its code. False where
    /// the day has had its tries.
    pub async fn bump_day_if(
        &self,
        token: &Token,
        by: TryId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let day = now.as_second().div_euclid(24 * 60 * 60);
        let bump = self
            .table
            .client
            .update_item()
            .table_name(&self.table.name)
            .set_key(Some(line_key(
                token.purpose,
                &format!("{}#{day}", token.line),
            )))
            .update_expression("ADD #count :one SET #ttl = :ttl, lastTry = :try")
            .expression_attribute_names("#count", "count")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":max", number(MAX_TRIES_A_DAY))
            .expression_attribute_values(":ttl", number(ttl(now + 2 * LINE_LIFE)));
        let below = "attribute_not_exists(#count) OR #count < :max";
        Ok(count_once(bump, below, by).await?.is_some())
    }

    /// Gives a try back that was not in vain. Asked once alone: were the answer lost and this
    /// repeated, two tries would be given back for one, while one too few harms little.
    pub async fn take_back(&self, token: &Token) -> Result<(), StoreError> {
        let taken = self
            .table
            .client
            .update_item()
            .table_name(&self.table.name)
            .set_key(Some(line_key(token.purpose, &token.line)))
            .update_expression("ADD #count :less")
            .condition_expression("#count > :none AND #newest = :token")
            .expression_attribute_names("#count", "count")
            .expression_attribute_names("#newest", "newest")
            .expression_attribute_values(":less", number(-1))
            .expression_attribute_values(":none", number(0))
            .expression_attribute_values(":token", text(token.id))
            .customize()
            .config_override(Config::builder().retry_config(RetryConfig::disabled()))
            .send()
            .await;
        match taken {
            Ok(_) => Ok(()),
            Err(error) if is_refusal(&error) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Counts one more try of this token's code, whoever tries it. False where it has had its
    /// tries.
    pub async fn bump_token_if(&self, id: TokenId, by: TryId) -> Result<bool, StoreError> {
        let bump = self
            .table
            .client
            .update_item()
            .table_name(&self.table.name)
            .set_key(Some(key(id)))
            .update_expression("ADD tries :one SET lastTry = :try")
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":max", number(MAX_TRIES));
        let below = "attribute_exists(pk) AND (attribute_not_exists(tries) OR tries < :max)";
        Ok(count_once(bump, below, by).await?.is_some())
    }

    /// Forgets a token, whatever became of it.
    pub async fn forget(&self, id: TokenId) -> Result<(), StoreError> {
        self.table
            .client
            .delete_item()
            .table_name(&self.table.name)
            .set_key(Some(key(id)))
            .send()
            .await?;
        Ok(())
    }

    /// The write of a new token.
    pub(crate) fn put_new(&self, token: &Token) -> Result<Put, StoreError> {
        let row = Row {
            pk: token.id,
            purpose: token.purpose,
            user_id: token.user,
            target: token.target.clone(),
            line: token.line.clone(),
            epoch: token.epoch,
            session_id: token.session,
            amr: token.amr.clone(),
            resent: token.resent,
            locale: token.locale.clone(),
            code_expires_at: token.code_expires_at,
            link_expires_at: token.link_expires_at,
            consumed: token.consumed,
            decoy: token.decoy,
            ttl: ttl(token.expires_at()),
        };
        Put::builder()
            .table_name(&self.table.name)
            .set_item(Some(item::to_item(TABLE, &row)?))
            .condition_expression("attribute_not_exists(pk)")
            .build()
            .map_err(|error| StoreError::inconsistent(TABLE, error))
    }

    /// The write that makes a token's code the newest of its line.
    pub(crate) fn issue(&self, token: &Token, now: Timestamp) -> Result<Update, StoreError> {
        Update::builder()
            .table_name(&self.table.name)
            .set_key(Some(line_key(token.purpose, &token.line)))
            .update_expression("SET issued = :token, #ttl = :ttl")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":token", text(token.id))
            .expression_attribute_values(":ttl", number(ttl(now + LINE_LIFE)))
            .build()
            .map_err(|error| StoreError::inconsistent(TABLE, error))
    }

    /// The write that ends a line with a token that has been used: tries are counted anew, and
    /// where only the newest code is good, this one still was it.
    pub(crate) fn settle(&self, token: &Token) -> Result<Delete, StoreError> {
        let settle = Delete::builder()
            .table_name(&self.table.name)
            .set_key(Some(line_key(token.purpose, &token.line)));
        let settle = if token.purpose.newest_wins() {
            settle
                .condition_expression("issued = :token")
                .expression_attribute_values(":token", text(token.id))
        } else {
            settle
        };
        settle
            .build()
            .map_err(|error| StoreError::inconsistent(TABLE, error))
    }

    /// The write that uses a token up: once, in time, for its purpose, by its user.
    pub(crate) fn consume(
        &self,
        token: &Token,
        half: Half,
        now: Timestamp,
    ) -> Result<Update, StoreError> {
        let expiry = match half {
            Half::Code => "codeExpiresAt",
            Half::Link => "linkExpiresAt",
        };
        Update::builder()
            .table_name(&self.table.name)
            .set_key(Some(key(token.id)))
            .update_expression("SET #consumed = :true")
            .condition_expression(format!(
                "#consumed = :false AND decoy = :false AND {expiry} > :now \
                 AND purpose = :purpose AND userId = :user"
            ))
            .expression_attribute_names("#consumed", "consumed")
            .expression_attribute_values(":true", AttributeValue::Bool(true))
            .expression_attribute_values(":false", AttributeValue::Bool(false))
            .expression_attribute_values(":now", time(now))
            .expression_attribute_values(":purpose", text(token.purpose.as_str()))
            .expression_attribute_values(":user", text(token.user))
            .build()
            .map_err(|error| StoreError::inconsistent(TABLE, error))
    }
}

/// Counts a try where the condition holds. The update notes whose count it was, so that one which
/// is repeated, because its answer was lost, finds itself done: it neither counts twice nor is
/// refused as the try too many. Gives the row's attributes, as the update asks for them or, where
/// it had been done, all of them; nothing where the condition did not hold.
async fn count_once(
    update: UpdateItemFluentBuilder,
    condition: &str,
    by: TryId,
) -> Result<Option<Option<Item>>, StoreError> {
    let by = text(by);
    let counted = update
        .condition_expression(format!(
            "({condition}) AND (attribute_not_exists(lastTry) OR lastTry <> :try)"
        ))
        .expression_attribute_values(":try", by.clone())
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        .send()
        .await;
    let error = match counted {
        Ok(answer) => return Ok(Some(answer.attributes)),
        Err(error) => error,
    };
    match error.as_service_error() {
        Some(UpdateItemError::ConditionalCheckFailedException(refusal)) => Ok(refusal
            .item()
            .filter(|row| row.get("lastTry") == Some(&by))
            .map(|row| Some(row.clone()))),
        _ => Err(error.into()),
    }
}

fn line_key(purpose: Purpose, line: &str) -> Item {
    let pk = format!("line#{}#{line}", purpose.as_str());
    HashMap::from([("pk".to_owned(), text(pk))])
}

fn tries(attributes: Option<Item>) -> Result<u32, StoreError> {
    #[derive(Deserialize)]
    struct Tries {
        count: u32,
    }
    item::from_item::<Tries>(TABLE, attributes.unwrap_or_default()).map(|tries| tries.count)
}

fn is_refusal<R>(error: &SdkError<UpdateItemError, R>) -> bool {
    error
        .as_service_error()
        .is_some_and(UpdateItemError::is_conditional_check_failed_exception)
}

/// The key of a token's row.
pub(crate) fn key(id: TokenId) -> Item {
    HashMap::from([("pk".to_owned(), text(id))])
}

/// The token of a row.
pub(crate) fn token_of(item: Item) -> Result<Token, StoreError> {
    let row: Row = item::from_item(TABLE, item)?;
    Ok(Token {
        id: row.pk,
        purpose: row.purpose,
        user: row.user_id,
        target: row.target,
        line: row.line,
        epoch: row.epoch,
        session: row.session_id,
        amr: row.amr,
        resent: row.resent,
        locale: row.locale,
        code_expires_at: row.code_expires_at,
        link_expires_at: row.link_expires_at,
        consumed: row.consumed,
        decoy: row.decoy,
    })
}
