//! Public names that a person chooses.

use std::{
    fmt,
    hash::{Hash, Hasher},
    str::FromStr,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::invalid::{self, Invalid};

/// Fewer are too easily taken for one another.
const MIN_LENGTH: usize = 3;
/// What a list or a mention still shows on one line.
const MAX_LENGTH: usize = 30;

/// A username: 3 to 30 characters.
///
/// - ASCII letters, digits, `_`, `-` and `.`, so that no two names merely look alike
/// - begins with a letter, so that it is never a phone number
/// - ends with a letter or digit, and has no two separators in a row, so that it stands well in a
///   sentence and in a path
/// - never an `@`, so that it is never an email address: a name equal to someone's address could
///   take over or lock their sign-in (CVE-2022-39229)
///
/// It is shown as typed; two that differ in case alone are equal.
#[derive(Debug, Clone)]
pub struct Username {
    typed: String,
    key: String,
}

impl Username {
    /// The name as typed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.typed
    }

    /// What must be unique: the name in lower case.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl TryFrom<String> for Username {
    type Error = Invalid;

    fn try_from(typed: String) -> Result<Self, Invalid> {
        let is_separator = |b: u8| matches!(b, b'_' | b'-' | b'.');
        if typed.is_empty() {
            return Err(Invalid::new("empty", "Enter a username."));
        }
        if !typed
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || is_separator(b))
        {
            return Err(Invalid::new(
                "unsupported_characters",
                "A username consists of the letters a to z, digits, dots, hyphens and underscores.",
            ));
        }
        if typed.len() < MIN_LENGTH {
            return Err(Invalid::new(
                "too_short",
                format!("A username has at least {MIN_LENGTH} characters."),
            ));
        }
        if typed.len() > MAX_LENGTH {
            return Err(Invalid::new(
                "too_long",
                format!("A username has at most {MAX_LENGTH} characters."),
            ));
        }
        if !typed.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return Err(Invalid::new(
                "invalid_username",
                "A username begins with a letter.",
            ));
        }
        if !typed.ends_with(|c: char| c.is_ascii_alphanumeric()) {
            return Err(Invalid::new(
                "invalid_username",
                "A username ends with a letter or a digit.",
            ));
        }
        if typed
            .as_bytes()
            .windows(2)
            .any(|pair| pair.iter().copied().all(is_separator))
        {
            return Err(Invalid::new(
                "invalid_username",
                "A username has no two dots, hyphens or underscores in a row.",
            ));
        }
        let key = typed.to_ascii_lowercase();
        Ok(Self { typed, key })
    }
}

impl FromStr for Username {
    type Err = Invalid;

    fn from_str(typed: &str) -> Result<Self, Invalid> {
        typed.to_owned().try_into()
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.typed)
    }
}

impl PartialEq for Username {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Username {}

impl Hash for Username {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}

impl Serialize for Username {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.typed)
    }
}

impl<'de> Deserialize<'de> for Username {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        invalid::deserialize(deserializer, "a username as a string")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn code(typed: &str) -> &'static str {
        Username::from_str(typed).unwrap_err().code
    }

    #[test]
    fn ordinary_names_are_accepted() {
        let longest = "a".repeat(30);
        for typed in ["abc", "Ada_L", "j.r.r-tolkien", "x86", longest.as_str()] {
            assert_eq!(Username::from_str(typed).unwrap().as_str(), typed);
        }
    }

    #[test]
    fn each_rule_refuses_with_its_code() {
        let too_long = "a".repeat(31);
        for (typed, expected) in [
            ("", "empty"),
            ("ab", "too_short"),
            (too_long.as_str(), "too_long"),
            ("1abc", "invalid_username"),
            (".abc", "invalid_username"),
            ("abc-", "invalid_username"),
            ("a..b", "invalid_username"),
            ("a_-b", "invalid_username"),
            ("ada lovelace", "unsupported_characters"),
            (" ada", "unsupported_characters"),
            ("ada\n", "unsupported_characters"),
            ("ada\0", "unsupported_characters"),
            ("a/../b", "unsupported_characters"),
        ] {
            assert_eq!(code(typed), expected, "{typed:?}");
        }
    }

    #[test]
    fn lookalikes_of_another_name_are_refused() {
        // Cyrillic а, dotless i, Kelvin sign, long s, full-width a, zero-width joiner.
        for typed in [
            "\u{430}dmin",
            "m\u{131}ke",
            "\u{212a}ate",
            "jame\u{17f}",
            "\u{ff41}bc",
            "ad\u{200d}a",
        ] {
            assert_eq!(code(typed), "unsupported_characters", "{typed:?}");
        }
    }

    #[test]
    fn an_email_or_a_phone_number_is_never_a_username() {
        for typed in ["victim@example.com", "a@b", "+46701234567", "0701234567"] {
            assert!(Username::from_str(typed).is_err(), "{typed}");
        }
    }

    #[test]
    fn json_must_be_a_string() {
        assert!(serde_json::from_str::<Username>("[\"ada\"]").is_err());
        assert!(serde_json::from_str::<Username>("123").is_err());
        let ada: Username = serde_json::from_str("\"Ada\"").unwrap();
        assert_eq!(serde_json::to_string(&ada).unwrap(), "\"Ada\"");
    }

    proptest! {
        #[test]
        fn parsing_never_panics(typed in any::<String>()) {
            let _ = Username::from_str(&typed);
        }

        #[test]
        fn what_is_accepted_keeps_every_rule(typed in "[a-c1._@-]{1,8}") {
            if let Ok(name) = Username::from_str(&typed) {
                prop_assert_eq!(name.as_str(), typed.as_str());
                prop_assert!(typed.starts_with(['a', 'b', 'c']));
                prop_assert!(!typed.contains(['@']));
                prop_assert!(!typed.ends_with(['.', '_', '-']));
                prop_assert!(typed.len() >= 3);
            }
        }

        #[test]
        fn case_makes_no_difference_but_to_the_eye(typed in "[a-zA-Z][a-zA-Z0-9]{2,29}") {
            let name = Username::from_str(&typed).unwrap();
            let shouted = Username::from_str(&typed.to_ascii_uppercase()).unwrap();
            prop_assert_eq!(&name, &shouted);
            prop_assert_eq!(name.key(), shouted.key());
            let again = Username::from_str(name.key()).unwrap();
            prop_assert_eq!(again.key(), name.key());
            let shown = Username::from_str(&name.to_string()).unwrap();
            prop_assert_eq!(shown.as_str(), name.as_str());
        }
    }
}
