//! `POST /api/auth/verify/email/link` — makes an account active by the link from the mail.
//!
//! A front end sends `{token}` and gets the user. The page behind the link sends its form and
//! gets a page, or goes on to the configured front end.

use axum::extract;
use axum::response::{IntoResponse, Response};
use latchkey_shared::domain::token::Purpose;
use latchkey_shared::domain::user::User;
use latchkey_shared::http::body::{content_type, read_bytes, read_json, unsupported};
use latchkey_shared::http::page::form_field;
use latchkey_shared::http::{Caller, Fields, FromFields, Problem};
use latchkey_shared::store::sign_ups::Proof;
use latchkey_shared::store::tokens::Half;

use crate::State;
use crate::link_page;
use crate::verification::Verified;

const PURPOSE: Purpose = Purpose::VerifyEmail;

#[derive(Debug)]
struct Request {
    token: String,
}

impl FromFields for Request {
    fn read(fields: &mut Fields) -> Option<Self> {
        let token = fields.required("token");
        Some(Self { token: token? })
    }
}

pub(crate) async fn handler(
    extract::State(state): extract::State<State>,
    caller: Caller,
    request: extract::Request,
) -> Result<Response, Problem> {
    if content_type(&request).as_deref() == Some("application/x-www-form-urlencoded") {
        return by_form(&state, &caller, request).await;
    }
    let request: Request = match content_type(&request).as_deref() {
        Some("application/json") | None => read_json(request).await?,
        Some(_) => return Err(unsupported("Send JSON or the page's own form.")),
    };
    let user = state.verify_link(&request.token, &caller).await?;
    Ok(Verified::at(&user, state.clock.now()).into_response())
}

async fn by_form(
    state: &State,
    caller: &Caller,
    request: extract::Request,
) -> Result<Response, Problem> {
    let bytes = read_bytes(request).await?;
    let token = form_field(&bytes, "token");
    Ok(match state.verify_link(&token, caller).await {
        Ok(_) => state.site.done(link_page::confirmed(), &*state.random),
        Err(problem) => {
            let page = state.site.fail(&problem, link_page::GONE, &*state.random);
            page.into_response()
        }
    })
}

impl State {
    async fn verify_link(&self, link: &str, caller: &Caller) -> Result<User, Problem> {
        let now = self.clock.now();
        let token = self.desk.open_link(link, PURPOSE, now).await?;
        let user = self
            .users
            .get(token.user)
            .await?
            .filter(|user| !user.has_lapsed(now) && token.email() == Some(&user.email))
            .ok_or_else(Problem::code_expired)?;
        let proof = Proof {
            token: &token,
            half: Half::Link,
            sign_ups: if token.resent {
                Some(self.sign_ups_of(&user, now).await?)
            } else {
                None
            },
        };
        self.activate(user, &proof, caller, now).await
    }
}
