//! Second factors and passkeys.

mod delete_passkey;
mod disable_mfa;
mod enable_mfa;
mod list_passkeys;
mod mfa_status;
mod passkey_sign_in;
mod passkey_sign_in_options;
mod passkey_step_up_options;
mod proof;
mod recovery_codes;
mod register_passkey;
mod register_passkey_options;
mod rename_passkey;
mod trusted_devices;

use std::sync::Arc;

use axum::Router;
use axum::extract::FromRef;
use axum::middleware::from_fn_with_state;
use axum::routing::{delete, get, patch, post};
use latchkey_shared::attempts::Attempts;
use latchkey_shared::challenge::Desk;
use latchkey_shared::clock::Clock;
use latchkey_shared::gate::Gate;
use latchkey_shared::http::device_cookie::DeviceCookie;
use latchkey_shared::http::page::Site;
use latchkey_shared::http::{Authority, route_limits};
use latchkey_shared::keys::Keyring;
use latchkey_shared::plan_book::PlanBook;
use latchkey_shared::platform::{Platform, StartError};
use latchkey_shared::random::Random;
use latchkey_shared::second_factor::SecondFactors;
use latchkey_shared::store::passkeys::Passkeys;
use latchkey_shared::store::sessions::Sessions;
use latchkey_shared::store::trusted_devices::TrustedDevices;
use latchkey_shared::store::users::Users;
use latchkey_shared::stuffing::Stuffing;
use latchkey_shared::webauthn::Ceremonies;

/// What this function uses, and nothing else.
#[derive(Clone)]
pub struct State {
    users: Users,
    sessions: Sessions,
    passkeys: Passkeys,
    ceremonies: Ceremonies,
    factors: SecondFactors,
    trusted: TrustedDevices,
    desk: Desk,
    app_name: String,
    gate: Gate,
    attempts: Attempts,
    stuffing: Stuffing,
    device_cookie: DeviceCookie,
    keys: Arc<Keyring>,
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
        let keys = platform.keys.clone();
        Ok(Self {
            users: Users::open(&client, env)?,
            gate: Gate::open(platform, sessions.clone(), cache.clone(), plans.clone())?,
            sessions,
            passkeys: Passkeys::open(&client, env)?,
            ceremonies: Ceremonies::open(platform, cache.clone())?,
            factors: SecondFactors::open(platform, cache.clone())?,
            trusted: TrustedDevices::open(&client, env)?,
            desk: Desk::open(platform)?,
            app_name: Site::open(env)?.app_name,
            attempts: Attempts::open(platform)?,
            stuffing: Stuffing::new(cache.clone(), keys.clone()),
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
        .route("/api/auth/mfa", get(mfa_status::handler))
        .route("/api/auth/enable/mfa", post(enable_mfa::handler))
        .route("/api/auth/disable/mfa", post(disable_mfa::handler))
        .route(
            "/api/auth/mfa/recovery-codes",
            post(recovery_codes::handler),
        )
        .route("/api/auth/trusted-devices", get(trusted_devices::list))
        .route(
            "/api/auth/trusted-devices/{id}",
            delete(trusted_devices::forget),
        )
        .route("/api/auth/passkeys", get(list_passkeys::handler))
        .route(
            "/api/auth/passkeys/{id}",
            patch(rename_passkey::handler).delete(delete_passkey::handler),
        )
        .route(
            "/api/auth/passkeys/register/options",
            post(register_passkey_options::handler),
        )
        .route(
            "/api/auth/passkeys/register/verify",
            post(register_passkey::handler),
        )
        .route(
            "/api/auth/sign-in/passkey/options",
            post(passkey_sign_in_options::handler),
        )
        .route(
            "/api/auth/sign-in/passkey/verify",
            post(passkey_sign_in::handler),
        )
        .route(
            "/api/auth/step-up/passkey/options",
            post(passkey_step_up_options::handler),
        )
        .route_layer(from_fn_with_state(
            state.authority.limits(),
            route_limits::limit,
        ))
        .with_state(state)
}
