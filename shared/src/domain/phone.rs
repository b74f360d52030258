//! Phone numbers.

use std::{
    fmt,
    hash::{Hash, Hasher},
    ops::RangeInclusive,
    str::FromStr,
};

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat, PhoneNumberType, enums::Region};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::invalid::{self, Invalid};

/// Country code included. E.164 § 6 ends at 15; one more may be a trunk prefix, which goes.
const DIGITS: RangeInclusive<usize> = 7..=16;
/// In bytes, with separators: far more than the widest way to write 16 digits.
const MAX_LENGTH: usize = 40;
/// Digits of a country code: E.164 § 6.2.1.
const COUNTRY_CODE_DIGITS: RangeInclusive<usize> = 1..=3;
/// Digits that a mask leaves at the end: enough to tell one's own numbers apart.
const SHOWN_DIGITS: usize = 3;

/// A phone number that its country's numbering plan has, in E.164: `+46701234567`.
#[derive(Debug, Clone)]
pub struct PhoneNumber {
    e164: String,
    country_code_length: usize,
    country: Option<Region>,
}

impl PhoneNumber {
    /// Reads an international number: a `+`, then ASCII digits, between which spaces, hyphens,
    /// dots and parentheses may stand.
    ///
    /// Letters, extensions, parameters and the digits of other scripts are refused, so that only
    /// one thing can be meant.
    pub fn parse_e164(typed: &str) -> Result<Self, Invalid> {
        if typed.is_empty() {
            return Err(Invalid::new("empty", "Enter a phone number."));
        }
        let national = typed.strip_prefix('+').ok_or_else(|| {
            Invalid::new(
                "invalid_phone_number",
                "Begin the phone number with + and the country code.",
            )
        })?;
        Self::from_digits(&digits(national)?)
    }

    /// Reads a country code, such as `+46` or `46`, and a number of that country with or without
    /// the 0 that is dialled before it at home.
    pub fn from_country_code_and_mobile(country_code: &str, mobile: &str) -> Result<Self, Invalid> {
        let code = country_code.strip_prefix('+').unwrap_or(country_code);
        let is_code = COUNTRY_CODE_DIGITS.contains(&code.len())
            && code.bytes().all(|b| b.is_ascii_digit())
            && !code.starts_with('0');
        if !is_code {
            return Err(Invalid::new(
                "invalid_phone_number",
                "Enter a country code such as +46.",
            ));
        }
        let number = Self::from_digits(&format!("{code}{}", digits(mobile)?))?;
        // `+4` and `6701…` make a number too, but not one of the country that was named.
        if number.country_code() == code {
            Ok(number)
        } else {
            Err(no_such_number())
        }
    }

    /// The number in E.164: `+` and digits alone. It is also what must be unique.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.e164
    }

    /// The ISO 3166-1 code of the country or territory, such as `SE`; none for numbers that belong
    /// to no country, such as `+800`.
    #[must_use]
    pub fn country(&self) -> Option<String> {
        self.country.map(|region| region.to_string())
    }

    /// Whether people have such numbers in their phones. It is false for those that charge whoever
    /// contacts them (premium-rate, shared-cost, personal numbers) and for those that no person
    /// reads (toll-free, pagers, voice mail, companies' own).
    #[must_use]
    pub fn is_a_persons(&self) -> bool {
        use PhoneNumberType::{
            Pager, PersonalNumber, PremiumRate, SharedCost, TollFree, UAN, VoiceMail,
        };
        PHONE_NUMBER_UTIL
            .parse(&self.e164, None)
            .is_ok_and(|number| {
                !matches!(
                    number.get_type(),
                    Pager | PersonalNumber | PremiumRate | SharedCost | TollFree | UAN | VoiceMail
                )
            })
    }

    /// The number as its owner recognises it and others do not: `+46******567`.
    #[must_use]
    pub fn masked(&self) -> String {
        let shown_before = 1 + self.country_code_length;
        let shown_after = self.e164.len() - SHOWN_DIGITS;
        self.e164
            .char_indices()
            .map(|(i, c)| {
                if i < shown_before || i >= shown_after {
                    c
                } else {
                    '*'
                }
            })
            .collect()
    }

    fn country_code(&self) -> &str {
        &self.e164[1..=self.country_code_length]
    }

    fn from_digits(digits: &str) -> Result<Self, Invalid> {
        if digits.len() < *DIGITS.start() {
            return Err(Invalid::new("too_short", "The phone number is too short."));
        }
        if digits.len() > *DIGITS.end() {
            return Err(Invalid::new("too_long", "The phone number is too long."));
        }
        let number = PHONE_NUMBER_UTIL
            .parse(format!("+{digits}"), None)
            .map_err(|_| no_such_number())?;
        if !number.is_valid() {
            return Err(no_such_number());
        }
        Ok(Self {
            e164: number.format_as(PhoneNumberFormat::E164).into_owned(),
            country_code_length: number.country_code.to_string().len(),
            country: number
                .get_region_code()
                .filter(|region| *region != Region::World),
        })
    }
}

