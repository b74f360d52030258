//! Redis over HTTP, as Upstash speaks it: commands are JSON arrays of words, and answers
//! `{"result": …}` or `{"error": …}`.
//!
//! A call that is given up closes its connection, so that its answer can reach nobody else. A pooled
//! connection that was closed before anything was sent is replaced by the HTTP client itself; nothing
//! else is repeated here.

use std::time::Duration;

use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Response};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value as Json;
use tokio::time::{Instant, timeout_at};
use url::{Host, Url};

use super::reply::{Refusal, Reply};
use super::script::{Batch, Command};
use super::wire::{Answers, Fault};
use crate::cache::CacheError;
use crate::cache::address::Authority;

/// After this long without use a connection is not used again: one that was cut while Lambda had
/// frozen us does not show it, and a call that is lost on it cannot be repeated if it counts or
/// consumes. A new one is a few milliseconds within a region.
const IDLE: Duration = Duration::from_secs(10);

/// In bytes. What we store is small: a challenge, a number.
const MAX_ANSWER: usize = 256 * 1024;

/// There is an answer, but not of a Redis that serves us.
#[derive(Debug, thiserror::Error)]
#[error("it answered HTTP status {0}")]
struct Status(StatusCode);

pub(in crate::cache) struct Rest {
    http: Client,
    command: Url,
    pipeline: Url,
    transaction: Url,
}

impl Rest {
    pub(super) fn new(
        url: &SecretString,
        token: &SecretString,
        authority: Option<&Authority>,
    ) -> Result<Self, CacheError> {
        let base = base(url.expose_secret()).ok_or(CacheError::Address)?;
        let at = |path| base.join(path).map_err(|_| CacheError::Address);
        let token = token.expose_secret();
        if token.is_empty() || token.contains(char::is_whitespace) {
            return Err(CacheError::Address);
        }
        let mut bearer =
            HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| CacheError::Address)?;
        bearer.set_sensitive(true);
        let json = HeaderValue::from_static("application/json");
        let headers = HeaderMap::from_iter([(AUTHORIZATION, bearer), (CONTENT_TYPE, json)]);
        let mut http = Client::builder()
            .default_headers(headers)
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .http1_only()
            .tcp_nodelay(true)
            .pool_idle_timeout(IDLE)
            .user_agent(concat!("latchkey/", env!("CARGO_PKG_VERSION")));
        if let Some(Authority(pem)) = authority {
            let roots = Certificate::from_pem_bundle(pem).map_err(|_| CacheError::Authority)?;
            if roots.is_empty() {
                return Err(CacheError::Authority);
            }
            http = http.tls_certs_only(roots);
        }
        // What is in the bundle is looked at here at the latest.
        let http = http.build().map_err(|error| match authority {
            Some(_) => CacheError::Authority,
            None => CacheError::Unavailable(error.without_url().into()),
        })?;
        Ok(Self {
            http,
            command: at("/")?,
            pipeline: at("/pipeline")?,
            transaction: at("/multi-exec")?,
        })
    }

    /// Makes one request.
    pub(super) async fn send(&self, batch: &Batch, deadline: Instant) -> Result<Answers, Fault> {
        timeout_at(deadline, self.exchange(batch))
            .await
            .map_err(|_| Fault::Timeout)?
    }

    async fn exchange(&self, batch: &Batch) -> Result<Answers, Fault> {
        let (url, body) = match &batch.commands[..] {
            [command] => (&self.command, encode(&command.words())),
            commands => {
                let words: Vec<_> = commands.iter().map(Command::words).collect();
                let url = if batch.atomic {
                    &self.transaction
                } else {
                    &self.pipeline
                };
                (url, encode(&words))
            }
        };
        let response = self
            .http
            .post(url.clone())
            .body(body?)
            .send()
            .await
            .map_err(lost)?;
        // A command that Redis refuses is a bad request.
        let status = response.status();
        if !matches!(status, StatusCode::OK | StatusCode::BAD_REQUEST) {
            return Err(Fault::Refused(Status(status).into()));
        }
        let answer = read(response).await?;
        let answer = serde_json::from_slice(&answer).map_err(|_| Fault::Corrupt)?;
        match (status, answer, &batch.commands[..]) {
            (StatusCode::OK, Json::Array(answers), [_, _, ..]) => {
                answers.into_iter().map(decode).collect()
            }
            (StatusCode::OK, answer @ Json::Object(_), [_]) => Ok(vec![decode(answer)?]),
            (StatusCode::BAD_REQUEST, answer, commands) => match (decode(answer)?, commands) {
                (Err(refusal), [_]) => Ok(vec![Err(refusal)]),
                (Err(_), _) => Err(Fault::Refused(Status(status).into())),
                (Ok(_), _) => Err(Fault::Corrupt),
            },
            _ => Err(Fault::Corrupt),
        }
    }
}

