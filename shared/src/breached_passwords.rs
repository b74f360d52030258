//! Whether a password is among those that were stolen somewhere, asked of a Pwned Passwords range
//! API.
//!
//! It learns five of the forty digits of a SHA-1, which hundreds of breached passwords share, and
//! answers with the rest of each (k-anonymity). Nothing that it answers is trusted: what is too
//! long, too late or not in the form of such an answer is no answer.

use std::str;
use std::time::Duration;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};
use secrecy::zeroize::Zeroizing;

use crate::domain::password::Password;

/// For all of it, from the connection to the last byte. A person waits for the answer, and a
/// password is hashed meanwhile.
const TIME_LIMIT: Duration = Duration::from_secs(1);
/// In bytes. Real answers have about a thousand rows of 40 bytes, padding included.
const MAX_ANSWER: usize = 256 * 1024;
/// Hexadecimal digits that are told.
const PREFIX: usize = 5;
/// Hexadecimal digits that are not.
const SUFFIX: usize = 35;

/// There is no client, for want of certificates to trust say.
#[derive(Debug, thiserror::Error)]
#[error("no HTTP client for the range API of breached passwords")]
pub struct ClientError(#[source] reqwest::Error);

/// Why it is not known whether a password was breached.
#[derive(Debug, thiserror::Error)]
pub enum LookUpError {
    /// No connection, or no answer in time.
    #[error("the range API did not answer")]
    NoAnswer(#[source] reqwest::Error),
    /// Another status than 200.
    #[error("the range API answered {0}")]
    Status(StatusCode),
    /// More than any list of hashes takes.
    #[error("the range API answered with more than {MAX_ANSWER} bytes")]
    TooLong,
    /// No list of hashes.
    #[error("the range API answered with something else than hashes")]
    Malformed,
}

impl From<reqwest::Error> for LookUpError {
    /// Without the URL: five digits of a password's hash are none of the log's business.
    fn from(error: reqwest::Error) -> Self {
        Self::NoAnswer(error.without_url())
    }
}

/// Asks a range API about passwords.
#[derive(Debug, Clone)]
pub struct BreachedPasswords {
    http: Client,
    url: String,
}

impl BreachedPasswords {
    /// Asks the API at this base URL, which has no slash at its end.
    pub fn new(url: String) -> Result<Self, ClientError> {
        let http = Client::builder()
            .timeout(TIME_LIMIT)
            .redirect(Policy::none())
            .no_proxy()
            .user_agent(concat!("latchkey/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(ClientError)?;
        Ok(Self { http, url })
    }

    /// Whether this password is among the breached ones.
    pub async fn contain(&self, password: &Password) -> Result<bool, LookUpError> {
        let hash = sha1_hex(password);
        let (prefix, suffix) = hash.split_at(PREFIX);
        let answer = self.range(prefix).await?;
        is_listed(&answer, suffix).ok_or(LookUpError::Malformed)
    }

    async fn range(&self, prefix: &str) -> Result<Vec<u8>, LookUpError> {
        let mut response = self
            .http
            .get(format!("{}/range/{prefix}", self.url))
            // Rows that count nothing, so that the answer's size does not tell the prefix.
            .header("add-padding", "true")
            .send()
            .await?;
        if response.status() != StatusCode::OK {
            return Err(LookUpError::Status(response.status()));
        }
        let mut answer = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if answer.len() + chunk.len() > MAX_ANSWER {
                return Err(LookUpError::TooLong);
            }
            answer.extend_from_slice(&chunk);
        }
        Ok(answer)
    }
}

fn sha1_hex(password: &Password) -> Zeroizing<String> {
    const DIGITS: [u8; 16] = *b"0123456789ABCDEF";
    // What the API is indexed by; nothing here rests on its strength.
    let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, password.expose().as_bytes());
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble & 0xf)]);
    let digits = hash.as_ref().iter();
    Zeroizing::new(
        digits
            .flat_map(|byte| [digit(byte >> 4), digit(*byte)])
            .collect(),
    )
}

/// Whether a row has this suffix and counts for something; `None` where it is no list of rows.
fn is_listed(answer: &[u8], suffix: &str) -> Option<bool> {
    let text = str::from_utf8(answer).ok()?;
    if text.trim().is_empty() {
        return None;
    }
    let mut listed = false;
    for row in text.lines().map(str::trim).filter(|row| !row.is_empty()) {
        let (hash, count) = row.split_once(':')?;
        if hash.len() != SUFFIX || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let count: u64 = count.trim().parse().ok()?;
        listed |= count > 0 && hash.eq_ignore_ascii_case(suffix);
    }
    Some(listed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SUFFIX_OF_PASSWORD: &str = "1E4C9B93F3F0682250B6CF8331B7EE68FD8";

    #[test]
    fn a_hash_is_that_of_the_composed_password() {
        // FIPS 180: the SHA-1 of "password".
        let hash = sha1_hex(&"password".parse().unwrap());
        assert_eq!(*hash, format!("5BAA6{SUFFIX_OF_PASSWORD}"));
        let composed = sha1_hex(&"p\u{e4}ssw\u{f6}rd-1".parse().unwrap());
        let decomposed = sha1_hex(&"pa\u{308}sswo\u{308}rd-1".parse().unwrap());
        assert_eq!(composed, decomposed);
    }

    #[test]
    fn a_row_is_found_in_any_case_and_padding_is_not() {
        let other = "0".repeat(SUFFIX);
        for (answer, listed) in [
            (format!("{other}:3\r\n{SUFFIX_OF_PASSWORD}:1\r\n"), true),
            (format!("{}:9", SUFFIX_OF_PASSWORD.to_lowercase()), true),
            (format!("{SUFFIX_OF_PASSWORD}:0\r\n{other}:12"), false),
            (format!("{other}:12\n"), false),
        ] {
            let found = is_listed(answer.as_bytes(), SUFFIX_OF_PASSWORD);
            assert_eq!(found, Some(listed), "{answer}");
        }
    }

    #[test]
    fn what_is_no_list_of_hashes_is_no_answer() {
        let row = format!("{SUFFIX_OF_PASSWORD}:1");
        for answer in [
            String::new(),
            "\r\n".into(),
            "<html>".into(),
            format!("{row}\nsorry"),
            format!("{SUFFIX_OF_PASSWORD}:-1"),
            format!("{SUFFIX_OF_PASSWORD}:many"),
            format!("0{row}"),
            row[1..].to_owned(),
        ] {
            assert_eq!(
                is_listed(answer.as_bytes(), SUFFIX_OF_PASSWORD),
                None,
                "{answer}"
            );
        }
        assert_eq!(is_listed(b"\xff\xfe", SUFFIX_OF_PASSWORD), None);
    }

    proptest! {
        #[test]
        fn reading_any_answer_never_panics(answer in any::<Vec<u8>>()) {
            prop_assert_ne!(is_listed(&answer, SUFFIX_OF_PASSWORD), Some(true));
        }
    }
}
