//! `GET /api/auth/forgot/password?token=` — the page behind the mailed link, which asks for a new
//! password, and `POST /api/auth/forgot/password/link`, where its form goes.

use axum::extract;
use axum::response::{IntoResponse, Response};
use latchkey_shared::domain::password::Password;
use latchkey_shared::http::body::{content_type, read_bytes, unsupported};
use latchkey_shared::http::page::{Form, Page, Words, form_field, token_of_query};
use latchkey_shared::http::{Caller, Code, Problem};

use crate::State;

/// What a link that is no longer good means here.
const GONE: &str = "It works once, for 30 minutes. Ask for another where you sign in.";

pub(crate) async fn handler(
    extract::State(state): extract::State<State>,
    extract::RawQuery(query): extract::RawQuery,
) -> Page {
    match token_of_query(query.as_deref()) {
        Some(token) => state.ask_password(token, None),
        None => state.reset_failed(&Problem::code_expired()),
    }
}

pub(crate) async fn submit(
    extract::State(state): extract::State<State>,
    caller: Caller,
    request: extract::Request,
) -> Result<Response, Problem> {
    if content_type(&request).as_deref() != Some("application/x-www-form-urlencoded") {
        return Err(unsupported("Send the page's own form."));
    }
    let bytes = read_bytes(request).await?;
    let token = form_field(&bytes, "token");
    let password = match Password::try_from(form_field(&bytes, "password")) {
        Ok(password) => password,
        Err(invalid) => {
            let page = state.ask_password(token, Some(invalid.message));
            return Ok(page.into_response());
        }
    };
    Ok(
        match state.reset_by_link(&token, &password, &caller).await {
            Ok(()) => {
                let words = Words {
                    heading: "Your password is changed",
                    text: "You can close this page and sign in with the new one.".to_owned(),
                };
                state.site.done(words, &*state.random)
            }
            Err(problem) if problem.code == Code::PasswordWeak => {
                let complaint = Some(problem.detail().to_owned());
                state.ask_password(token, complaint).into_response()
            }
            Err(problem) => state.reset_failed(&problem).into_response(),
        },
    )
}

impl State {
    fn ask_password(&self, token: String, complaint: Option<String>) -> Page {
        let words = Words {
            heading: "Set a new password",
            text: format!(
                "For your account at {}. It signs you out everywhere else.",
                self.site.app_name
            ),
        };
        let form = Form {
            action: "/api/auth/forgot/password/link",
            token,
            button: "Set password",
            asks_password: true,
            complaint,
        };
        self.site.ask(words, form, &*self.random)
    }

    fn reset_failed(&self, problem: &Problem) -> Page {
        self.site.fail(problem, GONE, &*self.random)
    }
}
