//! `DELETE /api/admin/plans/{id}` — deletes a plan that nobody has. For `plans:write`.

use axum::extract;
use http::StatusCode;
use latchkey_shared::domain::event::EventKind;
use latchkey_shared::domain::plan::PlanId;
use latchkey_shared::http::permitted::PlansWrite;
use latchkey_shared::http::{Caller, Code, PathId, Permitted, Problem};
use latchkey_shared::store::plans::Write;
use latchkey_shared::store::transaction::CommitError;

use crate::State;
use crate::define_plan::changed;

pub(crate) async fn handler(
    extract::State(state): extract::State<State>,
    caller: Caller,
    admin: Permitted<PlansWrite>,
    PathId(id): PathId<PlanId>,
) -> Result<StatusCode, Problem> {
    let list = state.plans.list().await?;
    if list.get(id.as_str()).is_none() {
        return Err(Problem::not_found());
    }
    if id.is_built_in() {
        return Err(Problem::new(
            Code::Conflict,
            "This plan is built in. It can be changed, but not deleted.",
        ));
    }
    let now = state.clock.now();
    let kind = EventKind::PlanDeleted { plan: id.clone() };
    let event = caller.event(admin.user.id, kind, now, &*state.random);
    match state.plans.delete(&list, &id, &event).await {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(CommitError::Refused(writes)) if writes.contains(&Write::List) => Err(changed()),
        Err(CommitError::Refused(_)) => Err(Problem::new(
            Code::Conflict,
            "Somebody has this plan. Give them another one first.",
        )),
        Err(CommitError::Store(error)) => Err(error.into()),
    }
}
