//! `GET /api/auth/security/not-me?token=` — the page behind "that was not me", with one button.

use axum::extract;
use latchkey_shared::http::Problem;
use latchkey_shared::http::page::{Form, Page, Words, token_of_query};

use crate::State;

/// What a link that is no longer good means here.
pub(crate) const GONE: &str = "It works once, for 7 days after the change. If you can't get into \
                               your account, reset its password where you sign in.";

pub(crate) async fn handler(
    extract::State(state): extract::State<State>,
    extract::RawQuery(query): extract::RawQuery,
) -> Page {
    let Some(token) = token_of_query(query.as_deref()) else {
        let problem = Problem::code_expired();
        return state.site.fail(&problem, GONE, &*state.random);
    };
    let words = Words {
        heading: "That was not you?",
        text: format!(
            "Press the button to take the change of your account at {} back. Everybody is signed \
             out, and the next sign-in needs a new password.",
            state.site.app_name
        ),
    };
    let form = Form {
        action: "/api/auth/security/not-me",
        token,
        button: "It was not me",
        asks_password: false,
        complaint: None,
    };
    state.site.ask(words, form, &*state.random)
}

/// What the page says when the account is held.
pub(crate) fn held() -> Words {
    Words {
        heading: "Your account is safe",
        text: "The change is taken back and everybody is signed out. To sign in again, set a new \
               password: ask for it where you sign in."
            .to_owned(),
    }
}
