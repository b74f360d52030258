//! Request bodies: JSON objects read field by field, so that every bad field is named at once.

use std::collections::BTreeMap;
use std::fmt;

use axum::extract::{FromRequest, Request};
use http::header::CONTENT_TYPE;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::{DeserializeOwned, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::problem::{Code, FieldError, Problem};
use super::strict_json::Strict;
use crate::domain::invalid::Invalid;
use crate::domain::password::Password;
use crate::domain::password_strength::{Context, judge};

/// The largest body taken, in bytes.
pub const MAX_BODY: usize = 16 * 1024;

/// Unknown fields that are named in an answer, at most.
const MAX_UNKNOWN: usize = 20;
/// Characters of an unknown field's name that an answer repeats, at most.
const MAX_NAME: usize = 64;

/// A request that knows how to read itself from the fields of a JSON object.
pub trait FromFields: Sized {
    /// Reads the request. `None` where a field was bad; [`Fields`] has noted which.
    fn read(fields: &mut Fields) -> Option<Self>;
}

/// The body of a request, read as a `T`. Anything wrong with it is a problem that says so.
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: FromFields> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        read_json(request).await.map(Self)
    }
}

/// Reads a JSON body that may be left away.
pub async fn read_optional_json<T: FromFields + Default>(request: Request) -> Result<T, Problem> {
    let is_json = is_json(&request);
    let bytes = read_bytes(request).await?;
    if bytes.is_empty() {
        return Ok(T::default());
    }
    parse(is_json, &bytes)
}

/// Reads a JSON body.
pub async fn read_json<T: FromFields>(request: Request) -> Result<T, Problem> {
    let is_json = is_json(&request);
    let bytes = read_bytes(request).await?;
    parse(is_json, &bytes)
}

fn is_json(request: &Request) -> bool {
    content_type(request).as_deref() == Some("application/json")
}

fn parse<T: FromFields>(is_json: bool, bytes: &[u8]) -> Result<T, Problem> {
    if !is_json && !bytes.is_empty() {
        return Err(unsupported(
            "Send JSON with the content type application/json.",
        ));
    }
    let fields: RawFields = serde_json::from_slice(bytes).map_err(|error| {
        if error.is_data() {
            Problem::validation(vec![FieldError::new(
                "",
                "invalid_type",
                "The body must be a JSON object without repeated names.",
            )])
        } else {
            Problem::new(
                Code::MalformedJson,
                "The body must be one JSON object in UTF-8.",
            )
        }
    })?;
    Fields::read(fields.0)
}

/// The bytes of a body, if they are not too many.
pub async fn read_bytes(request: Request) -> Result<Vec<u8>, Problem> {
    match Limited::new(request.into_body(), MAX_BODY).collect().await {
        Ok(body) => Ok(body.to_bytes().to_vec()),
        Err(error) if error.is::<LengthLimitError>() => {
            Err(Problem::of_status(http::StatusCode::PAYLOAD_TOO_LARGE))
        }
        Err(_) => Err(Problem::new(
            Code::MalformedJson,
            "The body ended before it was whole.",
        )),
    }
}

/// The media type of a body in lower case, if it is in UTF-8 or says nothing of its charset.
pub fn content_type(request: &Request) -> Option<String> {
    let value = request.headers().get(CONTENT_TYPE)?.to_str().ok()?;
    let (media_type, parameters) = value.split_once(';').unwrap_or((value, ""));
    let charset_is_good = parameters
        .split(';')
        .filter_map(|parameter| parameter.split_once('='))
        .filter(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))
        .all(|(_, charset)| {
            charset
                .trim()
                .trim_matches('"')
                .eq_ignore_ascii_case("utf-8")
        });
    charset_is_good.then(|| media_type.trim().to_ascii_lowercase())
}

/// A content type that is not taken.
pub fn unsupported(detail: &'static str) -> Problem {
    Problem::new(Code::UnsupportedMediaType, detail)
}

/// The fields of a request that are still to be read, and what was wrong with those that were.
#[derive(Debug)]
pub struct Fields {
    values: BTreeMap<String, Value>,
    errors: Vec<FieldError>,
}

