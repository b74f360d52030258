//! The moment at which something that is given for a while ends.

use jiff::Timestamp;
use latchkey_shared::domain::invalid::{self, Invalid};
use latchkey_shared::http::{FieldError, Problem};
use serde::{Deserialize, Deserializer};

/// A time in RFC 3339, to the millisecond, as the tables keep it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Until(Timestamp);

impl Until {
    /// The time, if it is still to come at `now`.
    pub(crate) fn after(self, now: Timestamp) -> Result<Timestamp, Problem> {
        if self.0 > now {
            return Ok(self.0);
        }
        Err(bad("out_of_range", "Choose a time that is still to come."))
    }
}

/// What is wrong with the field.
pub(crate) fn bad(code: &'static str, message: &str) -> Problem {
    Problem::validation(vec![FieldError::new("until", code, message)])
}

impl TryFrom<String> for Until {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        let at: Option<Timestamp> = text.parse().ok();
        at.and_then(|at| Timestamp::from_millisecond(at.as_millisecond()).ok())
            .map(Self)
            .ok_or_else(|| {
                Invalid::new(
                    "invalid_time",
                    "Send a time such as \"2030-01-31T12:00:00Z\".",
                )
            })
    }
}

impl<'de> Deserialize<'de> for Until {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        invalid::deserialize(deserializer, "a time as a string")
    }
}
