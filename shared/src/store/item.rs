//! How values are written in items: times as milliseconds, so that conditions can compare them.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::StoreError;

/// A row as DynamoDB's client has it.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// A text attribute.
#[expect(
    clippy::needless_pass_by_value,
    reason = "callers hand ids and literals alike"
)]
pub(crate) fn text(value: impl ToString) -> AttributeValue {
    AttributeValue::S(value.to_string())
}

/// A number attribute.
#[expect(
    clippy::needless_pass_by_value,
    reason = "callers hand numbers of all kinds"
)]
pub(crate) fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// A time as conditions compare it: milliseconds since 1970.
pub(crate) fn time(at: Timestamp) -> AttributeValue {
    number(at.as_millisecond())
}

/// When DynamoDB may drop a row whose life ends at `at`, in seconds since 1970. It may be days
/// late, so no code relies on it: whoever reads compares the time itself.
pub(crate) fn ttl(at: Timestamp) -> i64 {
    at.as_second()
}

/// The row of a struct.
pub(crate) fn to_item(table: &'static str, row: &impl Serialize) -> Result<Item, StoreError> {
    serde_dynamo::to_item(row).map_err(|error| StoreError::inconsistent(table, error))
}

/// The struct of a row.
pub(crate) fn from_item<T: DeserializeOwned>(
    table: &'static str,
    item: Item,
) -> Result<T, StoreError> {
    serde_dynamo::from_item(item).map_err(|error| StoreError::inconsistent(table, error))
}

/// A row whose attribute says when it was, in milliseconds.
pub(crate) mod millis {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

    pub(crate) fn serialize<S: Serializer>(at: &Timestamp, s: S) -> Result<S::Ok, S::Error> {
        at.as_millisecond().serialize(s)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Timestamp, D::Error> {
        Timestamp::from_millisecond(i64::deserialize(d)?).map_err(de::Error::custom)
    }

    /// The same for a time that may be absent.
    pub(crate) mod option {
        use super::{Deserialize, Deserializer, Serialize, Serializer, Timestamp, de};

        #[expect(clippy::ref_option, reason = "serde hands a reference")]
        pub(crate) fn serialize<S: Serializer>(
            at: &Option<Timestamp>,
            s: S,
        ) -> Result<S::Ok, S::Error> {
            at.map(Timestamp::as_millisecond).serialize(s)
        }

        pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
            d: D,
        ) -> Result<Option<Timestamp>, D::Error> {
            Option::<i64>::deserialize(d)?
                .map(|millis| Timestamp::from_millisecond(millis).map_err(de::Error::custom))
                .transpose()
        }
    }
}
