//! The `users` table: users, and the claims that make their addresses and names unique.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, Delete, KeysAndAttributes, Put, Update};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::change::Change;
use super::item::{self, Item, millis, number, text, ttl};
use super::user_index::Index;
use super::{StoreError, Table, whole};
use crate::domain::email::EmailAddress;
use crate::domain::factor::Method;
use crate::domain::id::{SessionId, UserId};
use crate::domain::identifier::Identifier;
use crate::domain::image_url::ImageUrl;
use crate::domain::name::DisplayName;
use crate::domain::phone::PhoneNumber;
use crate::domain::plan::Subscription;
use crate::domain::session::Cutoff;
use crate::domain::status::StatusDetail;
use crate::domain::token::Target;
use crate::domain::user::{Former, Preferences, Rejected, Status, User};
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

impl<'a> From<&'a Identifier> for Claim<'a> {
    fn from(identifier: &'a Identifier) -> Self {
        match identifier {
            Identifier::Email(email) => Self::Email(email),
            Identifier::Username(username) => Self::Username(username),
            Identifier::Phone(number) => Self::Phone(number),
        }
    }
}

impl<'a> From<&'a Target> for Claim<'a> {
    fn from(target: &'a Target) -> Self {
        match target {
            Target::Email(email) => Self::Email(email),
            Target::Phone(number) => Self::Phone(number),
        }
    }
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
    /// Until when it is held for a user who gave it up, and may want it back.
    pub held_until: Option<Timestamp>,
    /// Whether the holder has yet to show that it is theirs: of a phone number.
    pub unproven: bool,
    /// How many sign-ups have asked for it: of an address or phone number.
    pub sign_ups: u32,
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
    image_url: Option<ImageUrl>,
    status: Status,
    #[serde(default)]
    status_version: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status_reason: Option<String>,
    #[serde(
        default,
        with = "millis::option",
        skip_serializing_if = "Option::is_none"
    )]
    status_until: Option<Timestamp>,
    roles: Vec<String>,
    plan: String,
    #[serde(
        default,
        with = "millis::option",
        skip_serializing_if = "Option::is_none"
    )]
    plan_since: Option<Timestamp>,
    #[serde(
        default,
        with = "millis::option",
        skip_serializing_if = "Option::is_none"
    )]
    plan_until: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    mfa: Vec<Method>,
    #[serde(
        default,
        with = "millis::option",
        skip_serializing_if = "Option::is_none"
    )]
    mfa_since: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    password_hash: Option<String>,
    #[serde(
        default,
        with = "millis::option",
        skip_serializing_if = "Option::is_none"
    )]
    tokens_valid_after: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kept_session: Option<SessionId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_session: Option<SessionId>,
    #[serde(default)]
    sessions_epoch: u32,
    #[serde(default)]
    epoch: u32,
    #[serde(default)]
    rejected: Vec<Rejected>,
    #[serde(default)]
    former: Vec<Former>,
    #[serde(default)]
    preferences: Preferences,
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
    #[serde(
        default,
        with = "millis::option",
        skip_serializing_if = "Option::is_none"
    )]
    held_until: Option<Timestamp>,
    #[serde(default)]
    unproven: bool,
    #[serde(default)]
    sign_ups: u32,
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

    /// Who goes by this claim at `now`. Who has given it up does not, though nobody else can have
    /// it yet.
    pub async fn holder(
        &self,
        claim: Claim<'_>,
        now: Timestamp,
    ) -> Result<Option<Holder>, StoreError> {
        let row = self.table.read(claim_key(claim)).await?;
        goes_by(row, now)
    }

    /// Who holds these claims at `now`, in one round trip and in their order.
    pub async fn holders(
        &self,
        claims: &[Claim<'_>],
        now: Timestamp,
    ) -> Result<Vec<Option<Holder>>, StoreError> {
        let found = self.claims(claims).await?;
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

    /// The rows of these claims, by their keys.
    async fn claims(&self, claims: &[Claim<'_>]) -> Result<HashMap<String, Holder>, StoreError> {
        if claims.is_empty() {
            return Ok(HashMap::new());
        }
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
        Ok(found)
    }

    /// Which of these addresses and numbers are the user's, by their claims.
    pub async fn claimed(
        &self,
        user: UserId,
        targets: Vec<Target>,
    ) -> Result<Vec<Target>, StoreError> {
        let claims: Vec<Claim<'_>> = targets.iter().map(Claim::from).collect();
        let rows = self.claims(&claims).await?;
        let mine: Vec<bool> = claims
            .iter()
            .map(|claim| {
                rows.get(&claim.pk())
                    .is_some_and(|holder| holder.user == user)
            })
            .collect();
        let targets = targets.into_iter().zip(mine);
        Ok(targets.filter(|(_, mine)| *mine).map(|(t, _)| t).collect())
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
            status_version: user.status_detail.version,
            status_reason: user.status_detail.reason.clone(),
            status_until: user.status_detail.until,
            roles: user.roles.clone(),
            plan: user.plan.clone(),
            plan_since: user.subscription.since,
            plan_until: user.subscription.until,
            mfa: user.mfa.clone(),
            mfa_since: user.mfa_since,
            password_hash: user
                .password_hash
                .as_ref()
                .map(|hash| hash.expose_secret().to_owned()),
            tokens_valid_after: user.cutoff.map(|cutoff| cutoff.at),
            kept_session: user.cutoff.and_then(|cutoff| cutoff.kept),
            last_session: user.last_session,
            sessions_epoch: user.cutoff.map_or(0, |cutoff| cutoff.epoch),
            epoch: user.epoch,
            rejected: user.rejected.clone(),
            former: user.former.clone(),
            preferences: user.preferences.clone(),
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

    /// A change of a user's own row, if it still is as `user` has it in what tells changes of
    /// identity apart: epoch and status.
    pub(crate) fn change(&self, user: &User) -> Change {
        let unmoved = unmoved(user);
        Change::of(self, profile_key(user.id))
            .when(format!("{unmoved} AND #status = :status"))
            .named("#status", "status")
            .with(":epoch", number(user.epoch))
            .with(":status", text(user.status.as_str()))
    }

    /// A change of a user's row to another status, if the one that it has is still the one of
    /// `user`, by version too.
    pub(crate) fn change_status(&self, user: &User, to: Status, detail: &StatusDetail) -> Change {
        let version = user.status_detail.version;
        let unmoved = if version == 0 {
            "attribute_not_exists(statusVersion) OR statusVersion = :statusVersion"
        } else {
            "statusVersion = :statusVersion"
        };
        let row = self
            .change(user)
            .when(unmoved)
            .with(":statusVersion", number(version));
        place_status(row, user.id, to, detail)
    }

    /// A change of a claim's row.
    pub(crate) fn change_claim(&self, claim: Claim<'_>) -> Change {
        Change::of(self, claim_key(claim))
    }

    /// The write that takes a claim for a sign-up, which must be free or lapsed at `now`. An
    /// address may be taken from a sign-up that has not verified it, too.
    pub(crate) fn take_claim(
        &self,
        claim: Claim<'_>,
        user: UserId,
        lapses_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Update, StoreError> {
        let free = match claim {
            Claim::Email(_) => "attribute_exists(lapsesAt)",
            _ => "lapsesAt <= :now",
        };
        let mut change = self
            .change_claim(claim)
            .when(format!(
                "attribute_not_exists(pk) OR {free} OR heldUntil <= :now"
            ))
            .set("userId", text(user))
            .remove("heldUntil")
            .with(":now", item::time(now));
        change = match lapses_at {
            Some(at) => {
                change
                    .set("lapsesAt", item::time(at))
                    .set_named("#ttl", "ttl", number(ttl(at)))
            }
            None => change.remove("lapsesAt").remove_named("#ttl", "ttl"),
        };
        match claim {
            Claim::Email(_) => change = change.add("signUps", number(1)),
            Claim::Phone(_) => {
                change = change
                    .set("unproven", AttributeValue::Bool(true))
                    .add("signUps", number(1));
            }
            Claim::Username(_) | Claim::Shadow(_) | Claim::FirstAdmin => {}
        }
        change.build()
    }

    /// The write that gives a claim to a user for good, from a sign-up that has not verified it,
    /// from whoever has yet to show that it is theirs, or from nobody. What is `proven` can be won
    /// by no other.
    pub(crate) fn win_claim(
        &self,
        claim: Claim<'_>,
        user: UserId,
        proven: bool,
        now: Timestamp,
    ) -> Result<Update, StoreError> {
        let unproven = (!proven).then_some(AttributeValue::Bool(true));
        self.change_claim(claim)
            .when(
                "attribute_not_exists(pk) OR attribute_exists(lapsesAt) OR heldUntil <= :now \
                 OR unproven = :true OR userId = :user"
                    .to_owned(),
            )
            .with(":now", item::time(now))
            .with(":true", AttributeValue::Bool(true))
            .with(":user", text(user))
            .set("userId", text(user))
            .set_or_remove("unproven", unproven)
            .remove("lapsesAt")
            .remove("heldUntil")
            .remove("signUps")
            .remove_named("#ttl", "ttl")
            .build()
    }

    /// The write that holds a claim which its user gives up, so that they can have it back.
    pub(crate) fn hold_claim(
        &self,
        claim: Claim<'_>,
        user: UserId,
        until: Timestamp,
    ) -> Result<Update, StoreError> {
        self.change_claim(claim)
            .when("userId = :holder".to_owned())
            .with(":holder", text(user))
            .set("heldUntil", item::time(until))
            .set_named("#ttl", "ttl", number(ttl(until)))
            .build()
    }

    /// The write that gives a claim back to everybody.
    pub(crate) fn release_claim(
        &self,
        claim: Claim<'_>,
        user: UserId,
    ) -> Result<Delete, StoreError> {
        Delete::builder()
            .table_name(&self.table.name)
            .set_key(Some(claim_key(claim)))
            .condition_expression("attribute_not_exists(pk) OR userId = :user")
            .expression_attribute_values(":user", text(user))
            .build()
            .map_err(|error| StoreError::inconsistent(CLAIM, error))
    }
}

impl Holder {
    /// Whether no sign-up can have what they hold: they have verified it, or gave it up so short
    /// a time ago that they can have it back.
    pub fn is_firm(&self) -> bool {
        self.lapses_at.is_none()
    }

    /// Whether somebody other than `user` has shown it to be theirs, so that no proof of `user`'s
    /// can win it.
    pub fn is_proven_anothers(&self, user: UserId) -> bool {
        self.user != user && self.is_firm() && !self.unproven
    }

    fn is_live(&self, now: Timestamp) -> bool {
        let lapsed = self.lapses_at.is_some_and(|at| at <= now);
        let released = self.held_until.is_some_and(|at| at <= now);
        !lapsed && !released
    }
}

impl ClaimRow {
    fn holder(&self) -> Holder {
        Holder {
            user: self.user_id,
            lapses_at: self.lapses_at,
            held_until: self.held_until,
            unproven: self.unproven,
            sign_ups: self.sign_ups,
        }
    }
}

/// What holds while password, address and number are as `user` has them: `:epoch` is theirs.
fn unmoved(user: &User) -> &'static str {
    if user.epoch == 0 {
        "(attribute_not_exists(epoch) OR epoch = :epoch)"
    } else {
        "epoch = :epoch"
    }
}

/// The same change with this status, and with its place in the index of those who are shut out.
pub(crate) fn place_status(row: Change, user: UserId, to: Status, detail: &StatusDetail) -> Change {
    let row = row
        .set_named("#status", "status", text(to.as_str()))
        .set("statusVersion", number(detail.version))
        .set_or_remove("statusReason", detail.reason.as_ref().map(text))
        .set_or_remove("statusUntil", detail.until.map(item::time));
    if to.is_shut_out() {
        Index::ShutOut.enter(row, user, detail.until)
    } else {
        Index::ShutOut.leave(row)
    }
}

/// The same change with the end of all sessions but `kept`: those that began at `at` or before.
///
/// By epoch too: a session that begins at this moment by a faster clock must not outlive the
/// change, or live again when a held account does.
pub(crate) fn end_sessions(
    row: Change,
    user: &User,
    at: Timestamp,
    kept: Option<SessionId>,
) -> Change {
    row.set("tokensValidAfter", item::time(at))
        .set("epoch", number(user.epoch + 1))
        .set("sessionsEpoch", number(user.epoch + 1))
        .set_or_remove("keptSession", kept.map(text))
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
        status_detail: StatusDetail {
            version: row.status_version,
            reason: row.status_reason,
            until: row.status_until,
        },
        roles: row.roles,
        plan: row.plan,
        subscription: Subscription {
            since: row.plan_since,
            until: row.plan_until,
        },
        mfa: row.mfa,
        mfa_since: row.mfa_since,
        password_hash: row.password_hash.map(SecretString::from),
        cutoff: row.tokens_valid_after.map(|at| Cutoff {
            at,
            epoch: row.sessions_epoch,
            kept: row.kept_session,
        }),
        last_session: row.last_session,
        rejected: row.rejected,
        epoch: row.epoch,
        former: row.former,
        preferences: row.preferences,
        shadow: row.shadow,
        lapses_at: row.lapses_at,
        created_at: row.created_at,
    })
}

/// Who goes by the claim of this row at `now`.
pub(crate) fn goes_by(row: Option<Item>, now: Timestamp) -> Result<Option<Holder>, StoreError> {
    let row: Option<ClaimRow> = row.map(|row| item::from_item(CLAIM, row)).transpose()?;
    Ok(row
        .map(|row| row.holder())
        .filter(|holder| holder.is_live(now) && holder.held_until.is_none()))
}
