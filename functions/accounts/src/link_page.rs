//! `GET /api/auth/verify/email?token=` — the page that a mailed link opens, with one button.

use axum::extract;
use latchkey_shared::http::Problem;
use latchkey_shared::http::page::{Form, Page, Words, token_of_query};

use crate::State;

/// What a link that is no longer good means here.
pub(crate) const GONE: &str = "If you have used it before, your address is confirmed and you can \
                               sign in. Otherwise ask for another mail where you signed up.";

pub(crate) async fn handler(
    extract::State(state): extract::State<State>,
    extract::RawQuery(query): extract::RawQuery,
) -> Page {
    let Some(token) = token_of_query(query.as_deref()) else {
        return state
            .site
            .fail(&Problem::code_expired(), GONE, &*state.random);
    };
    let words = Words {
        heading: "Confirm your address",
        text: format!(
            "Press the button to finish signing up at {}.",
            state.site.app_name
        ),
    };
    let form = Form {
        action: "/api/auth/verify/email/link",
        token,
        button: "Confirm",
        asks_password: false,
        complaint: None,
    };
    state.site.ask(words, form, &*state.random)
}

/// What the page says when the account is active.
pub(crate) fn confirmed() -> Words {
    Words {
        heading: "Thank you",
        text: "Your address is confirmed. You can close this page and sign in.".to_owned(),
    }
}
