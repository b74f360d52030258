//! `GET /api/auth/trusted-devices` and `DELETE /api/auth/trusted-devices/{id}` — the devices that are
//! asked for no second factor.

use axum::extract;
use http::StatusCode;
use latchkey_shared::domain::event::EventKind;
use latchkey_shared::domain::id::DeviceId;
use latchkey_shared::http::views::TrustedDeviceView;
use latchkey_shared::http::{Authenticated, Caller, Device, PathId, Problem, Reply};
use latchkey_shared::store::transaction::CommitError;
use serde::Serialize;

use crate::State;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TrustedDevices {
    trusted_devices: Vec<TrustedDeviceView>,
    next_cursor: Option<String>,
}

pub(crate) async fn list(
    extract::State(state): extract::State<State>,
    user: Authenticated,
    from: Device,
) -> Result<Reply<TrustedDevices>, Problem> {
    let (user, _) = state.authority.load(user).await?;
    let now = state.clock.now();
    let known = state.device_cookie.known(&from, user.id, now);
    let trusted = state.trusted.of_user(&user, now).await?;
    let current = known.map(|known| known.id);
    let view = |trusted| TrustedDeviceView::seen_from(current, trusted);
    let response = TrustedDevices {
        trusted_devices: trusted.iter().map(view).collect(),
        next_cursor: None,
    };
    Ok(Reply(StatusCode::OK, response))
}

pub(crate) async fn forget(
    extract::State(state): extract::State<State>,
    caller: Caller,
    user: Authenticated,
    PathId(id): PathId<DeviceId>,
) -> Result<StatusCode, Problem> {
    let user = user.claims.sub;
    let kind = EventKind::DeviceUntrusted { device_id: id };
    let event = caller.event(user, kind, state.clock.now(), &*state.random);
    match state.trusted.forget(user, id, &event).await {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(CommitError::Refused(_)) => Err(Problem::not_found()),
        Err(CommitError::Store(error)) => Err(error.into()),
    }
}
