//! Pages that mailed links lead to: a few words, and a form with one button.
//!
//! Opening a page changes nothing, because mail scanners and previews open links too; its button
//! posts the link's token.

use askama::Template;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION};
use http::{HeaderName, HeaderValue, StatusCode};

use super::problem::Problem;
use crate::env::{Env, EnvError};
use crate::random::Random;

const CROSS_ORIGIN_OPENER_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-opener-policy");

/// The longest text that may be a token; ours have 64 characters.
const MAX_TOKEN: usize = 128;

/// What the pages of a deployment have in common.
#[derive(Debug, Clone)]
pub struct Site {
    /// What the app is called.
    pub app_name: String,
    /// Where a page leads when all is done.
    front_end: Option<String>,
}

/// What a page is about.
#[derive(Debug)]
pub struct Words {
    /// Its title.
    pub heading: &'static str,
    /// What it says.
    pub text: String,
}

/// The form of a page.
#[derive(Debug)]
pub struct Form {
    /// Where it is posted, a path of ours.
    pub action: &'static str,
    /// The token that goes with it.
    pub token: String,
    /// What the button says.
    pub button: &'static str,
    /// Whether it asks for a new password.
    pub asks_password: bool,
    /// What was wrong with what was posted before.
    pub complaint: Option<String>,
}

/// A page.
#[derive(Debug, Template)]
#[template(path = "page/form.html")]
pub struct Page {
    status: StatusCode,
    app_name: String,
    heading: &'static str,
    text: String,
    form: Option<Form>,
    front_end: Option<String>,
    /// What lets the page's own style in, and nothing that found its way into the page.
    nonce: String,
}

impl Site {
    /// The site that `APP_NAME` and `FRONT_END_URL` describe.
    pub fn open(env: &Env) -> Result<Self, EnvError> {
        let front_end = env
            .optional("FRONT_END_URL")
            .map(|_| env.base_url("FRONT_END_URL"))
            .transpose()?;
        Ok(Self {
            app_name: env.optional("APP_NAME").unwrap_or("Latchkey").to_owned(),
            front_end,
        })
    }

    /// A page with a form.
    pub fn ask(&self, words: Words, form: Form, random: &dyn Random) -> Page {
        let status = if form.complaint.is_some() {
            StatusCode::UNPROCESSABLE_ENTITY
        } else {
            StatusCode::OK
        };
        self.page(status, words, Some(form), random)
    }

    /// A page that says what became of it.
    pub fn tell(&self, status: StatusCode, words: Words, random: &dyn Random) -> Page {
        self.page(status, words, None, random)
    }

    /// A page that says why nothing came of it: `gone` where the link is no longer good.
    pub fn fail(&self, problem: &Problem, gone: &'static str, random: &dyn Random) -> Page {
        let words = if problem.code.status().is_client_error() {
            Words {
                heading: "This link is no longer good",
                text: gone.to_owned(),
            }
        } else {
            Words {
                heading: "Not just now",
                text: problem.detail().to_owned(),
            }
        };
        self.page(problem.code.status(), words, None, random)
    }

    /// What follows when all is done: the front end, where there is one, or a page.
    pub fn done(&self, words: Words, random: &dyn Random) -> Response {
        match &self.front_end {
            Some(front_end) => {
                (StatusCode::SEE_OTHER, [(LOCATION, front_end.clone())]).into_response()
            }
            None => self.tell(StatusCode::OK, words, random).into_response(),
        }
    }

    fn page(
        &self,
        status: StatusCode,
        words: Words,
        form: Option<Form>,
        random: &dyn Random,
    ) -> Page {
        Page {
            status,
            app_name: self.app_name.clone(),
            heading: words.heading,
            text: words.text,
            form,
            front_end: self.front_end.clone(),
            nonce: format!("{:032x}", u128::from_be_bytes(random.bytes())),
        }
    }
}

/// The token in the query of a mailed link. Mail programs add parameters of their own; what
/// matters is whether a token is there.
pub fn token_of_query(query: Option<&str>) -> Option<String> {
    url::form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .find(|(name, _)| name == "token")
        .map(|(_, value)| value.into_owned())
        .filter(|token| may_be_token(token))
}

fn may_be_token(text: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    !text.is_empty() && text.len() <= MAX_TOKEN && text.bytes().all(known)
}

/// A field of a page's form as it was posted; empty where it was not.
pub fn form_field(body: &[u8], name: &str) -> String {
    url::form_urlencoded::parse(body)
        .find(|(field, _)| field == name)
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

impl Page {
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
