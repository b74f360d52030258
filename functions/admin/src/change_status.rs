//! `PUT /api/admin/users/{id}/status` — moves an account to another status. For `users:status`.
//!
//! The tables first, in one transaction with the event; then the cache, so that access tokens end
//! at once; then `courier` does that again from the event, in case this died in between.
//!
//! The last admin can't be shut out: nobody moves their own account, only an admin moves an
//! admin's, and the transaction holds that the admin who does is active in the same moment.

use axum::extract;
use http::StatusCode;
use jiff::Timestamp;
use latchkey_shared::domain::event::EventKind;
use latchkey_shared::domain::id::{SessionId, UserId};
use latchkey_shared::domain::session::Cutoff;
use latchkey_shared::domain::status::{Move, Mover, Reason};
use latchkey_shared::domain::user::{Status, User};
use latchkey_shared::http::permitted::UsersStatus;
use latchkey_shared::http::views::UserView;
use latchkey_shared::http::{
    Body, Caller, Code, Fields, FromFields, PathId, Permitted, Problem, Reply,
};
use latchkey_shared::status_mark::StatusMark;
use latchkey_shared::store::statuses::{StatusChange, Write};
use latchkey_shared::store::transaction::CommitError;
use serde::Serialize;

use crate::State;
use crate::until::{self, Until};

#[derive(Debug)]
pub(crate) struct Request {
    status: Status,
    reason: Reason,
    until: Option<Until>,
}

impl FromFields for Request {
    fn read(fields: &mut Fields) -> Option<Self> {
        let status = fields.required("status");
        let reason = fields.required("reason");
        let until = fields.optional("until");
        Some(Self {
            status: status?,
            reason: reason?,
            until: until?,
        })
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Response {
    user: UserView,
    reason: Option<String>,
    until: Option<Timestamp>,
}

pub(crate) async fn handler(
    extract::State(state): extract::State<State>,
    caller: Caller,
    admin: Permitted<UsersStatus>,
    PathId(id): PathId<UserId>,
    Body(request): Body<Request>,
) -> Result<Reply<Response>, Problem> {
    let (user, sessions) = tokio::try_join!(state.user(id), async {
        Ok(state.sessions.of_user(id).await?)
    })?;
    let now = state.clock.now();
    let until = allowed(&admin.user, &user, &request, now)?;

    let sessions: Vec<SessionId> = sessions.iter().map(|session| session.id).collect();
    let mut moved = user.clone();
    moved.status = request.status;
    moved.status_detail =
        user.status_detail
            .next(Some(request.reason.as_str().to_owned()), until, now);
    let (ended, all_until) = if request.status.effect().ends_sessions {
        // Never back in time, however fast the clock was that ended sessions before.
        let at = user.cutoff.map_or(now, |cutoff| cutoff.at.max(now));
        moved.epoch = user.epoch + 1;
        moved.cutoff = Some(Cutoff {
            at,
            epoch: moved.epoch,
            kept: None,
        });
        (&sessions[..], Some(at))
    } else {
        (&sessions[..0], None)
    };
    let kind = EventKind::StatusChanged {
        from: user.status,
        to: moved.status,
        reason: moved.status_detail.reason.clone(),
        until,
        version: moved.status_detail.version,
        by: Some(admin.user.id),
        session_ids: ended.to_vec(),
        all_until,
    };
    let event = caller.event(id, kind, now, &*state.random);
    let change = StatusChange {
        to: moved.status,
        detail: &moved.status_detail,
        all_until,
        ended,
        actor: Some(admin.user.id),
    };
    match state.statuses.change(&user, &change, &event).await {
        Ok(()) => {}
        Err(CommitError::Refused(writes)) if writes.contains(&Write::Actor) => {
            return Err(Problem::unauthenticated(true));
        }
        Err(CommitError::Refused(_)) => return Err(Problem::changed_meanwhile()),
        Err(CommitError::Store(error)) => return Err(error.into()),
    }
    state.mark(&moved, ended).await;
    Ok(Reply(
        StatusCode::OK,
        Response {
            user: UserView::at(&moved, now),
            reason: moved.status_detail.reason,
            until,
        },
    ))
}

/// Until when the move holds, if it is one that this admin may make.
fn allowed(
    admin: &User,
    user: &User,
    request: &Request,
    now: Timestamp,
) -> Result<Option<Timestamp>, Problem> {
    if admin.id == user.id {
        return Err(Problem::new(
            Code::Forbidden,
            "Nobody changes the status of their own account. Ask another admin.",
        ));
    }
    if user.is_admin() && !admin.is_admin() {
        return Err(Problem::new(
            Code::Forbidden,
            "The status of an admin is changed by admins alone.",
        ));
    }
    let Some(found) = Move::find(user.status, request.status, Mover::Admin) else {
        return Err(Problem::new(
            Code::Conflict,
            "An account can't be moved from the status that it has to this one.",
        ));
    };
    match request.until {
        Some(_) if !found.may_end => Err(until::bad(
            "not_allowed",
            "This status has no end. Leave the field away.",
        )),
        Some(until) => until.after(now).map(Some),
        None => Ok(None),
    }
}

impl State {
    /// Tells the cache. Where it is away, that is left to `courier`, which does the same from the
    /// event.
    async fn mark(&self, user: &User, ended: &[SessionId]) {
        self.gate.deny(user.id, ended, None).await;
        if let Err(error) = StatusMark::of(user).write(&*self.cache).await {
            tracing::warn!(user.id = %user.id, %error, "the mark is left to the event stream");
        }
    }
}
