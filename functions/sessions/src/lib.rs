//! Sign-in and what follows from it: sessions, their tokens, and their end.

mod end_session;
mod list_sessions;
mod logout;
mod logout_all;
mod me;
mod refresh;
mod sign_in;
mod step_up;

use std::sync::Arc;

use axum::Router;
use axum::extract::FromRef;
use axum::middleware::from_fn_with_state;
use axum::routing::{delete, get, patch, post};
use latchkey_shared::attempts::Attempts;
use latchkey_shared::challenge::Desk;
use latchkey_shared::clock::Clock;
use latchkey_shared::current_password::CurrentPassword;
use latchkey_shared::gate::Gate;
use latchkey_shared::http::cookies::RefreshCookie;
use latchkey_shared::http::device_cookie::DeviceCookie;
use latchkey_shared::http::{Authority, Limiter, route_limits};
use latchkey_shared::keys::Keyring;
use latchkey_shared::password_hash::PasswordHasher;
use latchkey_shared::plan_book::PlanBook;
use latchkey_shared::platform::{Platform, StartError};
use latchkey_shared::random::Random;
use latchkey_shared::store::sessions::Sessions;
use latchkey_shared::store::tokens::Tokens;
use latchkey_shared::store::users::Users;
use latchkey_shared::stuffing::Stuffing;

/// What this function uses, and nothing else.
#[derive(Clone)]
pub struct State {
    users: Users,
    sessions: Sessions,
    gate: Gate,
    hasher: PasswordHasher,
    attempts: Attempts,
    stuffing: Stuffing,
    tokens: Tokens,
    desk: Desk,
    limiter: Limiter,
    current_password: CurrentPassword,
    keys: Arc<Keyring>,
    cookie: RefreshCookie,
    device_cookie: DeviceCookie,
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
        let limiter = Limiter::new(cache.clone());
        let hasher = platform.password_hasher()?;
        let attempts = Attempts::open(platform)?;
        let keys = platform.keys.clone();
        Ok(Self {
            users: Users::open(&client, env)?,
            gate: Gate::open(platform, sessions.clone(), cache.clone(), plans.clone())?,
            sessions,
            current_password: CurrentPassword::new(hasher.clone(), attempts.clone()),
            hasher,
            attempts,
            stuffing: Stuffing::new(cache.clone(), keys.clone()),
            tokens: Tokens::open(&client, env)?,
            desk: Desk::open(platform)?,
            limiter,
            cookie: RefreshCookie::open(env)?,
            device_cookie: DeviceCookie::open(env, keys.clone())?,
            keys,
            authority: Authority::open(platform, &client, cache, plans)?,
            clock: platform.clock.clone(),
            random: platform.random.clone(),
        })
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
        .route("/api/auth/sign-in", post(sign_in::handler))
        .route("/api/auth/sign-in/email", post(sign_in::handler))
        .route("/api/auth/step-up", post(step_up::handler))
        .route("/api/auth/user/refresh", patch(refresh::handler))
        .route("/api/auth/user/me", get(me::handler).post(me::handler))
        .route("/api/auth/user/logout", delete(logout::handler))
        .route("/api/auth/user/logout-all", delete(logout_all::handler))
        .route("/api/auth/sessions", get(list_sessions::handler))
        .route("/api/auth/sessions/{id}", delete(end_session::handler))
        .route_layer(from_fn_with_state(
            state.authority.limits(),
            route_limits::limit,
        ))
        .with_state(state)
}