/// The URL, if nobody on the way can read what goes there.
fn base(url: &str) -> Option<Url> {
    let url = Url::parse(url).ok()?;
    let private = match url.scheme() {
        "https" => true,
        "http" => match url.host()? {
            Host::Domain(name) => name == "localhost",
            Host::Ipv4(ip) => ip.is_loopback(),
            Host::Ipv6(ip) => ip.is_loopback(),
        },
        _ => false,
    };
    let bare = url.path() == "/"
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    (private && bare).then_some(url)
}

fn encode(words: &impl serde::Serialize) -> Result<Vec<u8>, Fault> {
    serde_json::to_vec(words).map_err(|_| Fault::Corrupt)
}

/// The answer to one command: a result or an error, and not both.
fn decode(answer: Json) -> Result<Result<Reply, Refusal>, Fault> {
    let Json::Object(mut answer) = answer else {
        return Err(Fault::Corrupt);
    };
    match (answer.remove("result"), answer.remove("error")) {
        (Some(result), None) => Reply::from_json(result).map(Ok).map_err(|_| Fault::Corrupt),
        (None, Some(Json::String(error))) => Ok(Err(Refusal::from_text(&error))),
        _ => Err(Fault::Corrupt),
    }
}

async fn read(mut response: Response) -> Result<Vec<u8>, Fault> {
    let mut answer = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(lost)? {
        if answer.len() + chunk.len() > MAX_ANSWER {
            return Err(Fault::Corrupt);
        }
        answer.extend_from_slice(&chunk);
    }
    Ok(answer)
}

/// Without the URL, which names the database.
fn lost(error: reqwest::Error) -> Fault {
    let no_connection = error.is_connect();
    let source = error.without_url().into();
    if no_connection {
        Fault::Refused(source)
    } else {
        Fault::Lost(source)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_url_is_https_or_of_the_loopback_and_bare() {
        for good in [
            "https://eu1-good-1.upstash.io",
            "https://eu1-good-1.upstash.io:8443/",
            "http://localhost:8079",
            "http://127.0.0.1:8079",
            "http://[::1]:8079/",
        ] {
            assert!(base(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "host",
            "http://eu1-good-1.upstash.io",
            "http://localhost.example.com",
            "http://10.0.0.1",
            "rediss://host",
            "https://user@host",
            "https://:hunter2@host",
            "https://host/path",
            "https://host?token=hunter2",
            "https://host#x",
        ] {
            assert!(base(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn an_answer_is_a_result_or_an_error() {
        let nil = decode(json!({"result": null})).unwrap().unwrap();
        assert_eq!(nil.optional_text().unwrap(), None);
        let refused = decode(json!({"error": "NOSCRIPT No matching script"})).unwrap();
        assert_eq!(refused, Err(Refusal::NoScript));
        for json in [
            json!({}),
            json!([]),
            json!("OK"),
            json!({"error": null}),
            json!({"error": 1}),
            json!({"result": 1, "error": "ERR"}),
            json!({"result": {"result": 1}}),
        ] {
            let decoded = decode(json.clone());
            assert!(
                matches!(decoded, Err(Fault::Corrupt)),
                "{json}: {decoded:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn reading_any_answer_never_panics(answer in any::<Vec<u8>>()) {
            if let Ok(json) = serde_json::from_slice(&answer) {
                let _ = decode(json);
            }
        }
    }
}
