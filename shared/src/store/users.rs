//! The `users` table: users, and the claims that make their addresses and names unique.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, Put};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::item::{self, Item, millis, text, ttl};
use super::{StoreError, Table, whole};
use crate::domain::email::EmailAddress;
use crate::domain::id::UserId;
use crate::domain::name::DisplayName;
use crate::domain::phone::PhoneNumber;
use crate::domain::user::{Status, User};
use crate::domain::username::Username;
use crate::env::{Env, EnvError};

const TABLE: &str = "users";
const PROFILE: &str = "profile";
const CLAIM: &str = "claim";

/// Something that only one user can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim<'a> {
    /// An email address, by its key.
    Email(&'a EmailAddress),
    /// A username, by its key.
    Username(&'a Username),
    /// A phone number.
    Phone(&'a PhoneNumber),
    /// Nothing that anybody wants: what a shadow claims in the place of its address, so that a
    /// sign-up costs the same whether the address is free or taken.
    Shadow(UserId),
    /// Being the first admin, which happens once in a deployment's life.
    FirstAdmin,
}

impl Claim<'_> {
    pub(crate) fn pk(&self) -> String {
        match self {
            Self::Email(email) => format!("claim#email#{}", email.key()),
            Self::Username(username) => format!("claim#username#{}", username.key()),
            Self::Phone(phone) => format!("claim#phone#{}", phone.as_str()),
            Self::Shadow(user) => format!("claim#shadow#{user}"),
            Self::FirstAdmin => "claim#first-admin".to_owned(),
        }
    }
}

/// Who holds a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder {
    /// The user who holds it.
    pub user: UserId,
    /// When it lapses, if the user never verifies.
    pub lapses_at: Option<Timestamp>,
}

/// Reads users and claims.
#[derive(Debug, Clone)]
pub struct Users {
    pub(crate) table: Table,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "as the user has them")]
struct UserRow {
    pk: String,
    sk: String,
    id: UserId,
    name: DisplayName,
    email: EmailAddress,
    email_verified: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    username: Option<Username>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    phone_number: Option<PhoneNumber>,
    phone_verified: bool,
    holds_phone: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    image_url: Option<String>,
    status: Status,
    roles: Vec<String>,
    plan: String,
    mfa_enabled: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    password_hash: Option<String>,
    #[serde(
        default,
        with = "millis::option",
        skip_serializing_if = "Option::is_none"
    )]
    tokens_valid_after: Option<Timestamp>,
    shadow: bool,
    #[serde(
        default,
        with = "millis::option",
        skip_serializing_if = "Option::is_none"
    )]
    lapses_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ttl: Option<i64>,
    #[serde(with = "millis")]
    created_at: Timestamp,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClaimRow {
    pk: String,
    sk: String,
    user_id: UserId,
    #[serde(
        default,
        with = "millis::option",
        skip_serializing_if = "Option::is_none"
    )]
    lapses_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ttl: Option<i64>,
}

impl Users {
    /// The table that `USERS_TABLE` names.
    pub fn open(client: &Client, env: &Env) -> Result<Self, EnvError> {
        Ok(Self {
            table: Table::open(client, env, "USERS_TABLE")?,
        })
    }

    /// The user of this id.
    pub async fn get(&self, id: UserId) -> Result<Option<User>, StoreError> {
        let row = self.table.read(profile_key(id)).await?;
        row.map(user_of).transpose()
    }

    /// Who holds this claim at `now`.
    pub async fn holder(
        &self,
        claim: Claim<'_>,
        now: Timestamp,
    ) -> Result<Option<UserId>, StoreError> {
        let row = self.table.read(claim_key(claim)).await?;
        let holder = row.map(holder_of).transpose()?;
        Ok(holder
            .filter(|holder| holder.is_live(now))
            .map(|holder| holder.user))
    }