impl Fields {
    /// Reads a request from these fields; all of them must be known to it.
    pub(crate) fn read<T: FromFields>(values: BTreeMap<String, Value>) -> Result<T, Problem> {
        let mut fields = Self {
            values,
            errors: Vec::new(),
        };
        let request = T::read(&mut fields);
        // No more than a person would read: an answer must not outgrow its request.
        for name in std::mem::take(&mut fields.values)
            .into_keys()
            .take(MAX_UNKNOWN)
        {
            let name: String = name.chars().take(MAX_NAME).collect();
            fields.refuse(&name, "unknown_field", "There is no field of this name.");
        }
        match request {
            Some(request) if fields.errors.is_empty() => Ok(request),
            _ => Err(Problem::validation(fields.errors)),
        }
    }

    /// A field that must be there.
    pub fn required<T: DeserializeOwned>(&mut self, name: &str) -> Option<T> {
        match self.values.remove(name) {
            Some(value) => self.parse(name, value),
            None => {
                self.refuse(name, "required", "This field is required.");
                None
            }
        }
    }

    /// A field that may be absent or null. The outer `None` means that it was bad.
    pub fn optional<T: DeserializeOwned>(&mut self, name: &str) -> Option<Option<T>> {
        match self.values.remove(name) {
            None | Some(Value::Null) => Some(None),
            Some(value) => self.parse(name, value).map(Some),
        }
    }

    /// A field that may be absent, or null to take away what is there. The outer `None` means that
    /// it was bad, the next one that it was absent.
    pub fn clearable<T: DeserializeOwned>(&mut self, name: &str) -> Option<Option<Option<T>>> {
        match self.values.remove(name) {
            None => Some(None),
            Some(Value::Null) => Some(Some(None)),
            Some(value) => self.parse(name, value).map(|value| Some(Some(value))),
        }
    }

    /// A password to be set, which must be there and strong enough for whom `context` tells of.
    pub fn new_password(&mut self, name: &str, context: &Context) -> Option<Password> {
        let password: Password = self.required(name)?;
        match judge(&password, context) {
            Ok(()) => Some(password),
            Err(weakness) => {
                self.errors.push(FieldError::weak(name, weakness));
                None
            }
        }
    }

    /// The field's text as it came, whether it is any good or not. Reading it does not take it.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.values.get(name).and_then(Value::as_str)
    }

    /// Whether the field is there, whatever it holds.
    pub fn has(&self, name: &str) -> bool {
        self.values.get(name).is_some_and(|value| !value.is_null())
    }

    /// Whether the field was sent, be it null.
    pub fn holds(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// Takes the field away unread.
    pub fn discard(&mut self, name: &str) {
        self.values.remove(name);
    }

    /// Notes that a field is bad.
    pub fn refuse(&mut self, name: &str, code: &'static str, message: &str) {
        self.errors.push(FieldError::new(name, code, message));
    }

    /// Notes that a field's type refused its value.
    pub fn refuse_invalid(&mut self, name: &str, invalid: Invalid) {
        self.errors.push(FieldError::of(name, invalid));
    }

    fn parse<T: DeserializeOwned>(&mut self, name: &str, value: Value) -> Option<T> {
        match serde_json::from_value(value) {
            Ok(value) => Some(value),
            Err(error) => {
                match Invalid::from_serde_text(&error.to_string()) {
                    Some(invalid) => self.refuse_invalid(name, invalid),
                    None => self.refuse(
                        name,
                        "invalid_type",
                        "The value is not of the type that this field takes.",
                    ),
                }
                None
            }
        }
    }
}

/// An object's members; one that comes twice is refused, since two parsers could differ on it.
struct RawFields(BTreeMap<String, Value>);

impl<'de> Deserialize<'de> for RawFields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = RawFields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawFields, A::Error> {
                let mut values = BTreeMap::new();
                while let Some((name, Strict(value))) = map.next_entry::<String, Strict>()? {
                    if values.insert(name, value).is_some() {
                        return Err(A::Error::custom("a name comes twice"));
                    }
                }
                Ok(RawFields(values))
            }
        }
        deserializer.deserialize_map(Object)
    }
}
