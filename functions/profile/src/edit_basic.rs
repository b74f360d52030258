//! `PATCH /api/auth/edit/basic` — changes name, picture and username.
//!
//! `null` takes picture or username away. Usernames are public names, so a taken one is said to
//! be.

use axum::extract;
use http::StatusCode;
use jiff::Timestamp;
use latchkey_shared::domain::event::EventKind;
use latchkey_shared::domain::image_url::ImageUrl;
use latchkey_shared::domain::name::DisplayName;
use latchkey_shared::domain::user::User;
use latchkey_shared::domain::username::Username;
use latchkey_shared::http::views::UserView;
use latchkey_shared::http::{
    Authenticated, Body, Caller, Code, Fields, FromFields, Problem, Reply,
};
use latchkey_shared::store::profiles::{BasicChange, Write};
use latchkey_shared::store::transaction::CommitError;
use serde::Serialize;

use crate::State;

#[derive(Debug)]
pub(crate) struct Request {
    change: BasicChange,
    fields: Vec<String>,
}

impl FromFields for Request {
    fn read(fields: &mut Fields) -> Option<Self> {
        let sent = ["name", "imageUrl", "username"];
        // Nobody is without a name: null leaves it as it is.
        let sent = sent.into_iter().filter(|name| match *name {
            "name" => fields.has(name),
            name => fields.holds(name),
        });
        let sent = sent.map(ToOwned::to_owned).collect();
        let name = fields.optional::<DisplayName>("name");
        let image_url = fields.clearable::<ImageUrl>("imageUrl");
        let username = fields.clearable::<Username>("username");
        Some(Self {
            change: BasicChange {
                name: name?,
                image_url: image_url?,
                username: username?,
            },
            fields: sent,
        })
    }
}

/// A user after a change of theirs.
#[derive(Debug, Serialize)]
pub(crate) struct Changed {
    user: UserView,
}

impl Changed {
    /// The user at `now`.
    pub(crate) fn at(user: &User, now: Timestamp) -> Self {
        Self {
            user: UserView::at(user, now),
        }
    }
}

pub(crate) async fn handler(
    extract::State(state): extract::State<State>,
    caller: Caller,
    user: Authenticated,
    Body(request): Body<Request>,
) -> Result<Reply<Changed>, Problem> {
    let now = state.clock.now();
    let (mut user, _) = state.authority.load(user).await?;
    if request.fields.is_empty() {
        return Ok(Reply(StatusCode::OK, Changed::at(&user, now)));
    }
    let kind = EventKind::ProfileChanged {
        fields: request.fields,
    };
    let event = caller.event(user.id, kind, now, &*state.random);
    state
        .profiles
        .change_basics(&user, &request.change, &event, now)
        .await
        .map_err(|error| match error {
            CommitError::Refused(writes) if writes.contains(&Write::Wanted) => {
                Problem::new(Code::UsernameTaken, "Choose another username.")
            }
            CommitError::Refused(_) => Problem::changed_meanwhile(),
            CommitError::Store(error) => error.into(),
        })?;
    let BasicChange {
        name,
        image_url,
        username,
    } = request.change;
    user.name = name.unwrap_or(user.name);
    user.image_url = image_url.unwrap_or(user.image_url);
    user.username = username.unwrap_or(user.username);
    Ok(Reply(StatusCode::OK, Changed::at(&user, now)))
}
