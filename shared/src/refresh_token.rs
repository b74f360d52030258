//! Refresh tokens: user, session and counter under a 256-bit MAC.
//!
//! The session's row holds the counter alone, so the successor of a token can be made again when
//! an answer was lost, and a stolen table gives no token.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};

use crate::domain::id::{SessionId, UserId};
use crate::domain::session::Session;
use crate::keys::Keyring;

/// What every refresh token begins with, so that secret scanners and people know it.
const PREFIX: &str = "lkr_";

/// What a genuine refresh token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshToken {
    /// Whose session it refreshes.
    pub user: UserId,
    /// The session that it refreshes.
    pub session: SessionId,
    /// Its place in the session's line of tokens.
    pub counter: u64,
}

impl RefreshToken {
    /// The token that is good for the session now.
    pub fn current(session: &Session) -> Self {
        Self {
            user: session.user,
            session: session.id,
            counter: session.counter,
        }
    }

    /// The text that the client keeps.
    pub fn seal(&self, keys: &Keyring) -> SecretString {
        let body = self.body();
        let tag = hmac::sign(keys.refresh_tokens(), &body);
        let text = URL_SAFE_NO_PAD.encode([&body[..], tag.as_ref()].concat());
        SecretString::from(format!("{PREFIX}{text}"))
    }

    /// The token behind a client's text, where its MAC is ours.
    pub fn open(text: &SecretString, keys: &Keyring) -> Option<Self> {
        let text = text.expose_secret().strip_prefix(PREFIX)?;
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (body, tag) = bytes.split_at_checked(40)?;
        hmac::verify(keys.refresh_tokens(), body, tag).ok()?;
        let (user, rest) = body.split_first_chunk::<16>()?;
        let (session, counter) = rest.split_first_chunk::<16>()?;
        Some(Self {
            user: UserId::from_bytes(*user),
            session: SessionId::from_bytes(*session),
            counter: u64::from_be_bytes(counter.try_into().ok()?),
        })
    }

    fn body(&self) -> Vec<u8> {
        [
            &self.user.as_bytes()[..],
            self.session.as_bytes(),
            &self.counter.to_be_bytes(),
        ]
        .concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Keyring {
        let secret = format!(r#"{{"seed":"{}"}}"#, "s".repeat(64));
        Keyring::from_secret(&SecretString::from(secret)).unwrap()
    }

    #[test]
    fn a_token_says_what_was_sealed_in_it() {
        let token = RefreshToken {
            user: UserId::from_bytes([1; 16]),
            session: SessionId::from_bytes([2; 16]),
            counter: 77,
        };
        assert_eq!(
            RefreshToken::open(&token.seal(&keys()), &keys()),
            Some(token)
        );
    }

    #[test]
    fn no_changed_byte_goes_unseen() {
        let token = RefreshToken {
            user: UserId::from_bytes([1; 16]),
            session: SessionId::from_bytes([2; 16]),
            counter: 1,
        };
        let sealed = token.seal(&keys());
        let sealed = sealed.expose_secret();
        for at in 0..sealed.len() {
            let mut changed = sealed.as_bytes().to_vec();
            changed[at] = if changed[at] == b'x' { b'y' } else { b'x' };
            let changed = SecretString::from(String::from_utf8(changed).unwrap());
            assert_eq!(RefreshToken::open(&changed, &keys()), None);
        }
        assert_eq!(
            RefreshToken::open(&SecretString::from("lkr_"), &keys()),
            None
        );
    }
}
