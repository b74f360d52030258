//! Why a value was refused, and how that reason passes through serde.

use std::{error::Error, fmt, marker::PhantomData};

use serde::de::{Deserializer, Unexpected, Visitor};

/// Every code that an [`Invalid`] may carry. Clients rely on them: add, never rename.
const CODES: &[&str] = &[
    "confusable_characters",
    "control_character",
    "country_not_supported",
    "empty",
    "invalid_choice",
    "invalid_code",
    "invalid_email",
    "invalid_encoding",
    "invalid_id",
    "invalid_locale",
    "invalid_phone_number",
    "invalid_time",
    "invalid_url",
    "invalid_username",
    "nothing_visible",
    "surrounding_space",
    "too_long",
    "too_short",
    "unsupported_characters",
];

/// What a code that is not in [`CODES`] is read back as.
const UNKNOWN_CODE: &str = "invalid";

/// Stands between code and message in the text of a serde error. A unit separator occurs in neither.
const SEPARATOR: char = '\u{1f}';

/// A value that a rule refused. It never holds the value itself, which may be a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// The rule that was broken, in stable `snake_case` for programs.
    pub code: &'static str,
    /// The rule that was broken, as a sentence that a form can show to a person.
    pub message: String,
}

impl Invalid {
    /// A refusal by the rule `code`, told to a person as `message`.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    /// The serde error that [`Self::from_serde_text`] can read back: serde keeps nothing but text.
    #[must_use]
    pub fn into_serde<E: serde::de::Error>(self) -> E {
        debug_assert!(
            CODES.contains(&self.code),
            "{} is not in the list of codes",
            self.code
        );
        E::custom(format_args!("{}{SEPARATOR}{}", self.code, self.message))
    }

    /// Reads back what [`Self::into_serde`] wrote, wherever the deserializer put a path before it
    /// or a position after it. `None` for an error of another origin.
    #[must_use]
    pub fn from_serde_text(text: &str) -> Option<Self> {
        let (before, after) = text.split_once(SEPARATOR)?;
        let code = before
            .rsplit(|c: char| !(c.is_ascii_lowercase() || c == '_'))
            .next()
            .unwrap_or_default();
        let code = CODES.iter().find(|known| **known == code);
        Some(Self::new(
            code.copied().unwrap_or(UNKNOWN_CODE),
            without_position(after),
        ))
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Invalid {}

/// Cuts the " at line 1 column 5" that `serde_json` appends.
fn without_position(text: &str) -> &str {
    let is_number = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    match text.rsplit_once(" at line ") {
        Some((message, position)) => match position.split_once(" column ") {
            Some((line, column)) if is_number(line) && is_number(column) => message,
            _ => text,
        },
        None => text,
    }
}

/// Deserializes a `T` from a string and nothing else: neither a number nor a list of one string is
/// taken for the string it might have meant.
///
/// `expected` ends the sentence "expected …" for a value of another kind. That sentence does not
/// quote the value, as serde's own does with numbers: it may be a secret on its way to a log.
pub fn deserialize<'de, T, D>(deserializer: D, expected: &'static str) -> Result<T, D::Error>
where
    T: TryFrom<String, Error = Invalid>,
    D: Deserializer<'de>,
{
    deserializer.deserialize_any(OnlyString {
        expected,
        target: PhantomData,
    })
}

struct OnlyString<T> {
    expected: &'static str,
    target: PhantomData<T>,
}

impl<T: TryFrom<String, Error = Invalid>> Visitor<'_> for OnlyString<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<T, E> {
        Err(E::invalid_type(Unexpected::Other("boolean"), &self))
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<T, E> {
        Err(E::invalid_type(Unexpected::Other("number"), &self))
    }

    fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<T, E> {
        Err(E::invalid_type(Unexpected::Other("number"), &self))
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<T, E> {
        Err(E::invalid_type(Unexpected::Other("number"), &self))
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<T, E> {
        self.visit_string(value.to_owned())
    }

    fn visit_string<E: serde::de::Error>(self, value: String) -> Result<T, E> {
        T::try_from(value).map_err(Invalid::into_serde)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::code::SubmittedCode;
    use proptest::prelude::*;

    #[derive(Debug)]
    struct Never;

    impl TryFrom<String> for Never {
        type Error = Invalid;

        fn try_from(_: String) -> Result<Self, Invalid> {
            Err(Invalid::new(
                "too_short",
                "Look at line 3 column two, at least.",
            ))
        }
    }

    impl<'de> serde::Deserialize<'de> for Never {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserialize(deserializer, "a string")
        }
    }

    #[test]
    fn survives_serde_json() {
        let refused = Never::try_from(String::new()).unwrap_err();
        let from_text = serde_json::from_str::<Never>("\n \"x\"").unwrap_err();
        assert!(from_text.to_string().ends_with(" column 4"));
        assert_eq!(
            Invalid::from_serde_text(&from_text.to_string()),
            Some(refused.clone())
        );
        let from_value = serde_json::from_value::<Never>("x".into()).unwrap_err();
        assert_eq!(
            Invalid::from_serde_text(&from_value.to_string()),
            Some(refused)
        );
    }

    #[test]
    fn survives_a_path_before_it() {
        let mut json = serde_json::Deserializer::from_str("[\"x\"]");
        let error = serde_path_to_error::deserialize::<_, Vec<Never>>(&mut json).unwrap_err();
        let refused = Invalid::from_serde_text(&error.to_string()).unwrap();
        assert_eq!(refused.code, "too_short");
    }

    #[test]
    fn an_error_of_another_kind_is_none_of_ours() {
        for json in ["1", "null", "[\"a\"]", "{\"$ne\":\"\"}", "true", "\"open"] {
            let error = serde_json::from_str::<Never>(json).unwrap_err();
            assert_eq!(Invalid::from_serde_text(&error.to_string()), None, "{json}");
        }
    }

    #[test]
    fn a_value_of_another_kind_is_not_quoted() {
        for json in ["98765", "-98765", "98765.5", "[98765]", "{\"98765\":1}"] {
            let error = serde_json::from_str::<Never>(json).unwrap_err().to_string();
            assert!(error.contains("expected a string"), "{error}");
            assert!(!error.contains("98765"), "{error}");
        }
    }

    #[test]
    fn a_code_of_another_module_is_known_here() {
        let error = serde_json::from_str::<SubmittedCode>("\"12345\"").unwrap_err();
        let refused = Invalid::from_serde_text(&error.to_string()).unwrap();
        assert_eq!(refused.code, "invalid_code");
    }

    #[test]
    fn an_unknown_code_keeps_its_message() {
        let refused = Invalid::from_serde_text("novel\u{1f}Something new.").unwrap();
        assert_eq!(refused, Invalid::new("invalid", "Something new."));
    }

    proptest! {
        #[test]
        fn reading_any_text_never_panics(text in any::<String>(), after in any::<String>()) {
            let _ = Invalid::from_serde_text(&text);
            let refusal = format!("{text}{SEPARATOR}{after}");
            prop_assert!(Invalid::from_serde_text(&refusal).is_some());
        }
    }
}
