//! `GET /api/auth/user/events` — what happened on the user's account, newest first.

use axum::extract;
use http::StatusCode;
use latchkey_shared::domain::id::EventId;
use latchkey_shared::http::views::EventView;
use latchkey_shared::http::{Authenticated, Fields, FromFields, Problem, Query, Reply};
use serde::Serialize;

use crate::State;

/// Events on one page.
const PAGE: i32 = 50;

#[derive(Debug)]
pub(crate) struct Request {
    cursor: Option<EventId>,
}

impl FromFields for Request {
    fn read(fields: &mut Fields) -> Option<Self> {
        let cursor = fields.optional("cursor");
        Some(Self { cursor: cursor? })
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Response {
    events: Vec<EventView>,
    next_cursor: Option<EventId>,
}

pub(crate) async fn handler(
    extract::State(state): extract::State<State>,
    user: Authenticated,
    Query(request): Query<Request>,
) -> Result<Reply<Response>, Problem> {
    // The cursor is a place in the caller's own list; another's would show nothing of theirs.
    let page = state
        .events
        .page(user.claims.sub, request.cursor, PAGE)
        .await?;
    let response = Response {
        events: page.events.iter().map(EventView::from).collect(),
        next_cursor: page.next,
    };
    Ok(Reply(StatusCode::OK, response))
}
