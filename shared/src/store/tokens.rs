//! The `tokens` table: one-time tokens, and how many codes were tried.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, Put, ReturnValue, Update};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::item::{self, Item, millis, number, text, time, ttl};
use super::{StoreError, Table};
use crate::domain::email::EmailAddress;
use crate::domain::id::{TokenId, UserId};
use crate::domain::token::{MAX_TRIES, Purpose, Token};
use crate::env::{Env, EnvError};

const TABLE: &str = "tokens";

/// How long wrong codes are remembered: longer than any code lives.
const TRIES_LIFE: SignedDuration = SignedDuration::from_hours(24);

/// The ways to count a try, with the condition of each: the first is that of nearly every try.
const TRIES: [(&str, &str); 3] = [
    (
        "attribute_not_exists(#count) OR (#count < :max AND #newest <= :token)",
        "ADD #count :one SET #newest = :token, #ttl = :ttl",
    ),
    // A code from before the newest that was tried. The newest stays known: two codes tried by
    // turns would else begin anew without end.
    (
        "#count < :max AND #newest > :token AND (attribute_not_exists(dead) OR dead < :token)",
        "ADD #count :one SET #ttl = :ttl",
    ),
    // A code from after the dead ones.
    (
        "#count >= :max AND #newest < :token",
        "SET dead = #newest, #count = :one, #newest = :token, #ttl = :ttl",
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
    email: EmailAddress,
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

    /// Counts one more try of a code, before the code is looked at. The answer is how many there
    /// have been with this one, or none where the code is dead.
    ///
    /// Tries are counted for the account and the purpose, so that asking for another code gives
    /// no more of them (NIST SP 800-63B section 3.1.3.2); only a code that came after every dead
    /// one begins anew. Ids of tokens sort by time.
    pub async fn bump_if(
        &self,
        user: UserId,
        purpose: Purpose,
        token: TokenId,
        now: Timestamp,
    ) -> Result<Option<u32>, StoreError> {
        let bump = self
            .table
            .client
            .update_item()
            .table_name(&self.table.name)
            .key("pk", text(tries_pk(user, purpose)))
            .expression_attribute_names("#count", "count")
            .expression_attribute_names("#newest", "newest")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":max", number(MAX_TRIES))
            .expression_attribute_values(":token", text(token))
            .expression_attribute_values(":ttl", number(ttl(now + TRIES_LIFE)))
            .return_values(ReturnValue::UpdatedNew);
        for (condition, update) in TRIES {
            let counted = bump
                .clone()
                .condition_expression(condition)
                .update_expression(update)
                .send()
                .await;
            match counted {
                Ok(answer) => return tries(answer.attributes).map(Some),
                Err(error) if is_refusal(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(None)
    }

    /// Counts one more try of this token's code, whoever tries it. False where it has had its
    /// tries.
    pub async fn bump_token_if(&self, id: TokenId) -> Result<bool, StoreError> {
        let counted = self
            .table
            .client
            .update_item()
            .table_name(&self.table.name)
            .set_key(Some(key(id)))
            .update_expression("ADD tries :one")
            .condition_expression(
                "attribute_exists(pk) AND (attribute_not_exists(tries) OR tries < :max)",
            )
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":max", number(MAX_TRIES))
            .send()
            .await;
        match counted {
            Ok(_) => Ok(true),
            Err(error) if is_refusal(&error) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// The write of a new token.
    pub(crate) fn put_new(&self, token: &Token) -> Result<Put, StoreError> {
        let row = Row {
            pk: token.id,
            purpose: token.purpose,
            user_id: token.user,
            email: token.email.clone(),
            code_expires_at: token.code_expires_at,
            link_expires_at: token.link_expires_at,
            consumed: token.consumed,
            decoy: token.decoy,
            ttl: ttl(token.link_expires_at),
        };
        Put::builder()
            .table_name(&self.table.name)
            .set_item(Some(item::to_item(TABLE, &row)?))
            .condition_expression("attribute_not_exists(pk)")
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

fn tries_pk(user: UserId, purpose: Purpose) -> String {
    format!("tries#{}#{user}", purpose.as_str())
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
        email: row.email,
        code_expires_at: row.code_expires_at,
        link_expires_at: row.link_expires_at,
        consumed: row.consumed,
        decoy: row.decoy,
    })
}
