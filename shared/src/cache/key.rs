//! Names of entries.

use std::fmt::Write;

/// The name of an entry: `lk:<kind>:<part>:<part>…`.
///
/// Parts may come from a request: whatever they hold, two different lists make two different keys.
/// There is no `Debug`, because parts may be personal data; keep them hashed where they are.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Key(String);

impl Key {
    /// Names an entry. `kind` says what it is for (`otp`, `oauth`); `deny` belongs to the denylist.
    #[must_use]
    pub fn new(kind: &str, parts: &[&str]) -> Self {
        debug_assert_ne!(kind, "deny", "the denylist's keys are its own");
        Self::join(kind, parts)
    }

    /// The mark of a session.
    pub(super) fn denied_session(id: &str) -> Self {
        Self::join("deny", &["session", id])
    }

    /// The mark of a user.
    pub(super) fn denied_user(id: &str) -> Self {
        Self::join("deny", &["user", id])
    }

    /// Since when marks have been recorded.
    pub(super) fn denied_since() -> Self {
        Self::join("deny", &["since"])
    }

    /// The key as the cache's own text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn join(kind: &str, parts: &[&str]) -> Self {
        let mut key = String::from("lk");
        for part in std::iter::once(&kind).chain(parts) {
            key.push(':');
            for character in part.chars() {
                match character {
                    // The separator, and the sign that escapes it.
                    ':' | '%' => {
                        // Writing to a string cannot fail.
                        let _ = write!(key, "%{:02X}", u32::from(character));
                    }
                    other => key.push(other),
                }
            }
        }
        Self(key)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Key;

    #[test]
    fn a_key_is_readable() {
        assert_eq!(Key::new("otp", &["a", "b"]).as_str(), "lk:otp:a:b");
        assert_eq!(Key::new("otp", &["a:b%"]).as_str(), "lk:otp:a%3Ab%25");
        assert_eq!(Key::denied_since().as_str(), "lk:deny:since");
    }

    #[test]
    fn no_parts_and_an_empty_part_differ() {
        assert_ne!(
            Key::new("otp", &[]).as_str(),
            Key::new("otp", &[""]).as_str()
        );
    }

    proptest! {
        #[test]
        fn keys_are_equal_only_for_equal_parts(
            one in prop::collection::vec("[a:%3A25]{0,4}", 0..4),
            other in prop::collection::vec("[a:%3A25]{0,4}", 0..4),
        ) {
            let key = |parts: &[String]| {
                Key::new("k", &parts.iter().map(String::as_str).collect::<Vec<_>>())
            };
            prop_assert_eq!(key(&one) == key(&other), one == other);
        }
    }
}
