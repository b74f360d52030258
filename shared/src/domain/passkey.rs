//! What a passkey goes by.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::id::NotAnId;
use super::invalid::{self, Invalid};

/// The most passkeys of one user: more devices than people have, and few enough for the list of
/// them that goes to the browser.
pub const MAX_PASSKEYS: u32 = 20;

/// A passkey, for life: the SHA-256 of its credential id.
///
/// The credential id itself may have 1,023 bytes (WebAuthn L3 section 6.5.1). In base64url that is
/// more than DynamoDB takes for a sort key, and no sight in a path.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PasskeyId([u8; 32]);

impl PasskeyId {
    /// The id of the passkey with this credential id.
    pub fn of(credential_id: &[u8]) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, credential_id).as_ref());
        Self(bytes)
    }
}

impl fmt::Display for PasskeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64_URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for PasskeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for PasskeyId {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| NotAnId)?;
        bytes.try_into().map(Self).map_err(|_| NotAnId)
    }
}

impl TryFrom<String> for PasskeyId {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
            .map_err(|_| Invalid::new("invalid_id", "Send the id just as the service gave it."))
    }
}

impl Serialize for PasskeyId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PasskeyId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        invalid::deserialize(deserializer, "an id as a string")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_it_is_written_and_in_no_other_way() {
        let id = PasskeyId::of(&[7; 1023]);
        let text = id.to_string();
        assert_eq!(text.len(), 43);
        assert_eq!(text.parse(), Ok(id));
        assert_ne!(PasskeyId::of(&[7; 1022]), id);
        let (first, padded) = (&text[..42], format!("{text}="));
        for other in ["", first, &padded, &text.repeat(2), &format!("{first}*")] {
            assert_eq!(other.parse::<PasskeyId>(), Err(NotAnId), "{other}");
        }
    }
}
