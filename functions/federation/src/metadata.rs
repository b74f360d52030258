//! `GET /.well-known/oauth-authorization-server` — where everything is (RFC 8414).

use axum::extract;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::CACHE_CONTROL;
use latchkey_shared::http::Reply;
use serde::Serialize;

use crate::State;
use crate::jwks::CACHED;

#[derive(Debug, Serialize)]
struct Metadata {
    issuer: String,
    jwks_uri: String,
    /// None as yet: the field is required, and clients get no token here by redirection.
    response_types_supported: [&'static str; 0],
    grant_types_supported: [&'static str; 0],
}

pub(crate) async fn handler(extract::State(state): extract::State<State>) -> Response {
    let metadata = Metadata {
        jwks_uri: format!("{}/.well-known/jwks.json", state.issuer),
        issuer: state.issuer,
        response_types_supported: [],
        grant_types_supported: [],
    };
    ([(CACHE_CONTROL, CACHED)], Reply(StatusCode::OK, metadata)).into_response()
}
