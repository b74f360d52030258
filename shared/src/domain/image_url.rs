//! Where a user's picture is.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use url::Url;

use super::invalid::{self, Invalid};

/// In bytes. Browsers and gateways take no longer ones safely.
const MAX_LENGTH: usize = 2_048;

/// An `https` URL of a picture, as it was given. Nobody here ever fetches it; browsers do, so no
/// other scheme is taken, and nothing that carries a name and password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageUrl(String);

impl ImageUrl {
    /// The URL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ImageUrl {
    type Error = Invalid;

    fn try_from(typed: String) -> Result<Self, Invalid> {
        if typed.len() > MAX_LENGTH {
            return Err(Invalid::new(
                "too_long",
                format!("The address of a picture has at most {MAX_LENGTH} characters."),
            ));
        }
        let plain = |byte: u8| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte);
        let good = typed.bytes().all(plain)
            && Url::parse(&typed).is_ok_and(|url| {
                url.scheme() == "https" && url.username().is_empty() && url.password().is_none()
            });
        good.then_some(Self(typed)).ok_or_else(|| {
            Invalid::new(
                "invalid_url",
                "Give the address of a picture that begins with https://.",
            )
        })
    }
}

impl fmt::Display for ImageUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for ImageUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ImageUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        invalid::deserialize(deserializer, "a URL as a string")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_https_url_is_kept_as_it_was_given() {
        for url in [
            "https://example.com/a.png",
            "https://example.com:8443/a?b=c#d",
        ] {
            assert_eq!(ImageUrl::try_from(url.to_owned()).unwrap().as_str(), url);
        }
    }

    #[test]
    fn what_a_browser_should_not_open_is_refused() {
        for url in [
            "",
            "/a.png",
            "http://example.com/a.png",
            "javascript:alert(1)",
            "data:image/png;base64,AAAA",
            "https://",
            "https://user:secret@example.com/a.png",
            " https://example.com/a.png",
            "https://example.com/a b.png",
            "https://example.com/\"><script>",
            "https://exämple.com/a.png",
        ] {
            let refused = ImageUrl::try_from(url.to_owned());
            assert_eq!(refused.unwrap_err().code, "invalid_url", "{url}");
        }
        let long = format!("https://example.com/{}", "a".repeat(MAX_LENGTH));
        assert_eq!(ImageUrl::try_from(long).unwrap_err().code, "too_long");
    }
}
