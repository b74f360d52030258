//! Where a cache is, and how to get in.

use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::redis::{RedisCache, Transport, Wire};
use super::{Cache, CacheError, MemoryCache};
use crate::clock::Clock;

/// What one call may take: beyond it, asking DynamoDB is the quicker way.
const BUDGET: Duration = Duration::from_millis(250);

/// Where a cache is. There is no `Debug`, because it holds a password or a token.
pub struct Address {
    place: Place,
    authority: Option<Authority>,
    budget: Duration,
}

enum Place {
    Url(SecretString),
    Rest(RestPlace),
}

/// As a secret holds it, too.
#[derive(Deserialize)]
struct RestPlace {
    url: SecretString,
    token: SecretString,
}

/// Certificates, in PEM, of whom alone a server over TLS is believed.
#[derive(Clone)]
pub(super) struct Authority(pub(super) Vec<u8>);

impl Address {
    /// A cache that a URL names: `memory:` (one process's own), `redis://…` or `rediss://…` (TLS).
    pub fn url(url: SecretString) -> Self {
        Self {
            place: Place::Url(url),
            authority: None,
            budget: BUDGET,
        }
    }

    /// Upstash's REST interface: an `https` URL (`http` on the loopback) and a bearer token.
    pub fn rest(url: SecretString, token: SecretString) -> Self {
        Self {
            place: Place::Rest(RestPlace { url, token }),
            authority: None,
            budget: BUDGET,
        }
    }

    /// What a secret holds: a URL, or `{"url": …, "token": …}` for the REST interface.
    pub fn from_secret(secret: &SecretString) -> Result<Self, CacheError> {
        let text = secret.expose_secret().trim();
        if !text.starts_with('{') {
            return Ok(Self::url(SecretString::from(text)));
        }
        // The parser's error may quote what it reads.
        let RestPlace { url, token } =
            serde_json::from_str(text).map_err(|_| CacheError::Address)?;
        Ok(Self::rest(url, token))
    }

    /// The same place, reached by TLS, where only certificates of this authority (PEM) are
    /// believed: a server of one's own is not known to the authorities of the web.
    #[must_use]
    pub fn trusting(mut self, authority: Vec<u8>) -> Self {
        self.authority = Some(Authority(authority));
        self
    }

    /// The same place, where one call may take this long, connecting included. 250 ms unless told.
    #[must_use]
    pub fn within(mut self, budget: Duration) -> Self {
        self.budget = budget;
        self
    }

    /// Opens the cache; see [`open`](super::open).
    pub fn open(
        &self,
        clock: Arc<dyn Clock>,
        life: Duration,
    ) -> Result<Arc<dyn Cache>, CacheError> {
        let authority = self.authority.as_ref();
        let transport = match &self.place {
            Place::Url(url) if url.expose_secret() == "memory:" => {
                return Ok(Arc::new(MemoryCache::new(clock, life)));
            }
            Place::Url(url) => Transport::socket(url, authority)?,
            Place::Rest(RestPlace { url, token }) => Transport::rest(url, token, authority)?,
        };
        let wire = Wire::new(transport, self.budget, clock.clone());
        Ok(Arc::new(RedisCache::over(wire, clock, life)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(secret: &str) -> Option<Place> {
        let address = Address::from_secret(&SecretString::from(secret));
        address.ok().map(|address| address.place)
    }

    #[test]
    fn a_secret_is_a_url_or_a_rest_url_with_its_token() {
        let Some(Place::Url(url)) = place(" rediss://:hunter2@host\n") else {
            panic!("not a URL");
        };
        assert_eq!(url.expose_secret(), "rediss://:hunter2@host");
        let Some(Place::Rest(rest)) = place(r#"{"url":"https://host","token":"hunter2"}"#) else {
            panic!("not REST");
        };
        assert_eq!(rest.url.expose_secret(), "https://host");
        assert_eq!(rest.token.expose_secret(), "hunter2");
        for broken in [r#"{"url":"https://host"}"#, r#"{"token":"hunter2"}"#, "{"] {
            assert!(place(broken).is_none(), "{broken}");
        }
    }
}
