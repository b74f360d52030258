//! Email addresses.

use std::{
    fmt,
    hash::{Hash, Hasher},
    str::FromStr,
};

use email_address::Options;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::invalid::{self, Invalid};

mod domain_name;

/// In bytes: the longest path of RFC 5321 § 4.5.3.1.3 without its brackets.
const MAX_LENGTH: usize = 254;
/// In bytes: RFC 5321 § 4.5.3.1.1.
const MAX_LOCAL_LENGTH: usize = 64;

/// An address that mail can be sent to.
///
/// - a local part of ASCII, unquoted, up to 64 bytes: SES does not send to others
/// - a domain with at least one dot, not an IP address; an international one is kept in its ASCII
///   form (`xn--…`) and in lower case, and is refused where it passes for another
/// - up to 254 bytes
/// - nothing around it: no name, no brackets, no white space
///
/// Nothing is repaired on the way in: characters that a normalisation would turn into others, into
/// an `@` or a dot say, are refused, lest what was checked is not what is mailed
/// (GHSA-7rqj-j65f-68wh). Dots and plus tags count, since only the domain's owner knows what they
/// mean. Two addresses that differ in ASCII case alone are equal.
#[derive(Debug, Clone)]
pub struct EmailAddress {
    address: String,
    key: String,
}

impl EmailAddress {
    /// The address to mail to: the local part as typed, the domain in its ASCII form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.address
    }

    /// What must be unique: the address in lower case.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The address as its owner recognises it and others do not: `a***@e***.com`.
    #[must_use]
    pub fn masked(&self) -> String {
        let (local, domain) = self.address.rsplit_once('@').unwrap_or_default();
        let top_level = domain.rsplit('.').next().unwrap_or_default();
        let first = |s: &str| s.chars().next().map(String::from).unwrap_or_default();
        format!("{}***@{}***.{top_level}", first(local), first(domain))
    }
}

impl TryFrom<String> for EmailAddress {
    type Error = Invalid;

    fn try_from(typed: String) -> Result<Self, Invalid> {
        if typed.is_empty() {
            return Err(Invalid::new("empty", "Enter an email address."));
        }
        if typed.len() > MAX_LENGTH {
            return Err(too_long());
        }
        refuse_stray_characters(&typed)?;
        let Some((local, domain)) = typed.split_once('@') else {
            return Err(malformed());
        };
        refuse_bad_local_part(local)?;
        let domain = domain_name::to_ascii(domain)?;

        let address = format!("{local}@{domain}");
        if address.len() > MAX_LENGTH {
            return Err(too_long());
        }
        let options = Options::default()
            .with_minimum_sub_domains(2)
            .without_display_text()
            .without_domain_literal();
        email_address::EmailAddress::parse_with_options(&address, options)
            .map_err(|_| malformed())?;
        let key = address.to_ascii_lowercase();
        Ok(Self { address, key })
    }
}

fn refuse_stray_characters(typed: &str) -> Result<(), Invalid> {
    if typed.chars().any(char::is_control) {
        return Err(Invalid::new(
            "control_character",
            "An email address has no line breaks and no invisible characters.",
        ));
    }
    if typed.trim() != typed {
        return Err(Invalid::new(
            "surrounding_space",
            "Remove the space before or after the email address.",
        ));
    }
    if typed.chars().any(domain_name::is_compatibility_variant) {
        return Err(confusable());
    }
    Ok(())
}

fn refuse_bad_local_part(local: &str) -> Result<(), Invalid> {
    if !local.is_ascii() {
        return Err(Invalid::new(
            "unsupported_characters",
            "The part before the @ has characters that our mail service cannot send to.",
        ));
    }
    if local.len() > MAX_LOCAL_LENGTH {
        return Err(Invalid::new(
            "too_long",
            format!("The part before the @ has at most {MAX_LOCAL_LENGTH} characters."),
        ));
    }
    // RFC 5322 lets almost anything stand in quotes; hardly a mailbox uses them.
    if local.contains('"') {
        return Err(malformed());
    }
    Ok(())
}

fn malformed() -> Invalid {
    Invalid::new(
        "invalid_email",
        "Enter an email address such as name@example.com.",
    )
}

fn too_long() -> Invalid {
    Invalid::new(
        "too_long",
        format!("An email address has at most {MAX_LENGTH} characters."),
    )
}

