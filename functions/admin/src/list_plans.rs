//! `GET /api/admin/plans` and `GET /api/admin/plans/{id}` — the plans. For `plans:read`.

use std::collections::BTreeMap;

use axum::extract;
use http::StatusCode;
use latchkey_shared::domain::plan::{Every, Limits, Period, Plan, PlanId};
use latchkey_shared::domain::role::RoleName;
use latchkey_shared::http::permitted::PlansRead;
use latchkey_shared::http::{PathId, Permitted, Problem, Reply};
use serde::Serialize;

use crate::State;

/// A plan as admins see it: every limit is named, and `null` is none.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PlanView {
    id: PlanId,
    name: String,
    limits: LimitsView,
    role_limits: BTreeMap<RoleName, LimitsView>,
    period: Period,
    max_sessions: u32,
    built_in: bool,
}

type LimitsView = BTreeMap<Every, Option<u32>>;

fn view(limits: &Limits) -> LimitsView {
    let limit = |every| (every, limits.get(&every).copied());
    Every::ALL.into_iter().map(limit).collect()
}

impl From<&Plan> for PlanView {
    fn from(plan: &Plan) -> Self {
        let roles = plan.role_limits.iter();
        Self {
            id: plan.id.clone(),
            name: plan.name.clone(),
            limits: view(&plan.limits),
            role_limits: roles
                .map(|(role, limits)| (role.clone(), view(limits)))
                .collect(),
            period: plan.period,
            max_sessions: plan.max_sessions,
            built_in: plan.id.is_built_in(),
        }
    }
}

/// There are never more plans than fit one page; the cursor is there as in every list.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Plans {
    plans: Vec<PlanView>,
    next_cursor: Option<String>,
}

/// One plan.
#[derive(Debug, Serialize)]
pub(crate) struct One {
    plan: PlanView,
}

impl From<&Plan> for One {
    fn from(plan: &Plan) -> Self {
        Self { plan: plan.into() }
    }
}

pub(crate) async fn handler(
    extract::State(state): extract::State<State>,
    _: Permitted<PlansRead>,
) -> Result<Reply<Plans>, Problem> {
    let list = state.plans.list().await?;
    let response = Plans {
        plans: list.all().iter().map(PlanView::from).collect(),
        next_cursor: None,
    };
    Ok(Reply(StatusCode::OK, response))
}

pub(crate) async fn one(
    extract::State(state): extract::State<State>,
    _: Permitted<PlansRead>,
    PathId(id): PathId<PlanId>,
) -> Result<Reply<One>, Problem> {
    let list = state.plans.list().await?;
    let plan = list.get(id.as_str()).ok_or_else(Problem::not_found)?;
    Ok(Reply(StatusCode::OK, One::from(plan)))
}
