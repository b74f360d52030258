//! `GET` and `PATCH /api/auth/preferences` — what the user wants to be told, and in which
//! language.

use axum::extract;
use http::StatusCode;
use latchkey_shared::domain::event::EventKind;
use latchkey_shared::domain::user::Preferences;
use latchkey_shared::http::{Authenticated, Body, Caller, Fields, FromFields, Problem, Reply};
use latchkey_shared::store::profiles::PreferencesChange;
use latchkey_shared::store::transaction::CommitError;

use crate::State;

#[derive(Debug)]
pub(crate) struct Request {
    change: PreferencesChange,
    fields: Vec<String>,
}

impl FromFields for Request {
    fn read(fields: &mut Fields) -> Option<Self> {
        let names = ["notifyNewDevice", "notifyNewLocation", "locale"];
        let sent = names.into_iter().filter(|name| fields.has(name));
        let sent = sent.map(ToOwned::to_owned).collect();
        let notify_new_device = fields.optional("notifyNewDevice");
        let notify_new_location = fields.optional("notifyNewLocation");
        let locale = fields.optional("locale");
        Some(Self {
            change: PreferencesChange {
                notify_new_device: notify_new_device?,
                notify_new_location: notify_new_location?,
                locale: locale?,
            },
            fields: sent,
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
    if request.change.leaves(&user.preferences) {
        return Ok(Reply(StatusCode::OK, user.preferences));
    }
    let kind = EventKind::ProfileChanged {
        fields: request.fields,
    };
    let event = caller.event(user.id, kind, state.clock.now(), &*state.random);
    let changed = state
        .profiles
        .change_preferences(&user, &request.change, &event)
        .await;
    match changed {
        Ok(preferences) => Ok(Reply(StatusCode::OK, preferences)),
        Err(CommitError::Refused(_)) => Err(Problem::changed_meanwhile()),
        Err(CommitError::Store(error)) => Err(error.into()),
    }
}
