//! An answer, and what tests claim of it.

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, HeaderValue, SET_COOKIE};
use serde_json::Value;

/// An answer of the service, read to its end.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub text: String,
}

impl Answer {
    /// Claims the status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self
    }

    /// Claims the status, and gives the JSON body.
    #[track_caller]
    pub fn json(self, status: u16) -> Value {
        let answer = self.expect(status);
        serde_json::from_str(&answer.text).expect("a JSON body")
    }

    /// Claims a problem of this status and code, in the form that every problem has.
    #[track_caller]
    pub fn problem(self, status: u16, code: &str) -> Value {
        let answer = self.expect(status);
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json")
        );
        let body: Value = serde_json::from_str(&answer.text).expect("a JSON body");
        assert_eq!(body["code"], code, "{body}");
        assert_eq!(body["status"], status, "{body}");
        for member in ["type", "title", "detail", "requestId"] {
            assert!(body[member].is_string(), "{member} of {body}");
        }
        assert_eq!(answer.header("x-request-id"), body["requestId"].as_str());
        body
    }

    /// Claims a validation problem, and gives each bad field with its code, sorted.
    #[track_caller]
    pub fn bad_fields(self) -> Vec<(String, String)> {
        let body = self.problem(422, "validation_failed");
        let mut fields: Vec<_> = body["errors"]
            .as_array()
            .expect("a list of errors")
            .iter()
            .map(|error| {
                assert!(
                    error["message"]
                        .as_str()
                        .is_some_and(|text| !text.is_empty()),
                    "{error}"
                );
                let text = |member: &str| error[member].as_str().unwrap_or_default().to_owned();
                (text("field"), text("code"))
            })
            .collect();
        fields.sort();
        fields
    }

    /// The whole answer, without what differs between any two: ids and times. What is alike here
    /// tells a stranger nothing.
    pub fn shape(&self) -> String {
        let mut body: Value = serde_json::from_str(&self.text).expect("a JSON body");
        for member in ["tokenId", "expiresAt", "requestId"] {
            if body[member].is_string() {
                body[member] = Value::from("…");
            }
        }
        // A time may have a digit less than another, so the length may differ too.
        let individual = ["x-request-id", "date", "content-length", "retry-after"];
        let mut headers: Vec<String> = self
            .headers
            .iter()
            .map(|(name, value)| match name.as_str() {
                name if individual.contains(&name) => name.to_owned(),
                "ratelimit" => format!("ratelimit: {}", without_times(value)),
                name => format!("{name}: {value:?}"),
            })
            .collect();
        headers.sort();
        format!("{} {headers:?} {body}", self.status)
    }

    /// A header, where it is there once.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next()?.to_str().ok()?;
        values.next().is_none().then_some(value)
    }

    /// The refresh cookie that the answer sets, as name, value and attributes.
    pub fn refresh_cookie(&self) -> Option<String> {
        self.headers
            .get_all(SET_COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .find(|value| value.starts_with("__Host-refresh_token="))
            .map(ToOwned::to_owned)
    }
}

/// What a `RateLimit` says remains, without the seconds until there is more.
fn without_times(value: &HeaderValue) -> String {
    let limits = value.to_str().expect("a header in ASCII").split(", ");
    let counts = limits.map(|limit| limit.split(";t=").next().unwrap_or_default());
    counts.collect::<Vec<_>>().join(", ")
}

/// The names of an object's members, sorted.
pub fn members(object: &Value) -> Vec<&str> {
    let object = object.as_object().expect("an object");
    let mut names: Vec<&str> = object.keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}
