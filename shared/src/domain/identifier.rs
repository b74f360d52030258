//! What a person signs in with, where one field takes any of the three.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{EmailAddress, Invalid, PhoneNumber, Username, invalid};

/// An email address, a username or a phone number.
///
/// What it begins with or holds decides which one it can be, before anything is looked up: an `@`
/// makes an email address, a `+` or a digit in front a phone number. The three rules let no text be
/// two of them, so nobody's username answers to another's address (CVE-2022-39229).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Identifier {
    /// The address of an account.
    Email(EmailAddress),
    /// The public name of an account.
    Username(Username),
    /// The number of an account.
    Phone(PhoneNumber),
}

impl Identifier {
    /// Reads whichever of the three `typed` can be. The error is the one of that kind.
    pub fn parse(typed: &str) -> Result<Self, Invalid> {
        if typed.is_empty() {
            Err(Invalid::new(
                "empty",
                "Enter an email address, a username or a phone number.",
            ))
        } else if typed.contains('@') {
            typed.parse().map(Self::Email)
        } else if typed.starts_with(|c: char| c == '+' || c.is_ascii_digit()) {
            typed.parse().map(Self::Phone)
        } else {
            typed.parse().map(Self::Username)
        }
    }

    /// The identifier in its own type's form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Email(email) => email.as_str(),
            Self::Username(name) => name.as_str(),
            Self::Phone(number) => number.as_str(),
        }
    }

    /// What is unique among all identifiers of every kind, as their forms do not overlap.
    #[must_use]
    pub fn key(&self) -> &str {
        match self {
            Self::Email(email) => email.key(),
            Self::Username(name) => name.key(),
            Self::Phone(number) => number.as_str(),
        }
    }
}

impl TryFrom<String> for Identifier {
    type Error = Invalid;

    fn try_from(typed: String) -> Result<Self, Invalid> {
        Self::parse(&typed)
    }
}

impl FromStr for Identifier {
    type Err = Invalid;

    fn from_str(typed: &str) -> Result<Self, Invalid> {
        Self::parse(typed)
    }
}

impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Identifier {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Identifier {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        invalid::deserialize(
            deserializer,
            "an email address, a username or a phone number as a string",
        )
    }
}

impl From<EmailAddress> for Identifier {
    fn from(email: EmailAddress) -> Self {
        Self::Email(email)
    }
}

impl From<Username> for Identifier {
    fn from(name: Username) -> Self {
        Self::Username(name)
    }
}

impl From<PhoneNumber> for Identifier {
    fn from(number: PhoneNumber) -> Self {
        Self::Phone(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_kind_is_told_by_its_form() {
        let email = Identifier::parse("Ada@example.com").unwrap();
        assert!(matches!(email, Identifier::Email(_)));
        assert_eq!(email.key(), "ada@example.com");
        let name = Identifier::parse("Ada.L").unwrap();
        assert!(matches!(name, Identifier::Username(_)));
        assert_eq!(name.key(), "ada.l");
        let number = Identifier::parse("+46 70 123 45 67").unwrap();
        assert!(matches!(number, Identifier::Phone(_)));
        assert_eq!(number.key(), "+46701234567");
    }

    #[test]
    fn an_identifier_that_fails_its_kind_is_no_other_kind() {
        for (typed, code) in [
            ("", "empty"),
            ("0701234567", "invalid_phone_number"),
            ("1abc", "invalid_phone_number"),
            ("ada@", "invalid_email"),
            ("+46701234567@example", "invalid_email"),
            ("victim\u{ff20}evil.com@x", "confusable_characters"),
            ("a\u{ff20}b.com", "unsupported_characters"),
            ("\u{ff0b}46701234567", "unsupported_characters"),
            (" ada", "unsupported_characters"),
        ] {
            assert_eq!(
                Identifier::parse(typed).unwrap_err().code,
                code,
                "{typed:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_text_is_two_kinds(typed in any::<String>(), like in "[+a-c0-9][a-c0-9@._+-]{0,12}") {
            for typed in [typed, like] {
                let kinds = [
                    EmailAddress::from_str(&typed).is_ok(),
                    Username::from_str(&typed).is_ok(),
                    PhoneNumber::from_str(&typed).is_ok(),
                ];
                let count = kinds.iter().filter(|kind| **kind).count();
                prop_assert!(count <= 1);
                prop_assert_eq!(Identifier::parse(&typed).is_ok(), count == 1);
            }
        }

        #[test]
        fn what_is_shown_reads_back(typed in "[a-z]{3,9}(@[a-z]{2,5}\\.com)?") {
            let identifier = Identifier::parse(&typed).unwrap();
            prop_assert_eq!(&Identifier::parse(&identifier.to_string()).unwrap(), &identifier);
            prop_assert_eq!(&Identifier::parse(identifier.key()).unwrap(), &identifier);
        }
    }
}
