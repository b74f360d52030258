//! A stand-in for SES v2, SNS and Secrets Manager, as far as this service calls them.
//!
//! The functions reach it through the real SDK clients; only the endpoint differs. What it does
//! not know it refuses as AWS refuses an unknown operation.

mod fault;
mod feedback;
mod secrets;
mod ses;
mod sns;

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::post;

use self::fault::Fault;
pub(crate) use self::feedback::{Feedback, deliver};
pub use self::secrets::SecretsError;
pub(crate) use self::secrets::{KEYS_SECRET_ID, Secrets};
use crate::inbox::Inbox;

/// What the endpoint answers from.
#[derive(Clone)]
pub(crate) struct Capture {
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) feedback: Feedback,
    pub(crate) secrets: Arc<Secrets>,
}

impl Capture {
    /// The endpoint's routes.
    pub(crate) fn router(self) -> Router {
        Router::new()
            .route("/v2/email/outbound-emails", post(send_email))
            .route("/", post(call))
            .fallback(unknown)
            .method_not_allowed_fallback(unknown)
            .with_state(self)
    }
}

async fn send_email(State(capture): State<Capture>, body: Bytes) -> Result<Response, Fault> {
    ses::send_email(&capture.inbox, &capture.feedback, &body)
        .await
        .map_err(Fault::rest)
}

/// Secrets Manager and all others of the JSON protocols name the operation in a header; SNS and
/// all others of the Query protocol send a form.
async fn call(
    State(capture): State<Capture>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Fault> {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let is_form = header(CONTENT_TYPE)
        .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    if is_form {
        return sns::call(&capture.inbox, &body).map_err(Fault::query);
    }
    let target = header(HeaderName::from_static("x-amz-target"));
    match target {
        Some("secretsmanager.GetSecretValue") => capture.secrets.get(&body),
        _ => Err(Fault::unknown_operation(target.unwrap_or("(none)"))),
    }
}

async fn unknown(method: Method, uri: Uri) -> Response {
    let fault = Fault::unknown_operation(&format!("{method} {}", uri.path())).rest();
    (StatusCode::NOT_FOUND, fault).into_response()
}

#[cfg(test)]
mod tests;
