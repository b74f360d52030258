//! The language that a person reads.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::invalid::{self, Invalid};

/// In bytes: what RFC 5646 (4.4.1) asks everybody to have room for.
const MAX_LENGTH: usize = 35;

/// The weight of a language that an `Accept-Language` names without one (RFC 9110, 12.4.2), in
/// thousandths.
const FULL_WEIGHT: u16 = 1000;

/// A language that this service writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    /// English, which everybody gets whose language is not written.
    English,
    /// German.
    German,
}

impl Language {
    /// Every language there is.
    pub const ALL: [Self; 2] = [Self::English, Self::German];

    /// Its tag, for a `lang` attribute.
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }
}

/// A language tag (BCP 47) of at most 35 characters in its canonical form, such as `de-CH`.
///
/// It is kept as the person gave it, also for a language that nothing is written in yet.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Locale(String);

impl Locale {
    /// The tag in its canonical form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The language to write to this person in. Whoever reads none that is written here gets
    /// English.
    #[must_use]
    pub fn language(&self) -> Language {
        self.written().unwrap_or(Language::English)
    }

    /// What an `Accept-Language` header asks for first among what is written here; `None` where
    /// it asks for nothing of it. A `*` asks for nothing.
    #[must_use]
    pub fn preferred(accept_language: &str) -> Option<Self> {
        let mut best: Option<(u16, Self)> = None;
        for range in accept_language.split(',') {
            let (tag, parameters) = range.split_once(';').unwrap_or((range, ""));
            let Some(weight) = weight(parameters) else {
                continue;
            };
            // Of two that weigh the same, the first.
            if best.as_ref().is_some_and(|(most, _)| weight <= *most) {
                continue;
            }
            match Self::from_str(tag.trim()) {
                Ok(locale) if locale.written().is_some() => best = Some((weight, locale)),
                _ => {}
            }
        }
        best.map(|(_, locale)| locale)
    }

    fn written(&self) -> Option<Language> {
        let language = self.0.split('-').next();
        Language::ALL
            .into_iter()
            .find(|written| language == Some(written.tag()))
    }
}

