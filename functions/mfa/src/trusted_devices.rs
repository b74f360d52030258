//! `GET /api/auth/trusted-devices` and `DELETE /api/auth/trusted-devices/{id}` — the devices that are
//! asked for no second factor.

use axum::extract;
use http::StatusCode;
use jiff::Timestamp;
use latchkey_shared::domain::device;
use latchkey_shared::domain::event::EventKind;
use latchkey_shared::domain::id::DeviceId;
use latchkey_shared::http::{Authenticated, Caller, Device, PathId, Problem, Reply};
use latchkey_shared::store::transaction::CommitError;
use serde::Serialize;

use crate::State;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct TrustedDevice {
    id: DeviceId,
    current: bool,
    user_agent: Option<String>,
    device: Option<String>,
    created_at: Timestamp,
    last_used_at: Option<Timestamp>,
    expires_at: Timestamp,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TrustedDevices {
    trusted_devices: Vec<TrustedDevice>,
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
    let view = |trusted: &latchkey_shared::store::trusted_devices::TrustedDevice| TrustedDevice {
        id: trusted.id,
        current: known.is_some_and(|known| known.id == trusted.id),
        device: trusted.user_agent.as_deref().and_then(device::name),
        user_agent: trusted.user_agent.clone(),
        created_at: trusted.created_at,
        last_used_at: trusted.last_used_at,
        expires_at: trusted.expires_at,
    };
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
