//! `PATCH /api/auth/user/refresh` — exchanges a refresh token for the next one and an access token.
//!
//! With the token in the cookie, or in the body; the next one goes the same way. A token one step
//! behind is forgiven for 30 seconds, any older one is theft and ends the session.

use axum::extract;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use http::header::SET_COOKIE;
use jiff::Timestamp;
use latchkey_shared::domain::event::EventKind;
use latchkey_shared::domain::session::{OldToken, Session};
use latchkey_shared::domain::user::{Status, User};
use latchkey_shared::gate::Delivery;
use latchkey_shared::http::body::read_optional_json;
use latchkey_shared::http::{Caller, Code, Fields, FromFields, Problem};
use latchkey_shared::refresh_token::RefreshToken;
use latchkey_shared::store::sessions::Rotation;
use latchkey_shared::store::transaction::CommitError;
use secrecy::SecretString;

use crate::State;

#[derive(Debug, Default)]
struct Request {
    refresh_token: Option<SecretString>,
}

impl FromFields for Request {
    fn read(fields: &mut Fields) -> Option<Self> {
        let refresh_token = fields.optional::<String>("refreshToken");
        Some(Self {
            refresh_token: refresh_token?.map(SecretString::from),
        })
    }
}

pub(crate) async fn handler(
    extract::State(state): extract::State<State>,
    caller: Caller,
    headers: HeaderMap,
    request: extract::Request,
) -> Result<Response, Problem> {
    let (method, mut extensions) = (request.method().clone(), request.extensions().clone());
    let limits = state.authority.limits();
    let request: Request = match read_optional_json(request).await {
        Ok(request) => request,
        Err(problem) => {
            limits
                .hold_refresh(&caller, None, &method, &mut extensions)
                .await?;
            return Err(problem);
        }
    };
    let (text, delivery) = match request.refresh_token {
        Some(text) => (Some(text), Delivery::Body),
        None => (state.cookie.read(&headers), Delivery::Cookie),
    };
    let token = text.and_then(|text| RefreshToken::open(&text, &state.keys));
    let session = token.as_ref().map(|token| token.session);
    limits
        .hold_refresh(&caller, session, &method, &mut extensions)
        .await?;
    if delivery == Delivery::Cookie {
        state.cookie.check_origin(&headers)?;
    }
    match state.refresh(token, &caller).await {
        Ok((user, session)) => {
            let now = state.clock.now();
            let answer = state.gate.answer(&user, &session, delivery, now)?;
            Ok(answer.into_response())
        }
        Err(problem) => Ok(state.refusal(problem, delivery)),
    }
}

impl State {
    /// The session moved on by this token, and its user.
    async fn refresh(
        &self,
        token: Option<RefreshToken>,
        caller: &Caller,
    ) -> Result<(User, Session), Problem> {
        let now = self.clock.now();
        let token = token.ok_or_else(session_expired)?;
        let (rotation, user) = tokio::try_join!(
            self.sessions.rotate(
                token.user,
                token.session,
                token.counter,
                &caller.source,
                now
            ),
            self.users.get(token.user),
        )?;
        let session = match rotation {
            Rotation::Rotated(session) => session,
            Rotation::Gone => return Err(session_expired()),
            Rotation::Stale(session) => match session.judge_old_token(token.counter, now) {
                OldToken::Lost => session,
                OldToken::Expired => return Err(session_expired()),
                OldToken::Stolen => return Err(self.end_stolen(&session, caller, now).await?),
            },
        };
        user.filter(|user| user.status == Status::Active && session.is_alive(now, user.cutoff))
            .map(|user| (user, session))
            .ok_or_else(session_expired)
    }

    /// Ends a session whose used-up token came again: somebody has a copy.
    async fn end_stolen(
        &self,
        session: &Session,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Problem, Problem> {
        let kind = EventKind::RefreshTokenReused {
            session_id: session.id,
        };
        let event = caller.event(session.user, kind, now, &*self.random);
        match self.sessions.end(session.user, session.id, &event).await {
            Ok(()) => {
                tracing::warn!(user.id = %session.user, session.id = %session.id, "session.refresh_token_reused");
                self.gate
                    .denylist
                    .deny(session.user, &[session.id], None)
                    .await;
                Ok(Problem::new(
                    Code::RefreshTokenReused,
                    "The session was ended for its safety. Sign in again.",
                ))
            }
            Err(CommitError::Refused(_)) => Ok(session_expired()),
            Err(CommitError::Store(error)) => Err(error.into()),
        }
    }

    /// A cookie that is no good is taken back, so that the browser stops sending it.
    fn refusal(&self, problem: Problem, delivery: Delivery) -> Response {
        let ended = matches!(
            problem.code,
            Code::SessionExpired | Code::RefreshTokenReused
        );
        let mut response = problem.into_response();
        if ended && delivery == Delivery::Cookie {
            response
                .headers_mut()
                .append(SET_COOKIE, self.cookie.clear());
        }
        response
    }
}

fn session_expired() -> Problem {
    Problem::new(Code::SessionExpired, "Sign in again.")
}
