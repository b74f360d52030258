//! `GET` and `PATCH /api/auth/preferences` — what the user wants to be told, and in which
//! language.

use axum::extract;
use http::StatusCode;
use latchkey_shared::domain::event::EventKind;
use latchkey_shared::domain::locale::Locale;
use latchkey_shared::domain::user::Preferences;
use latchkey_shared::http::{Authenticated, Body, Caller, Fields, FromFields, Problem, Reply};
use latchkey_shared::store::transaction::CommitError;

use crate::State;

#[derive(Debug)]
pub(crate) struct Request {
    notify_new_device: Option<bool>,
    notify_new_location: Option<bool>,
    locale: Option<Locale>,
}

impl FromFields for Request {
    fn read(fields: &mut Fields) -> Option<Self> {
        let notify_new_device = fields.optional("notifyNewDevice");
        let notify_new_location = fields.optional("notifyNewLocation");
        let locale = fields.optional("locale");
        Some(Self {
            notify_new_device: notify_new_device?,
            notify_new_location: notify_new_location?,
            locale: locale?,
        })
    }
}

pub(crate) async fn show(
    extract::State(state): extract::State<State>,
    user: Authenticated,
) -> Result<Reply<Preferences>, Problem> {
    let (user, _) = state.authority.load(user).await?;
    Ok(Reply(StatusCode::OK, user.preferences))
}

pub(crate) async fn change(
    extract::State(state): extract::State<State>,
    caller: Caller,
    user: Authenticated,
    Body(request): Body<Request>,
) -> Result<Reply<Preferences>, Problem> {
    let (user, _) = state.authority.load(user).await?;
    let old = &user.preferences;
    let fields = [
        ("notifyNewDevice", request.notify_new_device.is_some()),
        ("notifyNewLocation", request.notify_new_location.is_some()),
        ("locale", request.locale.is_some()),
    ];
    let new = Preferences {
        notify_new_device: request.notify_new_device.unwrap_or(old.notify_new_device),
        notify_new_location: request
            .notify_new_location
            .unwrap_or(old.notify_new_location),
        locale: request.locale.unwrap_or_else(|| old.locale.clone()),
    };
    if new == *old {
        return Ok(Reply(StatusCode::OK, new));
    }
    let sent = fields.into_iter().filter(|(_, sent)| *sent);
    let kind = EventKind::ProfileChanged {
        fields: sent.map(|(name, _)| name.to_owned()).collect(),
    };
    let event = caller.event(user.id, kind, state.clock.now(), &*state.random);
    match state.profiles.change_preferences(&user, &new, &event).await {
        Ok(()) => Ok(Reply(StatusCode::OK, new)),
        Err(CommitError::Refused(_)) => Err(Problem::changed_meanwhile()),
        Err(CommitError::Store(error)) => Err(error.into()),
    }
}
