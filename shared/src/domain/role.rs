//! The names of roles.

use std::borrow::Borrow;

use serde::{Deserialize, Deserializer, Serialize};

use super::invalid::{self, Invalid};
use super::plan::is_plain_name;

/// The name of a role in rows, tokens and paths: 1 to 32 of `a-z`, `0-9`, `_` and `-`, beginning with
/// a letter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct RoleName(String);

impl RoleName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for RoleName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for RoleName {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        if is_plain_name(&text) {
            return Ok(Self(text));
        }
        Err(Invalid::new(
            "invalid_id",
            "A role's name has 1 to 32 of a-z, 0-9, _ and -, and begins with a letter.",
        ))
    }
}

impl<'de> Deserialize<'de> for RoleName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        invalid::deserialize(deserializer, "a role's name as a string")
    }
}