/// Whether this is the ISO 3166-1 code of a country or territory that has phone numbers, in
/// capitals, as [`PhoneNumber::country`] gives it.
pub(crate) fn is_country(code: &str) -> bool {
    PHONE_NUMBER_UTIL
        .get_supported_regions()
        .any(|region| region != Region::World && region.to_string() == code)
}

/// The digits of `typed` without the separators that people put between them.
fn digits(typed: &str) -> Result<String, Invalid> {
    let is_separator = |b: u8| matches!(b, b' ' | b'-' | b'.' | b'(' | b')');
    let written_like_a_number = typed.bytes().all(|b| b.is_ascii_digit() || is_separator(b))
        && typed.starts_with(|c: char| c.is_ascii_digit() || c == '(')
        && typed.ends_with(|c: char| c.is_ascii_digit());
    if typed.is_empty() {
        Err(Invalid::new("empty", "Enter a phone number."))
    } else if typed.len() > MAX_LENGTH {
        Err(Invalid::new("too_long", "The phone number is too long."))
    } else if written_like_a_number {
        Ok(typed.chars().filter(char::is_ascii_digit).collect())
    } else {
        Err(Invalid::new(
            "unsupported_characters",
            "A phone number consists of digits, spaces and hyphens, without an extension.",
        ))
    }
}

fn no_such_number() -> Invalid {
    Invalid::new(
        "invalid_phone_number",
        "No country has such a phone number. Check the country code and the digits.",
    )
}

impl TryFrom<String> for PhoneNumber {
    type Error = Invalid;

    fn try_from(typed: String) -> Result<Self, Invalid> {
        Self::parse_e164(&typed)
    }
}

impl FromStr for PhoneNumber {
    type Err = Invalid;

    fn from_str(typed: &str) -> Result<Self, Invalid> {
        Self::parse_e164(typed)
    }
}

impl fmt::Display for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.e164)
    }
}

impl PartialEq for PhoneNumber {
    fn eq(&self, other: &Self) -> bool {
        self.e164 == other.e164
    }
}

impl Eq for PhoneNumber {}

impl Hash for PhoneNumber {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.e164.hash(state);
    }
}

impl Serialize for PhoneNumber {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.e164)
    }
}