    /// Who holds these claims at `now`, in one round trip and in their order.
    pub async fn holders(
        &self,
        claims: &[Claim<'_>],
        now: Timestamp,
    ) -> Result<Vec<Option<Holder>>, StoreError> {
        let mut request = KeysAndAttributes::builder().consistent_read(true);
        for claim in claims {
            request = request.keys(claim_key(*claim));
        }
        let request = request
            .build()
            .map_err(|error| StoreError::inconsistent(TABLE, error))?;
        let answer = self
            .table
            .client
            .batch_get_item()
            .request_items(&self.table.name, request)
            .send()
            .await?;
        let mut found: HashMap<String, Holder> = HashMap::new();
        for item in whole(answer)?.into_values().flatten() {
            let row: ClaimRow = item::from_item(CLAIM, item)?;
            found.insert(row.pk.clone(), row.holder());
        }
        Ok(claims
            .iter()
            .map(|claim| {
                found
                    .get(&claim.pk())
                    .filter(|holder| holder.is_live(now))
                    .copied()
            })
            .collect())
    }

    /// The write of a new user.
    pub(crate) fn put_new(&self, user: &User) -> Result<Put, StoreError> {
        let row = UserRow {
            pk: user_pk(user.id),
            sk: PROFILE.to_owned(),
            id: user.id,
            name: user.name.clone(),
            email: user.email.clone(),
            email_verified: user.email_verified,
            username: user.username.clone(),
            phone_number: user.phone_number.clone(),
            phone_verified: user.phone_verified,
            holds_phone: user.holds_phone,
            image_url: user.image_url.clone(),
            status: user.status,
            roles: user.roles.clone(),
            plan: user.plan.clone(),
            mfa_enabled: user.mfa_enabled,
            password_hash: user
                .password_hash
                .as_ref()
                .map(|hash| hash.expose_secret().to_owned()),
            tokens_valid_after: user.tokens_valid_after,
            shadow: user.shadow,
            lapses_at: user.lapses_at,
            ttl: user.lapses_at.map(ttl),
            created_at: user.created_at,
        };
        Put::builder()
            .table_name(&self.table.name)
            .set_item(Some(item::to_item(TABLE, &row)?))
            .condition_expression("attribute_not_exists(pk)")
            .build()
            .map_err(|error| StoreError::inconsistent(TABLE, error))
    }

    /// The write that takes a claim, which must be free or lapsed at `now`. An address may be
    /// taken from a sign-up that has not verified it, too.
    pub(crate) fn put_claim(
        &self,
        claim: Claim<'_>,
        user: UserId,
        lapses_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Put, StoreError> {
        let condition = match claim {
            Claim::Email(_) => "attribute_not_exists(pk) OR attribute_exists(lapsesAt)",
            _ => "attribute_not_exists(pk) OR lapsesAt <= :now",
        };
        let row = ClaimRow {
            pk: claim.pk(),
            sk: CLAIM.to_owned(),
            user_id: user,
            lapses_at,
            ttl: lapses_at.map(ttl),
        };
        Put::builder()
            .table_name(&self.table.name)
            .set_item(Some(item::to_item(CLAIM, &row)?))
            .set_expression_attribute_values(
                condition
                    .contains(":now")
                    .then(|| HashMap::from([(":now".to_owned(), item::time(now))])),
            )
            .condition_expression(condition)
            .build()
            .map_err(|error| StoreError::inconsistent(CLAIM, error))
    }
}

impl Holder {
    /// Whether the holder has verified what they hold, and has it for good.
    pub fn is_verified(&self) -> bool {
        self.lapses_at.is_none()
    }

    fn is_live(&self, now: Timestamp) -> bool {
        self.lapses_at.is_none_or(|at| now < at)
    }
}

impl ClaimRow {
    fn holder(&self) -> Holder {
        Holder {
            user: self.user_id,
            lapses_at: self.lapses_at,
        }
    }
}

fn user_pk(id: UserId) -> String {
    format!("user#{id}")
}

/// The key of a user's own row.
pub(crate) fn profile_key(id: UserId) -> Item {
    key(user_pk(id), PROFILE)
}

/// The key of a claim's row.
pub(crate) fn claim_key(claim: Claim<'_>) -> Item {
    key(claim.pk(), CLAIM)
}

fn key(pk: String, sk: &str) -> HashMap<String, AttributeValue> {
    HashMap::from([("pk".to_owned(), text(pk)), ("sk".to_owned(), text(sk))])
}

/// The user of a row.
pub(crate) fn user_of(item: Item) -> Result<User, StoreError> {
    let row: UserRow = item::from_item(TABLE, item)?;
    Ok(User {
        id: row.id,
        name: row.name,
        email: row.email,
        email_verified: row.email_verified,
        username: row.username,
        phone_number: row.phone_number,
        phone_verified: row.phone_verified,
        holds_phone: row.holds_phone,
        image_url: row.image_url,
        status: row.status,
        roles: row.roles,
        plan: row.plan,
        mfa_enabled: row.mfa_enabled,
        password_hash: row.password_hash.map(SecretString::from),
        tokens_valid_after: row.tokens_valid_after,
        shadow: row.shadow,
        lapses_at: row.lapses_at,
        created_at: row.created_at,
    })
}

fn holder_of(item: Item) -> Result<Holder, StoreError> {
    item::from_item::<ClaimRow>(CLAIM, item).map(|row| row.holder())
}
