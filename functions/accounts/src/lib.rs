//! Sign-up and verification: how an account begins.

mod generate_otp;
mod link_page;
mod resend_verification;
mod sign_up;
mod verification;
mod verify_by_code;
mod verify_by_link;
mod verify_otp;

use std::sync::Arc;

use axum::Router;
use axum::extract::FromRef;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use latchkey_shared::cache::Cache;
use latchkey_shared::challenge::Desk;
use latchkey_shared::clock::Clock;
use latchkey_shared::domain::email::EmailAddress;
use latchkey_shared::env::EnvError;
use latchkey_shared::http::page::Site;
use latchkey_shared::http::{Authority, Limiter, SmsLimits, route_limits};
use latchkey_shared::keys::Keyring;
use latchkey_shared::new_passwords::NewPasswords;
use latchkey_shared::plan_book::PlanBook;
use latchkey_shared::platform::{Platform, StartError};
use latchkey_shared::random::Random;
use latchkey_shared::store::profiles::Profiles;
use latchkey_shared::store::sign_ups::SignUps;
use latchkey_shared::store::users::Users;

/// What this function uses, and nothing else.
#[derive(Clone)]
pub struct State {
    users: Users,
    desk: Desk,
    sign_ups: SignUps,
    profiles: Profiles,
    limiter: Limiter,
    sms_limits: SmsLimits,
    new_passwords: NewPasswords,
    keys: Arc<Keyring>,
    cache: Arc<dyn Cache>,
    authority: Authority,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    settings: Arc<Settings>,
    site: Site,
}

/// The function's own settings.
#[derive(Debug)]
struct Settings {
    /// Whoever verifies this address becomes admin, while there has been none.
    first_admin: Option<EmailAddress>,
}

impl State {
    /// Opens what the function uses.
    pub async fn open(platform: &Platform) -> Result<Self, StartError> {
        let client = platform.dynamodb();
        let env = &platform.env;
        let cache = platform.cache().await?;
        let plans = PlanBook::open(platform, &client)?;
        let first_admin = env
            .optional("BOOTSTRAP_ADMIN_EMAIL")
            .map(|email| {
                EmailAddress::try_from(email.to_owned())
                    .map_err(|_| EnvError::Invalid("BOOTSTRAP_ADMIN_EMAIL".to_owned()))
            })
            .transpose()?;
        Ok(Self {
            users: Users::open(&client, env)?,
            desk: Desk::open(platform)?,
            profiles: Profiles::open(&client, env)?,
            limiter: Limiter::new(cache.clone()),
            sms_limits: SmsLimits::open(env, cache.clone(), platform.keys.clone())?,
            site: Site::open(env)?,
            sign_ups: SignUps::open(&client, env)?,
            new_passwords: platform.new_passwords()?,
            keys: platform.keys.clone(),
            authority: Authority::open(platform, &client, cache.clone(), plans)?,
            cache,
            clock: platform.clock.clone(),
            random: platform.random.clone(),
            settings: Arc::new(Settings { first_admin }),
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
        .route("/api/auth/sign-up", post(sign_up::handler))
        .route("/api/auth/sign-up/email", post(sign_up::handler))
        .route(
            "/api/auth/verify/email",
            get(link_page::handler).post(verify_by_code::handler),
        )
        .route("/api/auth/verify/email/link", post(verify_by_link::handler))
        .route(
            "/api/auth/resend/verify/email",
            post(resend_verification::handler),
        )
        .route("/api/auth/generate-otp", post(generate_otp::handler))
        .route("/api/auth/verify-otp", post(verify_otp::handler))
        .route_layer(from_fn_with_state(
            state.authority.limits(),
            route_limits::limit,
        ))
        .with_state(state)
}