fn confusable() -> Invalid {
    Invalid::new(
        "confusable_characters",
        "The email address has characters that can be taken for others.",
    )
}

impl FromStr for EmailAddress {
    type Err = Invalid;

    fn from_str(typed: &str) -> Result<Self, Invalid> {
        typed.to_owned().try_into()
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.address)
    }
}

impl PartialEq for EmailAddress {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for EmailAddress {}

impl Hash for EmailAddress {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}

impl Serialize for EmailAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.address)
    }
}

impl<'de> Deserialize<'de> for EmailAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        invalid::deserialize(deserializer, "an email address as a string")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(typed: &str) -> EmailAddress {
        EmailAddress::from_str(typed).unwrap_or_else(|e| panic!("{typed:?}: {e:?}"))
    }

    fn code(typed: &str) -> &'static str {
        match EmailAddress::from_str(typed) {
            Ok(address) => panic!("{typed:?} was accepted as {address}"),
            Err(invalid) => invalid.code,
        }
    }

    #[test]
    fn ordinary_addresses_are_accepted() {
        for (typed, address) in [
            ("ada@example.com", "ada@example.com"),
            (
                "Ada.Lovelace+test@Example.COM",
                "Ada.Lovelace+test@example.com",
            ),
            ("a@b.co", "a@b.co"),
            (
                "o'neil!#$%&*/=?^_`{|}~-@mail.example.org",
                "o'neil!#$%&*/=?^_`{|}~-@mail.example.org",
            ),
            ("1@123.example", "1@123.example"),
        ] {
            assert_eq!(parse(typed).as_str(), address);
        }
    }

    #[test]
    fn dots_and_tags_count() {
        assert_ne!(parse("a.da@gmail.com"), parse("ada@gmail.com"));
        assert_ne!(parse("ada+x@gmail.com"), parse("ada@gmail.com"));
        assert_eq!(parse("Ada@gmail.com"), parse("ada@GMAIL.com"));
    }

    #[test]
    fn lengths_stop_at_the_limits() {
        let at = |local: usize, total: usize| {
            let labels = format!("{}.", "d".repeat(60)).repeat(4);
            let rest = total - local - 1;
            format!(
                "{}@{}com",
                "l".repeat(local),
                &labels[labels.len() - (rest - 3)..]
            )
        };
        assert_eq!(parse(&at(64, 254)).as_str().len(), 254);
        assert_eq!(parse(&at(64, 100)).as_str().len(), 100);
        assert_eq!(code(&at(65, 100)), "too_long");
        assert_eq!(code(&at(64, 255)), "too_long");
        assert_eq!(code(&format!("a@{}", "b.".repeat(50_000))), "too_long");
        // Short as typed, too long as it would be mailed.
        let growing = format!("{}@{}", "l".repeat(64), "ü.".repeat(25) + "com");
        assert!(growing.len() <= 254);
        assert_eq!(code(&growing), "too_long");
    }

    #[test]
    fn malformed_addresses_are_refused() {
        for typed in [
            "ada",
            "@",
            "a@",
            "@b.co",
            "a@b",
            "a@@b.co",
            "a@b.co@c.co",
            ".a@b.co",
            "a.@b.co",
            "a..b@c.co",
            "a@.b.co",
            "a@b..co",
            "a@b.co.",
            "a@-b.co",
            "a@b-.co",
            "a@b_c.co",
            "a@b c.co",
            "a b@c.co",
            "a@127.0.0.1",
            "a@[127.0.0.1]",
            "a@[IPv6:::1]",
            "a@b.1",
            "a@b.0x7f",
            "\"a\"@b.co",
            "\"a b\"@c.co",
            "\"a@b\"@c.co",
            "Ada <a@b.co>",
            "<a@b.co>",
            "a(x)@b.co",
            "a@b.co,c@d.co",
            "a@b.co;c@d.co",
            "a\\@b.co",
            "mailto:a@b.co",
            "a@b.co?bcc=c@d.co",
            "a@b.co/x",
            "a@b.co%0d%0aBcc:c",
        ] {
            assert_eq!(code(typed), "invalid_email", "{typed:?}");
        }
        assert_eq!(code(""), "empty");
        for typed in [" a@b.co", "a@b.co ", "a@b.co\u{2003}"] {
            assert_eq!(code(typed), "surrounding_space", "{typed:?}");
        }
    }

    #[test]
    fn headers_cannot_be_injected() {
        for typed in [
            "a@b.co\r\nBcc: victim@example.com",
            "a@b.co\n",
            "\na@b.co",
            "a\r@b.co",
            "a@b.co\0",
            "a\0@b.co",
            "a@b\0.co",
            "a@b.co\t",
            "a\u{7f}@b.co",
            "a@b\u{85}.co",
        ] {
            assert_eq!(code(typed), "control_character", "{typed:?}");
        }
    }

    #[test]
    fn characters_that_normalise_into_others_are_refused() {
        for typed in [
            "victim\u{ff20}evil.com@x",
            "a\u{ff20}b.com",
            "a\u{fe6b}b.com",
            "a@b\u{ff0e}com",
            "a@b\u{ff61}com",
            "a@b\u{3002}com",
            "a@evil.com\u{ff0f}b.co",
            "a@\u{24d4}xample.com",
            "a@\u{2100}b.com",
            "a@exam\u{fb01}.com",
            "\u{212a}ate@example.com",
            "a@\u{212a}ate.com",
            "jame\u{17f}@example.com",
            "a@\u{17f}ample.com",
        ] {
            assert_eq!(code(typed), "confusable_characters", "{typed:?}");
        }
        for typed in [
            "m\u{131}ke@example.com",
            "\u{430}da@example.com",
            "zo\u{eb}@example.com",
        ] {
            assert_eq!(code(typed), "unsupported_characters", "{typed:?}");
        }
    }

    #[test]
    fn only_one_string_is_an_address() {
        for json in ["[\"v@b.co\",\"a@b.co\"]", "{\"$ne\":\"\"}", "null", "1"] {
            assert!(
                serde_json::from_str::<EmailAddress>(json).is_err(),
                "{json}"
            );
        }
        let json = serde_json::to_string(&parse("Ada@EXAMPLE.com")).unwrap();
        assert_eq!(json, "\"Ada@example.com\"");
    }

    #[test]
    fn masks_leave_a_hint() {
        assert_eq!(parse("ada@example.com").masked(), "a***@e***.com");
        assert_eq!(parse("b@mail.example.co.uk").masked(), "b***@m***.uk");
    }

    proptest! {
        #[test]
        fn parsing_never_panics(typed in any::<String>(), local in "\\PC{0,8}", domain in "\\PC{0,12}") {
            let _ = EmailAddress::from_str(&typed);
            let _ = EmailAddress::from_str(&format!("{local}@{domain}"));
            let _ = EmailAddress::from_str(&format!("a@{domain}.com"));
            let _ = EmailAddress::from_str(&format!("a@xn--{domain}.com"));
        }

        #[test]
        fn what_is_accepted_is_plain(typed in "[a-zA-Z0-9.+_\"-]{1,6}@[a-z0-9éßжИ。\u{200d}._-]{1,8}\\.(com|рф|xn--p1ai|1)") {
            if let Ok(email) = EmailAddress::from_str(&typed) {
                let address = email.as_str();
                prop_assert!(address.is_ascii());
                prop_assert!(!address.contains(|c: char| c.is_control() || c.is_whitespace()));
                prop_assert!(email_address::EmailAddress::is_valid(address));
                prop_assert_eq!(address.matches('@').count(), 1);
                let again = parse(&email.to_string());
                prop_assert_eq!(again.as_str(), address);
                let of_key = parse(email.key());
                prop_assert_eq!(of_key.key(), email.key());
            }
        }

        #[test]
        fn case_makes_no_difference_to_the_key(typed in "[a-zA-Z0-9]{1,12}@[a-zA-Z]{1,12}\\.[a-zA-Z]{2,6}") {
            let email = parse(&typed);
            for variant in [typed.to_ascii_uppercase(), typed.to_ascii_lowercase()] {
                let variant = parse(&variant);
                prop_assert_eq!(variant.key(), email.key());
                prop_assert_eq!(&variant, &email);
            }
        }

        #[test]
        fn masks_hide_the_local_part(local in "[a-z0-9.+]{2,20}", domain in "[a-z]{2,10}") {
            if let Ok(email) = EmailAddress::from_str(&format!("{local}@{domain}.com")) {
                let masked = email.masked();
                let (shown, shown_domain) = masked.split_once('@').unwrap();
                prop_assert!(!shown.contains(&local));
                prop_assert!(!shown_domain.contains(&domain) || domain == "co" || domain == "om" || domain == "com");
            }
        }
    }
}
