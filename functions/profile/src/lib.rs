//! What users do with their own account: profile, address, number, password, export, deletion.

mod address_change;
mod delete_user;
mod edit_basic;
mod edit_email;
mod edit_password;
mod edit_phone;
mod export;
mod forgot_password;
mod list_events;
mod not_me;
mod not_me_page;
mod password_change;
mod preferences;
mod reset_page;

use std::sync::Arc;

use axum::Router;
use axum::extract::FromRef;
use axum::middleware::from_fn_with_state;
use axum::routing::{delete, get, patch, post};
use latchkey_shared::attempts::Attempts;
use latchkey_shared::challenge::Desk;
use latchkey_shared::clock::Clock;
use latchkey_shared::current_password::CurrentPassword;
use latchkey_shared::denylist::Denylist;
use latchkey_shared::http::cookies::RefreshCookie;
use latchkey_shared::http::page::Site;
use latchkey_shared::http::{Authority, Limiter, SmsLimits, route_limits};
use latchkey_shared::keys::Keyring;
use latchkey_shared::new_passwords::NewPasswords;
use latchkey_shared::plan_book::PlanBook;
use latchkey_shared::platform::{Platform, StartError};
use latchkey_shared::random::Random;
use latchkey_shared::store::events::Events;
use latchkey_shared::store::lockouts::Lockouts;
use latchkey_shared::store::passkeys::Passkeys;
use latchkey_shared::store::profiles::Profiles;
use latchkey_shared::store::sessions::Sessions;
use latchkey_shared::store::trusted_devices::TrustedDevices;
use latchkey_shared::store::users::Users;

/// What this function uses, and nothing else.
#[derive(Clone)]
pub struct State {
    users: Users,
    sessions: Sessions,
    profiles: Profiles,
    events: Events,
    passkeys: Passkeys,
    trusted: TrustedDevices,
    lockouts: Lockouts,
    desk: Desk,
    limiter: Limiter,
    new_passwords: NewPasswords,
    sms_limits: SmsLimits,
    current_password: CurrentPassword,
    denylist: Denylist,
    cookie: RefreshCookie,
    keys: Arc<Keyring>,
    authority: Authority,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    site: Site,
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
        Ok(Self {
            users: Users::open(&client, env)?,
            denylist: Denylist::new(cache.clone()),
            sessions,
            profiles: Profiles::open(&client, env)?,
            events: Events::open(&client, env)?,
            passkeys: Passkeys::open(&client, env)?,
            trusted: TrustedDevices::open(&client, env)?,
            lockouts: Lockouts::open(&client, env)?,
            desk: Desk::open(platform)?,
            current_password: CurrentPassword::new(
                platform.password_hasher()?,
                Attempts::open(platform)?,
            ),
            limiter,
            new_passwords: platform.new_passwords()?,
            sms_limits: SmsLimits::open(env, cache.clone(), platform.keys.clone())?,
            cookie: RefreshCookie::open(env)?,
            keys: platform.keys.clone(),
            authority: Authority::open(platform, &client, cache, plans)?,
            clock: platform.clock.clone(),
            random: platform.random.clone(),
            site: Site::open(env)?,
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
        .route("/api/auth/edit/basic", patch(edit_basic::handler))
        .route("/api/auth/edit/email", patch(edit_email::handler))
        .route("/api/auth/edit/phone", patch(edit_phone::handler))
        .route("/api/auth/edit/password", patch(edit_password::handler))
        .route(
            "/api/auth/forgot/password",
            get(reset_page::handler).patch(forgot_password::handler),
        )
        .route("/api/auth/forgot/password/link", post(reset_page::submit))
        .route(
            "/api/auth/security/not-me",
            get(not_me_page::handler).post(not_me::handler),
        )
        .route(
            "/api/auth/preferences",
            get(preferences::show).patch(preferences::change),
        )
        .route("/api/auth/user/events", get(list_events::handler))
        .route("/api/auth/user/export", get(export::handler))
        .route("/api/auth/user", delete(delete_user::handler))
        .route_layer(from_fn_with_state(
            state.authority.limits(),
            route_limits::limit,
        ))
        .with_state(state)
}
