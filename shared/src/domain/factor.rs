//! Second factors: which a user can have, and what they type as one.

use std::fmt;

use base32::Alphabet;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize};

use super::code::SubmittedCode;
use super::invalid::{self, Invalid};
use crate::random::Random;

/// How many recovery codes a user gets.
pub const RECOVERY_CODES: usize = 10;
/// Bytes in a recovery code: from 112 bits on a keyed hash is enough to keep it by (ASVS 6.5.2).
const RECOVERY_BYTES: usize = 15;
/// The characters that those are.
const RECOVERY_LENGTH: usize = RECOVERY_BYTES * 8 / 5;
/// How many of them stand together.
const GROUP: usize = 4;

/// A second factor that a user can sign in with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Codes of an authenticator app (RFC 6238).
    Totp,
    /// Codes mailed to the account's address.
    Email,
    /// Codes sent to the account's number.
    Sms,
}

impl Method {
    /// All of them, the safest first.
    pub const ALL: [Self; 3] = [Self::Totp, Self::Email, Self::Sms];

    /// The name in requests, answers and rows.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Totp => "totp",
            Self::Email => "email",
            Self::Sms => "sms",
        }
    }

    /// What it is in `amr` (RFC 8176).
    pub fn amr(self) -> &'static str {
        match self {
            Self::Totp | Self::Email => "otp",
            Self::Sms => "sms",
        }
    }
}

impl TryFrom<String> for Method {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        Self::ALL
            .into_iter()
            .find(|method| method.as_str() == text)
            .ok_or_else(|| Invalid::new("invalid_choice", "Send \"totp\", \"email\" or \"sms\"."))
    }
}

impl<'de> Deserialize<'de> for Method {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        invalid::deserialize(deserializer, "\"totp\", \"email\" or \"sms\"")
    }
}

/// A code that stands in for a second factor which is lost, once.
#[derive(Clone)]
pub struct RecoveryCode(SecretString);

impl RecoveryCode {
    /// A new one.
    pub fn draw(random: &dyn Random) -> Self {
        let bytes: [u8; RECOVERY_BYTES] = random.bytes();
        Self(SecretString::from(base32::encode(
            Alphabet::Crockford,
            &bytes,
        )))
    }

    /// As its owner reads it: in groups, `7Z5K-…`.
    pub fn text(&self) -> SecretString {
        let characters: Vec<char> = self.0.expose_secret().chars().collect();
        let groups: Vec<String> = characters.chunks(GROUP).map(String::from_iter).collect();
        SecretString::from(groups.join("-"))
    }

    /// What is hashed, however it was typed.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// The code that somebody typed: hyphens, spaces and case make no difference, nor do letters
    /// that look like a digit.
    fn read(text: &str) -> Option<Self> {
        let typed: String = text
            .chars()
            .filter(|c| !c.is_whitespace() && *c != '-')
            .collect();
        if typed.len() != RECOVERY_LENGTH {
            return None;
        }
        let bytes = base32::decode(Alphabet::Crockford, &typed.to_ascii_uppercase())?;
        Some(Self(SecretString::from(base32::encode(
            Alphabet::Crockford,
            &bytes,
        ))))
    }
}

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryCode")
    }
}

/// What somebody types as a second factor.
#[derive(Debug, Clone)]
pub enum FactorCode {
    /// Six digits: of an app, a mail or an SMS.
    Digits(SubmittedCode),
    /// A recovery code.
    Recovery(RecoveryCode),
}

impl TryFrom<String> for FactorCode {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        match RecoveryCode::read(&text) {
            Some(code) => Ok(Self::Recovery(code)),
            None => SubmittedCode::try_from(text)
                .map(Self::Digits)
                .map_err(|_| {
                    Invalid::new(
                        "invalid_code",
                        "Enter the six digits of the code, or a recovery code.",
                    )
                }),
        }
    }
}

impl<'de> Deserialize<'de> for FactorCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        invalid::deserialize(deserializer, "a code as a string")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::random::SystemEntropy;

    fn recovery(text: &str) -> Option<String> {
        match FactorCode::try_from(text.to_owned()) {
            Ok(FactorCode::Recovery(code)) => Some(code.expose().to_owned()),
            _ => None,
        }
    }

    #[test]
    fn a_recovery_code_is_read_however_it_is_typed() {
        let code = RecoveryCode::draw(&SystemEntropy::default());
        let text = code.text().expose_secret().to_owned();
        assert_eq!(text.len(), RECOVERY_LENGTH + RECOVERY_LENGTH / GROUP - 1);
        for typed in [
            text.clone(),
            text.to_lowercase(),
            text.replace('-', ""),
            text.replace('-', " "),
            format!(" {text}\n"),
            text.replace('0', "O").replace('1', "l"),
        ] {
            assert_eq!(recovery(&typed).as_deref(), Some(code.expose()), "{typed}");
        }
    }

    #[test]
    fn recovery_codes_differ() {
        let random = SystemEntropy::default();
        let codes = (0..1000).map(|_| RecoveryCode::draw(&random).expose().to_owned());
        assert_eq!(codes.collect::<HashSet<_>>().len(), 1000);
    }

    #[test]
    fn six_digits_are_a_code_and_anything_else_is_none() {
        assert!(matches!(
            FactorCode::try_from("012345".to_owned()),
            Ok(FactorCode::Digits(_))
        ));
        for bad in [
            "",
            "12345",
            "1234567",
            "abcdef",
            "ABCD-EFGH",
            &"U".repeat(24),
            &"é".repeat(12),
        ] {
            assert!(FactorCode::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }

    #[test]
    fn no_code_shows_itself() {
        let code = RecoveryCode::draw(&SystemEntropy::default());
        let shown = format!("{:?}", FactorCode::Recovery(code.clone()));
        assert!(!shown.contains(code.expose()), "{shown}");
    }
}
