//! The name that a person goes by.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, UnicodeEmoji, UnicodeGeneralCategory};

use super::invalid::{self, Invalid};

/// In Unicode scalar values. Longer than any name in use, short enough for a line of an email.
const MAX_LENGTH: usize = 100;

const ZERO_WIDTH_NON_JOINER: char = '\u{200c}';
const ZERO_WIDTH_JOINER: char = '\u{200d}';

/// Letters by their category that leave nothing to see.
const HANGUL_FILLERS: [char; 4] = ['\u{115f}', '\u{1160}', '\u{3164}', '\u{ffa0}'];

/// A display name: 1 to 100 characters in any script, trimmed of white space, in NFC.
///
/// It has something to see, and nothing that hides, reorders or breaks the text around it: no
/// control, formatting, private-use or line-separator characters. ZWJ and ZWNJ stay allowed between
/// two others, since Persian and Indic names and emoji are written with them. It is text, never
/// markup: whoever puts it into HTML escapes it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DisplayName(String);

impl DisplayName {
    /// The name, trimmed and normalised.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for DisplayName {
    type Error = Invalid;

    fn try_from(typed: String) -> Result<Self, Invalid> {
        let name: String = typed.trim().nfc().collect();
        if name.is_empty() {
            return Err(Invalid::new("empty", "Enter a name."));
        }
        if name.chars().count() > MAX_LENGTH {
            return Err(Invalid::new(
                "too_long",
                format!("A name has at most {MAX_LENGTH} characters."),
            ));
        }
        if name.chars().any(is_disruptive)
            || name.starts_with(is_joiner)
            || name.ends_with(is_joiner)
        {
            return Err(Invalid::new(
                "control_character",
                "A name has no line breaks and no invisible characters.",
            ));
        }
        if !name.chars().any(is_visible) {
            return Err(Invalid::new(
                "nothing_visible",
                "A name has at least one letter, digit or emoji.",
            ));
        }
        Ok(Self(name))
    }
}

fn is_joiner(c: char) -> bool {
    matches!(c, ZERO_WIDTH_JOINER | ZERO_WIDTH_NON_JOINER)
}

fn is_disruptive(c: char) -> bool {
    match c.general_category() {
        GeneralCategory::Control
        | GeneralCategory::LineSeparator
        | GeneralCategory::ParagraphSeparator
        | GeneralCategory::PrivateUse => true,
        // Bidirectional overrides, zero-width spaces, tags that smuggle hidden text.
        GeneralCategory::Format => !is_joiner(c),
        _ => HANGUL_FILLERS.contains(&c),
    }
}

fn is_visible(c: char) -> bool {
    c.is_alphanumeric() || (!c.is_ascii() && c.is_emoji_char())
}

impl FromStr for DisplayName {
    type Err = Invalid;

    fn from_str(typed: &str) -> Result<Self, Invalid> {
        typed.to_owned().try_into()
    }
}

impl fmt::Display for DisplayName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for DisplayName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for DisplayName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        invalid::deserialize(deserializer, "a name as a string")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn code(typed: &str) -> &'static str {
        DisplayName::from_str(typed).unwrap_err().code
    }

    #[test]
    fn names_of_many_scripts_are_accepted_as_they_are() {
        for typed in [
            "X",
            "Ada Lovelace",
            "Jean-Luc O’Neil Jr. 3",
            "李小龍",
            "Ирина",
            "محمد",
            // A Persian name with ZWNJ, a Sinhala one with ZWJ.
            "علی\u{200c}رضا",
            "ශ\u{dca}\u{200d}ර\u{dd3}",
            "👩\u{200d}💻",
            "🇸🇪",
            "<a href=//evil>",
        ] {
            assert_eq!(DisplayName::from_str(typed).unwrap().as_str(), typed);
        }
    }

    #[test]
    fn white_space_is_trimmed_and_accents_are_composed() {
        let name = DisplayName::from_str("\u{2003} Zoe\u{308} \n").unwrap();
        assert_eq!(name.as_str(), "Zo\u{eb}");
    }

    #[test]
    fn length_counts_characters_not_bytes() {
        assert!(DisplayName::from_str(&"龍".repeat(100)).is_ok());
        assert!(DisplayName::from_str(&"e\u{301}".repeat(100)).is_ok());
        assert_eq!(code(&"a".repeat(101)), "too_long");
        assert_eq!(code(&"x".repeat(5_000)), "too_long");
    }

    #[test]
    fn nothing_to_see_is_no_name() {
        for (typed, expected) in [
            ("", "empty"),
            (" \t\u{3000}", "empty"),
            ("...", "nothing_visible"),
            ("#*", "nothing_visible"),
            ("\u{301}", "nothing_visible"),
            ("\u{2800}", "nothing_visible"),
            ("\u{3164}", "control_character"),
            ("\u{200d}", "control_character"),
        ] {
            assert_eq!(code(typed), expected, "{typed:?}");
        }
    }

    #[test]
    fn characters_that_hide_or_reorder_are_refused() {
        for hidden in [
            "\0",
            "\u{7}",
            "\r\n",
            "\t",
            "\u{7f}",
            "\u{85}",
            "\u{ad}",
            "\u{61c}",
            "\u{200b}",
            "\u{200e}",
            "\u{2028}",
            "\u{2029}",
            "\u{202e}",
            "\u{2060}",
            "\u{2066}",
            "\u{feff}",
            "\u{e000}",
            "\u{e0041}",
            "\u{fff9}",
        ] {
            let typed = format!("Ada{hidden}Bcc: x");
            assert_eq!(code(&typed), "control_character", "{hidden:?}");
        }
        assert_eq!(code("\u{200d}Admin"), "control_character");
        assert_eq!(code("Admin\u{200c}"), "control_character");
    }

    proptest! {
        #[test]
        fn what_is_accepted_is_stable(typed in any::<String>()) {
            if let Ok(name) = DisplayName::from_str(&typed) {
                prop_assert_eq!(&name.to_string().parse::<DisplayName>().unwrap(), &name);
                prop_assert!((1..=100).contains(&name.as_str().chars().count()));
                prop_assert!(!name.as_str().contains(char::is_control));
                let json = serde_json::to_string(&name).unwrap();
                prop_assert_eq!(serde_json::from_str::<DisplayName>(&json).unwrap(), name);
            }
        }

        #[test]
        fn ordinary_letters_are_always_accepted(typed in "\\p{L}{1,50}") {
            prop_assume!(!typed.contains(HANGUL_FILLERS));
            prop_assert!(DisplayName::from_str(&typed).is_ok());
        }
    }
}
