//! `PUT /api/admin/users/{id}/plan` — gives a user a plan, for good or until a time. For
//! `users:write`.

use axum::extract;
use http::StatusCode;
use jiff::Timestamp;
use latchkey_shared::domain::event::EventKind;
use latchkey_shared::domain::id::UserId;
use latchkey_shared::domain::plan::{FREE_PLAN, PlanId, Subscription};
use latchkey_shared::domain::status::Status;
use latchkey_shared::http::permitted::UsersWrite;
use latchkey_shared::http::views::UserView;
use latchkey_shared::http::{
    Body, Caller, Code, FieldError, Fields, FromFields, PathId, Permitted, Problem, Reply,
};
use latchkey_shared::store::plans::Write;
use latchkey_shared::store::transaction::CommitError;
use serde::Serialize;

use crate::State;
use crate::until::{self, Until};

#[derive(Debug)]
pub(crate) struct Request {
    plan: PlanId,
    until: Option<Until>,
}

impl FromFields for Request {
    fn read(fields: &mut Fields) -> Option<Self> {
        let plan = fields.required("plan");
        let until = fields.optional("until");
        Some(Self {
            plan: plan?,
            until: until?,
        })
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Response {
    user: UserView,
    until: Option<Timestamp>,
}

pub(crate) async fn handler(
    extract::State(state): extract::State<State>,
    caller: Caller,
    admin: Permitted<UsersWrite>,
    PathId(id): PathId<UserId>,
    Body(request): Body<Request>,
) -> Result<Reply<Response>, Problem> {
    let now = state.clock.now();
    let until = match request.until {
        Some(_) if request.plan.as_str() == FREE_PLAN => {
            return Err(until::bad(
                "not_allowed",
                "What everybody falls back to has no end. Leave the field away.",
            ));
        }
        Some(until) => Some(until.after(now)?),
        None => None,
    };
    let (mut user, plans) =
        tokio::try_join!(state.user(id), async { Ok(state.plans.list().await?) })?;
    if plans.get(request.plan.as_str()).is_none() {
        return Err(unknown());
    }
    // Who has the plan already keeps the beginning of its periods.
    if user.status == Status::Pending {
        return Err(Problem::new(
            Code::Conflict,
            "The account has yet to verify its address. Then it can have another plan.",
        ));
    }
    let since = if user.plan_at(now) == request.plan.as_str() {
        user.subscribed_at(now)
    } else {
        now
    };
    let subscription = Subscription {
        since: Some(since),
        until,
    };
    let kind = EventKind::PlanChanged {
        from: user.plan_at(now).to_owned(),
        to: request.plan.clone(),
        until,
        by: Some(admin.user.id),
    };
    let event = caller.event(id, kind, now, &*state.random);
    match state
        .plans
        .give(&user, &request.plan, subscription, &event)
        .await
    {
        Ok(()) => {}
        Err(CommitError::Refused(writes)) if writes.contains(&Write::Wanted) => {
            return Err(unknown());
        }
        Err(CommitError::Refused(_)) => return Err(Problem::changed_meanwhile()),
        Err(CommitError::Store(error)) => return Err(error.into()),
    }
    request.plan.as_str().clone_into(&mut user.plan);
    user.subscription = subscription;
    let user = UserView::at(&user, now);
    Ok(Reply(StatusCode::OK, Response { user, until }))
}

fn unknown() -> Problem {
    Problem::validation(vec![FieldError::new(
        "plan",
        "unknown_plan",
        "There is no plan of this name.",
    )])
}
