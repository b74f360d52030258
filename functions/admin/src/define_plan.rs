//! `PUT /api/admin/plans/{id}` — makes a plan, or changes the one of this name. For `plans:write`.
//!
//! Who has the plan has the changed one: their limits follow within a minute, and how many sessions
//! they hold with the next sign-in.

use std::collections::BTreeMap;

use axum::extract;
use http::StatusCode;
use latchkey_shared::domain::event::EventKind;
use latchkey_shared::domain::name::DisplayName;
use latchkey_shared::domain::plan::{Every, Limits, MOST_SESSIONS, Period, Plan, PlanId};
use latchkey_shared::domain::role::RoleName;
use latchkey_shared::http::permitted::PlansWrite;
use latchkey_shared::http::{
    Body, Caller, Code, Fields, FromFields, PathId, Permitted, Problem, Reply,
};
use latchkey_shared::store::plans::MOST_PLANS;
use latchkey_shared::store::transaction::CommitError;

use crate::State;
use crate::list_plans::One;

#[derive(Debug)]
pub(crate) struct Request {
    name: DisplayName,
    limits: Limits,
    role_limits: BTreeMap<RoleName, Limits>,
    period: Period,
    max_sessions: u32,
}

impl FromFields for Request {
    fn read(fields: &mut Fields) -> Option<Self> {
        // As it was read, a plan can be written back.
        for name in ["id", "builtIn"] {
            fields.discard(name);
        }
        let name = fields.required("name");
        let limits = fields.required("limits");
        let limits = limits.and_then(|limits| read_limits(fields, "limits", limits));
        let role_limits = fields.optional::<BTreeMap<_, _>>("roleLimits");
        let role_limits =
            role_limits.and_then(|roles| read_roles(fields, roles.unwrap_or_default()));
        let period = fields.required("period");
        let max_sessions = fields.required("maxSessions");
        let max_sessions = max_sessions.filter(|most| {
            let good = (1..=MOST_SESSIONS).contains(most);
            if !good {
                let message = format!("Choose a number from 1 to {MOST_SESSIONS}.");
                fields.refuse("maxSessions", "out_of_range", &message);
            }
            good
        });
        Some(Self {
            name: name?,
            limits: limits?,
            role_limits: role_limits?,
            period: period?,
            max_sessions: max_sessions?,
        })
    }
}

/// Limits as they are sent: by the names of their spans, `null` for none.
type Sent = BTreeMap<String, Option<u64>>;

/// The most roles that one plan can name: with their limits they stay within a row.
const MOST_ROLES: usize = 8;

/// The limits of roles.
fn read_roles(
    fields: &mut Fields,
    sent: BTreeMap<RoleName, Sent>,
) -> Option<BTreeMap<RoleName, Limits>> {
    if sent.len() > MOST_ROLES {
        let message = format!("Name {MOST_ROLES} roles at most.");
        fields.refuse("roleLimits", "too_many", &message);
        return None;
    }
    // All of them are read, so that every bad one is named.
    let read: Vec<_> = sent
        .into_iter()
        .map(|(role, limits)| {
            let place = format!("roleLimits.{}", role.as_str());
            Some((role, read_limits(fields, &place, limits)?))
        })
        .collect();
    read.into_iter().collect()
}

/// The limits of one holder; each that is bad is named.
fn read_limits(fields: &mut Fields, place: &str, sent: Sent) -> Option<Limits> {
    let mut limits = Some(BTreeMap::new());
    for (name, limit) in sent {
        let field = format!("{place}.{name}");
        let every = Every::ALL.into_iter().find(|every| every.as_str() == name);
        match (every, limit) {
            (None, _) => {
                fields.refuse(
                    &field.chars().take(64).collect::<String>(),
                    "unknown_field",
                    "There is no such limit: minute, day, week, month and year are.",
                );
                limits = None;
            }
            (Some(every), Some(limit)) => match u32::try_from(limit) {
                Ok(limit @ 1..) => {
                    if let Some(limits) = &mut limits {
                        limits.insert(every, limit);
                    }
                }
                _ => {
                    let message = format!("Choose a number from 1 to {}, or null.", u32::MAX);
                    fields.refuse(&field, "out_of_range", &message);
                    limits = None;
                }
            },
            (Some(_), None) => {}
        }
    }
    limits
}

pub(crate) async fn handler(
    extract::State(state): extract::State<State>,
    caller: Caller,
    admin: Permitted<PlansWrite>,
    PathId(id): PathId<PlanId>,
    Body(request): Body<Request>,
) -> Result<Reply<One>, Problem> {
    let list = state.plans.list().await?;
    if list.get(id.as_str()).is_none() && list.all().len() >= MOST_PLANS {
        return Err(Problem::new(
            Code::Conflict,
            "There are as many plans as there can be. Delete one first.",
        ));
    }
    let plan = Plan {
        id,
        name: request.name.to_string(),
        limits: request.limits,
        role_limits: request.role_limits,
        period: request.period,
        max_sessions: request.max_sessions,
    };
    let now = state.clock.now();
    let kind = EventKind::PlanDefined {
        plan: plan.id.clone(),
    };
    let event = caller.event(admin.user.id, kind, now, &*state.random);
    match state.plans.define(&list, &plan, &event).await {
        Ok(()) => Ok(Reply(StatusCode::OK, One::from(&plan))),
        Err(CommitError::Refused(_)) => Err(changed()),
        Err(CommitError::Store(error)) => Err(error.into()),
    }
}

/// Two changes at once.
pub(crate) fn changed() -> Problem {
    Problem::new(
        Code::Conflict,
        "The plans were changed at the same moment. Look at them again, then send this again.",
    )
}
