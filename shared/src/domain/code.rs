//! A code as somebody typed it.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};

use super::invalid::{self, Invalid};

/// Digits in a code.
const DIGITS: usize = 6;

/// Six digits that may be the right ones.
#[derive(Clone)]
pub struct SubmittedCode(SecretString);

impl SubmittedCode {
    /// The digits, to compare.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl TryFrom<String> for SubmittedCode {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        if text.len() == DIGITS && text.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Self(SecretString::from(text)))
        } else {
            Err(Invalid::new(
                "invalid_code",
                "Enter the six digits of the code.",
            ))
        }
    }
}

impl<'de> Deserialize<'de> for SubmittedCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        invalid::deserialize(deserializer, "a code as a string")
    }
}

impl fmt::Debug for SubmittedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SubmittedCode")
    }
}
