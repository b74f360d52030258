//! Ids, each its own type, so that a session's can't be handed where a user's is meant.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use ulid::Ulid;
use uuid::{Builder, Uuid};

use super::invalid::{self, Invalid};
use crate::random::Random;

/// The text is no id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id")]
pub struct NotAnId;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                invalid::deserialize(deserializer, "an id as a string")
            }
        }

        impl TryFrom<String> for $name {
            type Error = Invalid;

            fn try_from(text: String) -> Result<Self, Invalid> {
                text.parse().map_err(|_| {
                    Invalid::new("invalid_id", "Send the id just as the service gave it.")
                })
            }
        }

        impl $name {
            /// A new id: UUIDv7 of `now`, with 74 random bits.
            pub fn new(now: Timestamp, random: &dyn Random) -> Self {
                let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
                Self(Builder::from_unix_timestamp_millis(millis, &random.bytes()).into_uuid())
            }

            /// The 16 bytes, for tokens that carry the id.
            pub fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }

            /// When the id was made, in milliseconds since 1970.
            pub fn unix_millis(&self) -> i64 {
                let mut bytes = [0; 8];
                bytes[2..].copy_from_slice(&self.0.as_bytes()[..6]);
                i64::from_be_bytes(bytes)
            }

            /// When the id was made.
            pub fn made_at(&self) -> Timestamp {
                Timestamp::from_millisecond(self.unix_millis()).unwrap_or(Timestamp::UNIX_EPOCH)
            }

            /// The id that these 16 bytes are.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;

            /// Takes the lower-case hyphenated form alone: one id, one spelling.
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let id = Uuid::try_parse(text).map_err(|_| NotAnId)?;
                (id.hyphenated().to_string() == text)
                    .then_some(Self(id))
                    .ok_or(NotAnId)
            }
        }
    };
}

uuid_id!(
    /// A user, for life. Never given twice.
    UserId
);
uuid_id!(
    /// One sign-in on one device.
    SessionId
);
uuid_id!(
    /// A one-time token: a code and its link. Later ids sort after earlier ones.
    TokenId
);

uuid_id!(
    /// A browser that somebody has signed in on. It is in a cookie there, and nowhere else.
    DeviceId
);

uuid_id!(
    /// One try of a code or a password, or one claim on a message: by it a write that is repeated,
    /// since its answer was lost, knows itself.
    TryId
);

/// An event in the audit log: a ULID, so that a user's events sort by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(Ulid);

impl EventId {
    /// A new id for an event of `now`.
    pub fn new(now: Timestamp, random: &dyn Random) -> Self {
        let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
        Self(Ulid::from_parts(
            millis,
            u128::from_be_bytes(random.bytes()),
        ))
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
