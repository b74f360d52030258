//! What admins do with users and plans. Every route asks for a permission of its own.

mod assign_plan;
mod change_status;
mod define_plan;
mod delete_plan;
mod list_plans;
mod unlock;
mod until;

use std::sync::Arc;

use axum::Router;
use axum::extract::FromRef;
use axum::routing::{get, post, put};
use latchkey_shared::cache::Cache;
use latchkey_shared::clock::Clock;
use latchkey_shared::domain::id::UserId;
use latchkey_shared::domain::user::User;
use latchkey_shared::gate::Gate;
use latchkey_shared::http::{Authority, Problem};
use latchkey_shared::plan_book::PlanBook;
use latchkey_shared::platform::{Platform, StartError};
use latchkey_shared::random::Random;
use latchkey_shared::store::lockouts::Lockouts;
use latchkey_shared::store::plans::Plans;
use latchkey_shared::store::sessions::Sessions;
use latchkey_shared::store::statuses::Statuses;
use latchkey_shared::store::users::Users;

/// What this function uses, and nothing else.
#[derive(Clone)]
pub struct State {
    users: Users,
    sessions: Sessions,
    statuses: Statuses,
    plans: Plans,
    lockouts: Lockouts,
    gate: Gate,
    cache: Arc<dyn Cache>,
    authority: Authority,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl State {
    /// Opens what the function uses.
    pub async fn open(platform: &Platform) -> Result<Self, StartError> {
        let client = platform.dynamodb();
        let env = &platform.env;
        let cache = platform.cache().await?;
        let plans = PlanBook::open(platform, &client)?;
        let sessions = Sessions::open(&client, env)?;
        Ok(Self {
            users: Users::open(&client, env)?,
            gate: Gate::open(platform, sessions.clone(), cache.clone(), plans.clone())?,
            sessions,
            statuses: Statuses::open(&client, env)?,
            plans: Plans::open(&client, env)?,
            lockouts: Lockouts::open(&client, env)?,
            cache: cache.clone(),
            authority: Authority::open(platform, &client, cache, plans)?,
            clock: platform.clock.clone(),
            random: platform.random.clone(),
        })
    }

    /// The user that a path names; 404 where there is none, or none any more.
    async fn user(&self, id: UserId) -> Result<User, Problem> {
        let now = self.clock.now();
        let user = self.users.get(id).await?;
        user.filter(|user| !user.has_lapsed(now))
            .ok_or_else(Problem::not_found)
    }
}

impl FromRef<State> for Authority {
    fn from_ref(state: &State) -> Self {
        state.authority.clone()
    }
}

/// The routes of this function.
pub fn router(state: State) -> Router {
    Router::new()
        .route("/api/admin/users/{id}/status", put(change_status::handler))
        .route("/api/admin/users/{id}/plan", put(assign_plan::handler))
        .route("/api/admin/users/{id}/unlock", post(unlock::handler))
        .route("/api/admin/plans", get(list_plans::handler))
        .route(
            "/api/admin/plans/{id}",
            get(list_plans::one)
                .put(define_plan::handler)
                .delete(delete_plan::handler),
        )
        .with_state(state)
}
