//! Query strings, read with the same care as bodies.

use std::collections::BTreeMap;

use axum::extract::FromRequestParts;
use http::request::Parts;
use serde_json::Value;

use super::body::{Fields, FromFields};
use super::problem::{FieldError, Problem};

/// The query string of a request, read as a `T`. `true` and `false` are booleans, all else text.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: FromFields> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut values = BTreeMap::new();
        let query = parts.uri.query().unwrap_or_default();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let value = match &*value {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                text => Value::String(text.to_owned()),
            };
            if values.insert(name.to_string(), value).is_some() {
                return Err(Problem::validation(vec![FieldError::new(
                    name,
                    "duplicate",
                    "This parameter may come once.",
                )]));
            }
        }
        Fields::read(values).map(Self)
    }
}
