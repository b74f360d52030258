//! `GET /.well-known/jwks.json` — the keys that check our access tokens (RFC 7517).

use axum::extract;
use axum::response::{IntoResponse, Response};
use http::header::CACHE_CONTROL;
use http::{HeaderValue, StatusCode};
use latchkey_shared::http::Reply;
use serde::Serialize;

use crate::State;

/// Edges and clients may keep what is public for five minutes, and for a day when we are away.
pub(crate) const CACHED: HeaderValue =
    HeaderValue::from_static("public, max-age=300, stale-if-error=86400");

#[derive(Debug, Serialize)]
struct Keys<T> {
    keys: [T; 1],
}

pub(crate) async fn handler(extract::State(state): extract::State<State>) -> Response {
    let keys = Keys {
        keys: [&state.keys.signing().jwk],
    };
    ([(CACHE_CONTROL, CACHED)], Reply(StatusCode::OK, keys)).into_response()
}
