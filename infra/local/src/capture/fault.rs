//! Errors as AWS words them.

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// An error of an AWS service: its code and a sentence.
#[derive(Debug)]
pub(crate) struct Fault {
    status: StatusCode,
    code: &'static str,
    message: String,
    /// REST services name the code in a header, the others in the body.
    rest: bool,
}

impl Fault {
    /// The caller's fault.
    pub(crate) fn bad_request(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            code,
            message: message.into(),
            rest: false,
        }
    }

    /// The service's own fault; the SDK tries again.
    pub(crate) fn internal(error: impl std::fmt::Display) -> Self {
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            code: "InternalServiceError",
            message: error.to_string(),
            rest: false,
        }
    }

    /// A call that this stand-in doesn't know.
    pub(crate) fn unknown_operation(name: &str) -> Self {
        Self::bad_request(
            "UnknownOperationException",
            format!("the local stack does not know {name}"),
        )
    }

    /// The same in the form of REST services.
    pub(crate) fn rest(mut self) -> Self {
        self.rest = true;
        self
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let body = json!({ "__type": self.code, "message": self.message, "Message": self.message });
        let content_type = if self.rest {
            "application/json"
        } else {
            "application/x-amz-json-1.1"
        };
        let mut response = (self.status, body.to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        if self.rest {
            headers.insert("x-amzn-errortype", HeaderValue::from_static(self.code));
        }
        response
    }
}