/// The weight in the parameters of a language range, in thousandths; `None` for one that refuses
/// the language or is no weight.
fn weight(parameters: &str) -> Option<u16> {
    let parameters = parameters.trim();
    if parameters.is_empty() {
        return Some(FULL_WEIGHT);
    }
    let (name, value) = parameters.split_once('=')?;
    if !name.trim().eq_ignore_ascii_case("q") {
        return None;
    }
    let value = value.trim();
    let (whole, decimals) = value.split_once('.').unwrap_or((value, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let thousandths: u16 = format!("{decimals:0<3}").parse().ok()?;
    match (whole, thousandths) {
        ("1", 0) => Some(FULL_WEIGHT),
        ("0", 1..) => Some(thousandths),
        _ => None,
    }
}

impl Default for Locale {
    fn default() -> Self {
        Self(Language::English.tag().to_owned())
    }
}

impl TryFrom<String> for Locale {
    type Error = Invalid;

    fn try_from(given: String) -> Result<Self, Invalid> {
        let refused = || {
            Invalid::new(
                "invalid_locale",
                format!(
                    "Enter a language tag such as en or de-CH, of at most {MAX_LENGTH} characters."
                ),
            )
        };
        if given.len() > MAX_LENGTH {
            return Err(refused());
        }
        let tag = icu_locale_core::Locale::try_from_str(&given).map_err(|_| refused())?;
        Ok(Self(tag.to_string()))
    }
}

impl FromStr for Locale {
    type Err = Invalid;

    fn from_str(given: &str) -> Result<Self, Invalid> {
        given.to_owned().try_into()
    }
}

impl fmt::Display for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Locale {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Locale {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        invalid::deserialize(deserializer, "a language tag as a string")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn canonical(given: &str) -> String {
        Locale::from_str(given).unwrap().to_string()
    }

    fn preferred(header: &str) -> Option<String> {
        Locale::preferred(header).map(|locale| locale.to_string())
    }

    #[test]
    fn a_tag_is_kept_in_its_canonical_form() {
        for (given, kept) in [
            ("de", "de"),
            ("DE-ch", "de-CH"),
            ("EN-us", "en-US"),
            ("zh-hant-tw", "zh-Hant-TW"),
            ("sl-ROZAJ-BISKE", "sl-biske-rozaj"),
            ("de-DE-u-CO-phonebk", "de-DE-u-co-phonebk"),
            ("es-419", "es-419"),
        ] {
            assert_eq!(canonical(given), kept);
        }
    }

    #[test]
    fn what_is_no_tag_is_refused() {
        let long = format!("de{}", "-abcde".repeat(6));
        for given in [
            "", " ", "*", "d", "de ", "de-", "-de", "de--CH", "en_US", "deutsch!", "de-CH\n",
            "d\u{e9}", "12", &long,
        ] {
            let refused = Locale::from_str(given).unwrap_err();
            assert_eq!(refused.code, "invalid_locale", "{given:?}");
        }
    }

    #[test]
    fn english_is_for_everybody_whose_language_is_not_written() {
        for (tag, language) in [
            ("de", Language::German),
            ("de-AT", Language::German),
            ("en-GB", Language::English),
            ("fr-CA", Language::English),
            // Low German begins like German and is another language.
            ("nds", Language::English),
            ("den", Language::English),
            ("und", Language::English),
        ] {
            assert_eq!(Locale::from_str(tag).unwrap().language(), language, "{tag}");
        }
        assert_eq!(Locale::default().to_string(), "en");
        assert_eq!(Locale::default(), "EN".parse().unwrap());
    }

    #[test]
    fn the_most_wanted_written_language_is_preferred() {
        for (header, expected) in [
            ("de", Some("de")),
            ("de-CH, de;q=0.9, en;q=0.8", Some("de-CH")),
            ("en;q=0.8, de;q=0.9", Some("de")),
            ("fr, nl;q=0.9, de-at;q=0.2", Some("de-AT")),
            ("en, de", Some("en")),
            ("de;q=0.5, en;q=0.500", Some("de")),
            ("de ; Q=1.000 ,en", Some("de")),
            ("de;q=0, en;q=0.001", Some("en")),
            ("de;q=2, en;q=0.1", Some("en")),
            ("de;q=0.1234, en;q=0.1", Some("en")),
            ("de;q=-1, en;q=+0.5", None),
            ("de;level=1", None),
            ("*", None),
            ("*, fr;q=0.5", None),
            ("fr-CA, ja", None),
            ("", None),
            (",;,=", None),
        ] {
            assert_eq!(preferred(header).as_deref(), expected, "{header:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_accepted_is_stable(
            given in "[a-zA-Z]{2,3}(-[a-zA-Z]{4})?(-[a-zA-Z]{2})?(-[a-z0-9]{1,8}){0,3}",
        ) {
            if let Ok(locale) = Locale::from_str(&given) {
                prop_assert_eq!(&canonical(locale.as_str()), locale.as_str());
                prop_assert!(locale.as_str().len() <= MAX_LENGTH);
                let json = serde_json::to_string(&locale).unwrap();
                prop_assert_eq!(serde_json::from_str::<Locale>(&json).unwrap(), locale);
            }
        }

        #[test]
        fn any_text_is_read_without_panic(text in any::<String>()) {
            if let Ok(locale) = Locale::from_str(&text) {
                prop_assert!(locale.as_str().is_ascii());
            }
        }

        #[test]
        fn any_header_is_read_without_panic(header in "([a-zA-Z*-]{0,6}(;q=[0-9.]{0,5})?[, ;=]{0,2}){0,6}|.*") {
            if let Some(locale) = Locale::preferred(&header) {
                prop_assert!(locale.written().is_some());
            }
        }
    }
}
