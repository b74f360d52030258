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
    protocol: Protocol,
}

/// How a service words its errors.
#[derive(Debug, Clone, Copy)]
enum Protocol {
    /// The code is in the body.
    Json,
    /// The code is in a header.
    Rest,
    /// The code is in a body of XML.
    Query,
}

impl Fault {
    /// The caller's fault.
    pub(crate) fn bad_request(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            code,
            message: message.into(),
            protocol: Protocol::Json,
        }
    }

    /// The service's own fault; the SDK tries again.
    pub(crate) fn internal(error: impl std::fmt::Display) -> Self {
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            code: "InternalServiceError",
            message: error.to_string(),
            protocol: Protocol::Json,
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
        self.protocol = Protocol::Rest;
        self
    }

    /// The same in the form of services of the Query protocol.
    pub(crate) fn query(mut self) -> Self {
        self.protocol = Protocol::Query;
        self
    }

    fn body(&self) -> String {
        let Self { code, message, .. } = self;
        if let Protocol::Query = self.protocol {
            let message = message
                .replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('>', "&gt;");
            return format!(
                "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code>\
                 <Message>{message}</Message></Error><RequestId>local</RequestId></ErrorResponse>"
            );
        }
        json!({ "__type": code, "message": message, "Message": message }).to_string()
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.body()).into_response();
        let headers = response.headers_mut();
        let content_type = match self.protocol {
            Protocol::Json => "application/x-amz-json-1.1",
            Protocol::Rest => "application/json",
            Protocol::Query => "text/xml",
        };
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        if let Protocol::Rest = self.protocol {
            headers.insert("x-amzn-errortype", HeaderValue::from_static(self.code));
        }
        response
    }
}
