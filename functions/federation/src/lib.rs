//! What other services read of this one: its keys, its metadata and its health.
//!
//! None of it needs a store, so it stays up when DynamoDB and Redis are away.

mod health;
mod jwks;
mod metadata;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use latchkey_shared::env::EnvError;
use latchkey_shared::keys::Keyring;
use latchkey_shared::platform::Platform;

/// What this function uses, and nothing else.
#[derive(Debug, Clone)]
pub struct State {
    keys: Arc<Keyring>,
    issuer: String,
}

impl State {
    /// Opens what the function uses.
    pub fn open(platform: &Platform) -> Result<Self, EnvError> {
        Ok(Self {
            keys: platform.keys.clone(),
            issuer: platform.env.base_url("PUBLIC_URL")?,
        })
    }
}

/// The routes of this function.
pub fn router(state: State) -> Router {
    Router::new()
        .route("/.well-known/jwks.json", get(jwks::handler))
        .route(
            "/.well-known/oauth-authorization-server",
            get(metadata::handler),
        )
        .route("/api/health", get(health::handler))
        .with_state(state)
}