impl<'de> Deserialize<'de> for PhoneNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        invalid::deserialize(deserializer, "a phone number as a string")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn code(typed: &str) -> &'static str {
        match PhoneNumber::parse_e164(typed) {
            Ok(number) => panic!("{typed:?} was accepted as {number}"),
            Err(invalid) => invalid.code,
        }
    }

    #[test]
    fn numbers_come_out_in_e164() {
        for (typed, e164, country) in [
            ("+46701234567", "+46701234567", Some("SE")),
            ("+46 70-123 45 67", "+46701234567", Some("SE")),
            ("+46 (0)70 123 45 67", "+46701234567", Some("SE")),
            ("+1 (415) 555-2671", "+14155552671", Some("US")),
            ("+1 416.555.0123", "+14165550123", Some("CA")),
            ("+447400123456", "+447400123456", Some("GB")),
            ("+390612345678", "+390612345678", Some("IT")),
            ("+5491123456789", "+5491123456789", Some("AR")),
            ("+2250123456789", "+2250123456789", Some("CI")),
            ("+80012340000", "+80012340000", None),
        ] {
            let number = PhoneNumber::parse_e164(typed).unwrap();
            assert_eq!(number.as_str(), e164, "{typed}");
            assert_eq!(number.country().as_deref(), country, "{typed}");
        }
    }

    #[test]
    fn what_is_not_a_number_is_refused() {
        for (typed, expected) in [
            ("", "empty"),
            ("+", "empty"),
            ("0701234567", "invalid_phone_number"),
            ("0046701234567", "invalid_phone_number"),
            (" +46701234567", "invalid_phone_number"),
            ("\u{ff0b}46701234567", "invalid_phone_number"),
            ("victim@example.com", "invalid_phone_number"),
            ("+12", "too_short"),
            ("+467012345678901234", "too_long"),
            ("+4670123456", "invalid_phone_number"),
            ("+15555555555", "invalid_phone_number"),
            ("+999123456789", "invalid_phone_number"),
            ("+00000000000", "invalid_phone_number"),
            ("+46701234567 ", "unsupported_characters"),
            ("++46701234567", "unsupported_characters"),
            ("+46701234567;ext=1", "unsupported_characters"),
            ("+46701234567 ext. 1", "unsupported_characters"),
            ("+46701234567x1", "unsupported_characters"),
            ("+46701234567,,1", "unsupported_characters"),
            ("+46701234567#1", "unsupported_characters"),
            ("+1800FLOWERS", "unsupported_characters"),
            ("+4670\u{661}234567", "unsupported_characters"),
            ("+\u{ff14}6701234567", "unsupported_characters"),
            ("+46701234567\r\nBcc: x", "unsupported_characters"),
            ("+4670\0", "unsupported_characters"),
        ] {
            assert_eq!(code(typed), expected, "{typed:?}");
        }
        assert_eq!(code(&format!("+{}", "1".repeat(10_000))), "too_long");
    }

    #[test]
    fn a_trunk_prefix_may_be_left_on() {
        for (country_code, mobile) in [
            ("+46", "701234567"),
            ("46", "0701234567"),
            ("+46", "070-123 45 67"),
        ] {
            let number = PhoneNumber::from_country_code_and_mobile(country_code, mobile).unwrap();
            assert_eq!(number.as_str(), "+46701234567");
        }
        let italian = PhoneNumber::from_country_code_and_mobile("39", "0612345678").unwrap();
        assert_eq!(italian.as_str(), "+390612345678");
        let canadian = PhoneNumber::from_country_code_and_mobile("+1", "4165550123").unwrap();
        assert_eq!(canadian.country().as_deref(), Some("CA"));
    }

    #[test]
    fn the_country_code_is_the_one_that_was_named() {
        for (country_code, mobile) in [
            ("4", "6701234567"),
            ("+467", "01234567"),
            ("+46", "+447400123456"),
            ("+46", "00447400123456"),
            ("+46", ""),
            ("", "46701234567"),
            ("+", "46701234567"),
            ("0046", "701234567"),
            ("++46", "701234567"),
            ("SE", "701234567"),
            ("\u{ff14}6", "701234567"),
        ] {
            let number = PhoneNumber::from_country_code_and_mobile(country_code, mobile);
            assert!(number.is_err(), "{country_code} {mobile}: {number:?}");
        }
    }

    #[test]
    fn masks_keep_the_country_and_the_last_digits() {
        for (e164, masked) in [
            ("+46701234567", "+46******567"),
            ("+14155552671", "+1*******671"),
            ("+2250123456789", "+225*******789"),
        ] {
            assert_eq!(PhoneNumber::parse_e164(e164).unwrap().masked(), masked);
        }
    }

    #[test]
    fn numbers_that_charge_or_that_nobody_reads_are_told_from_a_persons() {
        for (e164, expected) in [
            ("+46701234567", true),
            ("+14155552671", true),
            ("+447400123456", true),
            ("+4689001234", true),
            ("+449012345678", false),
            ("+447012345678", false),
            ("+19002345678", false),
            ("+18002345678", false),
            ("+46900123456", false),
            ("+80012340000", false),
        ] {
            let number = PhoneNumber::parse_e164(e164).unwrap();
            assert_eq!(number.is_a_persons(), expected, "{e164}");
        }
    }

    #[test]
    fn countries_are_known_by_their_codes() {
        for code in ["SE", "US", "JE", "CI"] {
            assert!(is_country(code), "{code}");
        }
        for code in ["", "se", "XX", "SWE", "001", "*"] {
            assert!(!is_country(code), "{code}");
        }
    }

    #[test]
    fn json_must_be_a_string() {
        assert!(serde_json::from_str::<PhoneNumber>("46701234567").is_err());
        let number: PhoneNumber = serde_json::from_str("\"+46 701234567\"").unwrap();
        assert_eq!(serde_json::to_string(&number).unwrap(), "\"+46701234567\"");
    }

    proptest! {
        #[test]
        fn parsing_never_panics(typed in any::<String>(), code in any::<String>()) {
            let _ = PhoneNumber::parse_e164(&typed);
            let _ = PhoneNumber::parse_e164(&format!("+{typed}"));
            let _ = PhoneNumber::from_country_code_and_mobile(&code, &typed);
        }

        #[test]
        fn what_is_accepted_is_stable(typed in "\\+([1-9][0-9 ()-]{6,15}[0-9]|(46|44|1|49|91)[ (0-9][0-9]{7,10})") {
            if let Ok(number) = PhoneNumber::parse_e164(&typed) {
                let e164 = number.as_str();
                let again = PhoneNumber::parse_e164(&number.to_string()).unwrap();
                prop_assert_eq!(again.as_str(), e164);
                prop_assert!((8..=16).contains(&e164.len()), "{}", e164);
                prop_assert!(e164[1..].bytes().all(|b| b.is_ascii_digit()));
                prop_assert!(number.masked().contains('*'));
            }
        }

        #[test]
        fn swedish_mobiles_are_one_number_however_written(rest in "7[0236][0-9]{7}") {
            let whole = PhoneNumber::parse_e164(&format!("+46{rest}")).unwrap();
            let split = PhoneNumber::from_country_code_and_mobile("+46", &format!("0{rest}")).unwrap();
            prop_assert_eq!(&whole, &split);
            prop_assert!(!whole.masked().contains(&rest));
        }
    }
}
