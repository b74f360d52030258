//! `GET /api/auth/verify/email?token=` — the page that a mailed link opens, with one button.
//!
//! Opening it changes nothing, because mail scanners and previews open links too; the button
//! posts the token.

use askama::Template;
use axum::extract;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, StatusCode};
use latchkey_shared::http::Problem;

use crate::State;

const CROSS_ORIGIN_OPENER_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-opener-policy");

/// The longest text that may be a token; ours have 64 characters.
const MAX_TOKEN: usize = 128;

pub(crate) async fn handler(
    extract::State(state): extract::State<State>,
    extract::RawQuery(query): extract::RawQuery,
) -> Page {
    // Mail programs add parameters of their own; what matters is whether a token is there.
    let query = query.unwrap_or_default();
    let token = url::form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "token")
        .map(|(_, value)| value.into_owned())
        .filter(|token| may_be_token(token));
    let Some(token) = token else {
        return Page::failed(&state, &Problem::code_expired());
    };
    Page::of(
        &state,
        StatusCode::OK,
        "Confirm your address",
        format!(
            "Press the button to finish signing up at {}.",
            state.settings.app_name
        ),
        Some(token),
    )
}

fn may_be_token(text: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    !text.is_empty() && text.len() <= MAX_TOKEN && text.bytes().all(known)
}

/// A page of the verification flow.
#[derive(Debug, Template)]
#[template(path = "verify_email.html")]
pub(crate) struct Page {
    status: StatusCode,
    app_name: String,
    heading: &'static str,
    text: String,
    token: Option<String>,
    front_end: Option<String>,
    /// What lets the page's own style in, and nothing that found its way into the page.
    nonce: String,
}

impl Page {
    /// The account is active.
    pub(crate) fn done(state: &State) -> Self {
        let text = "Your address is confirmed. You can close this page and sign in.";
        Self::of(state, StatusCode::OK, "Thank you", text.to_owned(), None)
    }

    /// The link was no good, or something failed.
    pub(crate) fn failed(state: &State, problem: &Problem) -> Self {
        let (heading, text) = if problem.code.status().is_server_error() {
            ("Not just now", problem.detail().to_owned())
        } else {
            (
                "This link is no longer good",
                "If you have used it before, your address is confirmed and you can sign in. \
                 Otherwise ask for another mail where you signed up."
                    .to_owned(),
            )
        };
        Self::of(state, problem.code.status(), heading, text, None)
    }

    fn of(
        state: &State,
        status: StatusCode,
        heading: &'static str,
        text: String,
        token: Option<String>,
    ) -> Self {
        Self {
            status,
            app_name: state.settings.app_name.clone(),
            heading,
            text,
            token,
            front_end: state.settings.front_end.clone(),
            nonce: format!("{:032x}", u128::from_be_bytes(state.random.bytes())),
        }
    }

    /// Nothing but the page's own style, and a form that may post here and be led on to the
    /// front end.
    fn content_security_policy(&self) -> String {
        let front_end = self.front_end.as_deref().unwrap_or_default();
        let form_action = format!("form-action 'self' {front_end}");
        format!(
            "default-src 'none'; style-src 'nonce-{}'; {}; base-uri 'none'; frame-ancestors 'none'",
            self.nonce,
            form_action.trim_end()
        )
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let html = match self.render() {
            Ok(html) => html,
            Err(error) => return Problem::internal(&error).into_response(),
        };
        let mut response = (self.status, html).into_response();
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("text/html; charset=utf-8"),
        );
        headers.insert(
            CROSS_ORIGIN_OPENER_POLICY,
            HeaderValue::from_static("same-origin"),
        );
        if let Ok(policy) = HeaderValue::from_str(&self.content_security_policy()) {
            headers.insert(CONTENT_SECURITY_POLICY, policy);
        }
        response
    }
}
