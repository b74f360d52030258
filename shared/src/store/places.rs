//! Where users have signed in from: rows `place#<hash>` in the `users` table.
//!
//! A place is a network together with what the client calls itself, for one name of a user. It is
//! kept hashed, under names and not under ids, since it is looked up before anybody knows who
//! goes by the name, in one round trip with that.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{KeysAndAttributes, Put};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::item::{self, Item, millis, text, ttl};
use super::users::{self, Claim, Holder, Users};
use super::{StoreError, whole};
use crate::domain::id::UserId;
use crate::domain::identifier::Identifier;
use crate::domain::network::neighbourhood;
use crate::domain::phone::PhoneNumber;
use crate::domain::session::Source;
use crate::domain::user::User;
use crate::domain::username::Username;
use crate::keys::Keyring;

const TABLE: &str = "places";
const SORT: &str = "place";

/// How long a place is known after somebody signed in there.
const LIFE: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How old the note of a place may be before the next sign-in renews it.
const RENEWAL: SignedDuration = SignedDuration::from_hours(24);

/// A place, for one name. Its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place(String);

/// Who goes by a name, and whether they have signed in at a place.
#[derive(Debug, Clone, Copy)]
pub struct Found {
    /// Who goes by the name.
    pub holder: Option<Holder>,
    /// When it was last noted that they signed in at the place, within its life.
    pub known_at: Option<Timestamp>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    pk: String,
    sk: String,
    user_id: UserId,
    #[serde(with = "millis")]
    at: Timestamp,
    ttl: i64,
}

impl Place {
    /// The place that a request with this name comes from. Requests of unknown address come from
    /// nowhere.
    pub fn of(name: &str, source: &Source, keys: &Keyring) -> Option<Self> {
        let ip = source.ip?;
        let client = source.user_agent.as_deref().unwrap_or_default();
        let text = format!("{name}\0{}\0{client}", neighbourhood(Some(ip)));
        Some(Self(keys.lookup("place", &text)))
    }

    /// The same place for every name that a user can sign in by.
    pub fn all_of(user: &User, source: &Source, keys: &Keyring) -> Vec<Self> {
        let phone = user.phone_number.as_ref().filter(|_| user.holds_phone);
        [
            Some(user.email.key()),
            user.username.as_ref().map(Username::key),
            phone.map(PhoneNumber::as_str),
        ]
        .into_iter()
        .flatten()
        .filter_map(|name| Self::of(name, source, keys))
        .collect()
    }

    /// The hash.
    pub fn into_hash(self) -> String {
        self.0
    }

    /// Whether a place that was last noted then is to be noted again.
    pub fn is_due(known_at: Option<Timestamp>, now: Timestamp) -> bool {
        known_at.is_none_or(|at| now >= at + RENEWAL)
    }

    /// The write that notes it, for the transaction of a success.
    pub(crate) fn put(
        &self,
        users: &Users,
        user: UserId,
        now: Timestamp,
    ) -> Result<Put, StoreError> {
        let row = Row {
            pk: self.pk(),
            sk: SORT.to_owned(),
            user_id: user,
            at: now,
            ttl: ttl(now + LIFE),
        };
        Put::builder()
            .table_name(&users.table.name)
            .set_item(Some(item::to_item(TABLE, &row)?))
            .build()
            .map_err(|error| StoreError::inconsistent(TABLE, error))
    }

    fn pk(&self) -> String {
        format!("place#{}", self.0)
    }

    fn key(&self) -> Item {
        HashMap::from([
            ("pk".to_owned(), text(self.pk())),
            ("sk".to_owned(), text(SORT)),
        ])
    }
}

impl Users {
    /// When it was last noted, within its life, that this user signed in at this place.
    pub async fn noted_at(
        &self,
        place: &Place,
        user: UserId,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        let Some(row) = self.table.read(place.key()).await? else {
            return Ok(None);
        };
        let noted: Row = item::from_item(TABLE, row)?;
        let known = noted.user_id == user && now < noted.at + LIFE;
        Ok(known.then_some(noted.at))
    }

    /// Who goes by this name at `now`, and whether they have signed in at this place before.
    pub async fn holder_at(
        &self,
        name: &Identifier,
        place: Option<&Place>,
        now: Timestamp,
    ) -> Result<Found, StoreError> {
        let mut keys = KeysAndAttributes::builder()
            .consistent_read(true)
            .keys(users::claim_key(Claim::from(name)));
        if let Some(place) = place {
            keys = keys.keys(place.key());
        }
        let keys = keys
            .build()
            .map_err(|error| StoreError::inconsistent(TABLE, error))?;
        let request = self.table.client.batch_get_item();
        let answer = request.request_items(&self.table.name, keys).send().await?;
        let (mut claim, mut noted) = (None, None);
        for row in whole(answer)?.into_values().flatten() {
            if row.get("sk") == Some(&text(SORT)) {
                noted = Some(item::from_item::<Row>(TABLE, row)?);
            } else {
                claim = Some(row);
            }
        }
        let holder = users::goes_by(claim, now)?;
        let known = noted.filter(|noted| {
            holder.is_some_and(|holder| holder.user == noted.user_id) && now < noted.at + LIFE
        });
        Ok(Found {
            holder,
            known_at: known.map(|noted| noted.at),
        })
    }
}
