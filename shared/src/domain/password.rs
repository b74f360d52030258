//! Passwords, before they are hashed.

use std::{fmt, str::FromStr};

use secrecy::{ExposeSecret, SecretString, zeroize::Zeroizing};
use serde::{Deserialize, Deserializer};
use unicode_normalization::{UnicodeNormalization, is_nfc};

use super::invalid::{self, Invalid};

/// In characters. NIST SP 800-63B requires 8 at the least where a second factor may be added.
const MIN_LENGTH: usize = 8;
/// In characters. Beyond what a person types or a manager makes, and short enough to hash.
const MAX_LENGTH: usize = 128;
/// In bytes, of a password that is merely tried: twice what the longest password takes.
const MAX_SUBMITTED_BYTES: usize = 1_024;

/// A new password: 8 to 128 characters of any kind.
///
/// Characters are Unicode scalar values after NFC, which makes a password the same on a keyboard
/// that composes accents and on one that does not (NIST SP 800-63B § 3.1.1.2). Beyond that it stays
/// exactly as received: nothing is trimmed or cut, and NUL is a character like others.
///
/// Whether it is common or guessable is for another rule to say. The memory is wiped when it goes.
#[derive(Clone)]
pub struct Password(SecretString);

impl Password {
    /// The password itself, for hashing and for rating its strength.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl TryFrom<String> for Password {
    type Error = Invalid;

    fn try_from(received: String) -> Result<Self, Invalid> {
        let password = normalised(received);
        let length = password.expose_secret().chars().count();
        if length == 0 {
            return Err(Invalid::new("empty", "Enter a password."));
        }
        if length < MIN_LENGTH {
            return Err(Invalid::new(
                "too_short",
                format!("A password has at least {MIN_LENGTH} characters."),
            ));
        }
        if length > MAX_LENGTH {
            return Err(Invalid::new(
                "too_long",
                format!("A password has at most {MAX_LENGTH} characters."),
            ));
        }
        Ok(Self(password))
    }
}

/// A password that is tried at sign-in: 1 to 1024 bytes.
///
/// It keeps none of the other rules of a [`Password`], since the rules may have been others when it
/// was set, and what breaks them can match nothing anyway. The bound saves hashing.
#[derive(Clone)]
pub struct SubmittedPassword(SecretString);

impl SubmittedPassword {
    /// The password itself, for comparing it with a hash.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl TryFrom<String> for SubmittedPassword {
    type Error = Invalid;

    fn try_from(received: String) -> Result<Self, Invalid> {
        let password = normalised(received);
        match password.expose_secret().len() {
            0 => Err(Invalid::new("empty", "Enter your password.")),
            1..=MAX_SUBMITTED_BYTES => Ok(Self(password)),
            _ => Err(Invalid::new(
                "too_long",
                "That is longer than any password here.",
            )),
        }
    }
}

fn normalised(received: String) -> SecretString {
    if is_nfc(&received) {
        return received.into();
    }
    let received = Zeroizing::new(received);
    received.nfc().collect::<String>().into()
}

impl FromStr for Password {
    type Err = Invalid;

    fn from_str(received: &str) -> Result<Self, Invalid> {
        received.to_owned().try_into()
    }
}

impl FromStr for SubmittedPassword {
    type Err = Invalid;

    fn from_str(received: &str) -> Result<Self, Invalid> {
        received.to_owned().try_into()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

impl fmt::Debug for SubmittedPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SubmittedPassword")
    }
}

impl<'de> Deserialize<'de> for Password {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        invalid::deserialize(deserializer, "a password as a string")
    }
}

impl<'de> Deserialize<'de> for SubmittedPassword {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        invalid::deserialize(deserializer, "a password as a string")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn code(received: &str) -> &'static str {
        Password::from_str(received).unwrap_err().code
    }

    #[test]
    fn bounds_count_characters() {
        assert_eq!(code(""), "empty");
        assert_eq!(code("1234567"), "too_short");
        assert_eq!(code(&"龍".repeat(7)), "too_short");
        assert!(Password::from_str("12345678").is_ok());
        assert!(Password::from_str(&"🔑".repeat(128)).is_ok());
        assert_eq!(code(&"a".repeat(129)), "too_long");
    }

    #[test]
    fn accents_count_as_composed() {
        assert_eq!(code(&"e\u{301}".repeat(7)), "too_short");
        assert!(Password::from_str(&"e\u{301}".repeat(128)).is_ok());
    }

    #[test]
    fn composed_and_decomposed_are_the_same_password() {
        let composed = Password::from_str("p\u{e4}ssw\u{f6}rd-1").unwrap();
        let decomposed = SubmittedPassword::from_str("pa\u{308}sswo\u{308}rd-1").unwrap();
        assert_eq!(composed.expose(), decomposed.expose());
    }

    #[test]
    fn nothing_is_trimmed_or_cut() {
        for received in [
            "  spaces  ",
            "nul\0then more",
            "line\r\nbreak",
            "\u{ff21}fullwidth",
        ] {
            assert_eq!(Password::from_str(received).unwrap().expose(), received);
        }
        // bcrypt would cut at byte 72, and take both for one.
        let long = |last| Password::from_str(&format!("{}{last}", "a".repeat(127))).unwrap();
        assert_ne!(long('x').expose(), long('y').expose());
    }

    #[test]
    fn a_submitted_password_has_only_outer_bounds() {
        assert!(SubmittedPassword::from_str("x").is_ok());
        assert!(SubmittedPassword::from_str(&"a".repeat(1024)).is_ok());
        assert_eq!(
            SubmittedPassword::from_str(&"a".repeat(1025))
                .unwrap_err()
                .code,
            "too_long"
        );
        assert_eq!(SubmittedPassword::from_str("").unwrap_err().code, "empty");
    }

    #[test]
    fn no_error_and_no_debug_output_tells_it() {
        let json = format!("\"{}\"", "canary".repeat(30));
        let error = serde_json::from_str::<Password>(&json).unwrap_err();
        assert!(!error.to_string().contains("canary"));
        let submitted: SubmittedPassword = serde_json::from_str(&json).unwrap();
        assert_eq!(format!("{submitted:?}"), "SubmittedPassword");
        let password: Password = serde_json::from_str("\"canary-canary\"").unwrap();
        assert_eq!(format!("{password:?}"), "Password");
    }

    #[test]
    fn a_list_of_passwords_is_not_a_password() {
        assert!(serde_json::from_str::<SubmittedPassword>("[\"a\",\"b\"]").is_err());
        assert!(serde_json::from_str::<SubmittedPassword>("{\"$ne\":\"\"}").is_err());
    }

    proptest! {
        #[test]
        fn every_password_can_be_submitted(received in any::<String>()) {
            if let Ok(password) = Password::from_str(&received) {
                let submitted = SubmittedPassword::from_str(&received).unwrap();
                prop_assert_eq!(submitted.expose(), password.expose());
                let again = Password::from_str(password.expose()).unwrap();
                prop_assert_eq!(again.expose(), password.expose());
            }
        }

        #[test]
        fn any_characters_will_do(received in "(?s).{8,30}") {
            let composed: String = received.nfc().collect();
            match Password::from_str(&received) {
                Ok(password) => prop_assert_eq!(password.expose(), composed),
                Err(_) => prop_assert!(composed.chars().count() < 8),
            }
        }
    }
}
