//! Secrets Manager's `GetSecretValue`, and the one secret there is.

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use latchkey_shared::random::Random;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;

use super::fault::Fault;
use crate::data_dir::{DataDir, DataDirError};

/// The id of the secret that all keys are derived from.
pub(crate) const KEYS_SECRET_ID: &str = "latchkey-keys";

/// Where the secret is kept.
const FILE: &str = "keys.json";

/// Characters of the seed: as many as the template has Secrets Manager make.
const SEED_LENGTH: usize = 64;

/// What the seed is made of, as the template asks (`ExcludePunctuation`).
const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Why there is no keys secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    /// It can't be read or written.
    #[error(transparent)]
    Data(#[from] DataDirError),
}

/// The secrets of this stack.
pub(crate) struct Secrets {
    keys: SecretString,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetSecretValue {
    secret_id: String,
}

impl Secrets {
    /// The keys secret that the data directory has, or a fresh one, which it then has.
    pub(crate) fn open(random: &dyn Random, data: Option<&DataDir>) -> Result<Self, SecretsError> {
        if let Some(data) = data
            && let Some(text) = data.read(FILE)?
        {
            return Ok(Self { keys: text.into() });
        }
        let text = json!({ "seed": seed(random) }).to_string();
        if let Some(data) = data {
            data.replace(FILE, &text)?;
        }
        Ok(Self { keys: text.into() })
    }

    /// Answers `GetSecretValue`.
    pub(super) fn get(&self, body: &[u8]) -> Result<Response, Fault> {
        let call: GetSecretValue = serde_json::from_slice(body)
            .map_err(|error| Fault::bad_request("ValidationException", error.to_string()))?;
        if call.secret_id != KEYS_SECRET_ID {
            return Err(Fault::bad_request(
                "ResourceNotFoundException",
                "Secrets Manager can't find the specified secret.",
            ));
        }
        let answer = json!({
            "ARN": format!("arn:aws:secretsmanager:eu-west-1:000000000000:secret:{KEYS_SECRET_ID}"),
            "Name": KEYS_SECRET_ID,
            "SecretString": self.keys.expose_secret(),
            "VersionStages": ["AWSCURRENT"],
        });
        let content_type = [(CONTENT_TYPE, "application/x-amz-json-1.1")];
        Ok((content_type, answer.to_string()).into_response())
    }
}

/// Letters and digits, each as likely as the others.
fn seed(random: &dyn Random) -> String {
    let fair = ALPHABET.len() * (256 / ALPHABET.len());
    let mut seed = String::with_capacity(SEED_LENGTH);
    while seed.len() < SEED_LENGTH {
        let mut byte = [0];
        random.fill(&mut byte);
        let byte = usize::from(byte[0]);
        // The bytes above the last whole run of the alphabet would favour its first letters.
        if byte < fair {
            seed.push(char::from(ALPHABET[byte % ALPHABET.len()]));
        }
    }
    seed
}

#[cfg(test)]
mod tests {
    use latchkey_shared::random::SystemEntropy;

    use super::*;

    #[test]
    fn the_keys_stay_the_same_over_a_restart() {
        let path = tempfile::tempdir().unwrap();
        let data = DataDir::open(path.path()).unwrap();
        let random = SystemEntropy::default();
        let open = |data| Secrets::open(&random, data).unwrap().keys;
        let first = open(Some(&data));
        assert_eq!(open(Some(&data)).expose_secret(), first.expose_secret());
        assert_ne!(open(None).expose_secret(), first.expose_secret());
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_the_keys() {
        use std::os::unix::fs::PermissionsExt;
        let path = tempfile::tempdir().unwrap();
        let data = DataDir::open(path.path()).unwrap();
        Secrets::open(&SystemEntropy::default(), Some(&data)).unwrap();
        let mode = std::fs::metadata(data.file(FILE)).unwrap().permissions();
        assert_eq!(mode.mode() & 0o777, 0o600);
    }

    #[test]
    fn a_seed_is_letters_and_digits() {
        let seed = seed(&SystemEntropy::default());
        assert_eq!(seed.len(), SEED_LENGTH);
        assert!(seed.bytes().all(|byte| ALPHABET.contains(&byte)));
    }
}
