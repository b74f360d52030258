//! `GET /api/auth/user/export` — everything that is held of the user, as JSON.

use axum::extract;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_DISPOSITION;
use http::{HeaderValue, StatusCode};
use jiff::Timestamp;
use latchkey_shared::domain::event::EventKind;
use latchkey_shared::domain::factor::Method;
use latchkey_shared::domain::id::EventId;
use latchkey_shared::domain::user::Preferences;
use latchkey_shared::http::views::{
    EventView, FormerView, PasskeyView, SessionView, TrustedDeviceView, UserView,
};
use latchkey_shared::http::{Caller, Fresh, Problem, Reply};
use serde::Serialize;

use crate::State;

/// Events in one export: with some 400 bytes each they stay well under the 6 MB that Lambda
/// answers at most. What is older is read from `GET /api/auth/user/events`.
const MAX_EVENTS: i32 = 5_000;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Export {
    exported_at: Timestamp,
    user: UserView,
    has_password: bool,
    preferences: Preferences,
    former_addresses: Vec<FormerView>,
    mfa: SecondFactorsView,
    passkeys: Vec<PasskeyView>,
    trusted_devices: Vec<TrustedDeviceView>,
    sessions: Vec<SessionView>,
    events: Vec<EventView>,
    /// Where `GET /api/auth/user/events` goes on, if there are more.
    next_cursor: Option<EventId>,
}

/// The second factors that sign-in asks for.
#[derive(Debug, Serialize)]
struct SecondFactorsView {
    methods: Vec<Method>,
    since: Option<Timestamp>,
}

pub(crate) async fn handler(
    extract::State(state): extract::State<State>,
    caller: Caller,
    user: Fresh,
) -> Result<Response, Problem> {
    let now = state.clock.now();
    let (user, current) = state.authority.load_proven(user).await?;
    let event = caller.event(user.id, EventKind::Exported, now, &*state.random);
    state.events.write(&event).await?;
    let (passkeys, trusted, sessions, page) = tokio::try_join!(
        state.passkeys.of_user(user.id),
        state.trusted.of_user(&user, now),
        state.sessions.of_user(user.id),
        state.events.page(user.id, None, MAX_EVENTS),
    )?;
    let export = Export {
        exported_at: now,
        user: UserView::at(&user, now),
        has_password: user.password_hash.is_some(),
        former_addresses: user.former.iter().map(FormerView::from).collect(),
        mfa: SecondFactorsView {
            methods: user.mfa.clone(),
            since: user.mfa_since,
        },
        trusted_devices: trusted
            .iter()
            .map(|device| TrustedDeviceView::seen_from(None, device))
            .collect(),
        passkeys: passkeys.iter().map(PasskeyView::from).collect(),
        sessions: sessions
            .iter()
            .map(|session| SessionView::seen_from(current.id, session))
            .collect(),
        events: page.events.iter().map(EventView::from).collect(),
        next_cursor: page.next,
        preferences: user.preferences,
    };
    let mut response = Reply(StatusCode::OK, export).into_response();
    response.headers_mut().insert(
        CONTENT_DISPOSITION,
        HeaderValue::from_static("attachment; filename=\"account.json\""),
    );
    Ok(response)
}
