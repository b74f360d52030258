//! `courier` by itself, on the stack's tables: what comes of events, and what keeps mails and SMS
//! from being sent.

// For Clippy, which else takes what stands outside of a test function for production code.
#![cfg(test)]

mod events;
mod log;
mod mail;
mod sms;

use std::sync::Arc;

use aws_config::retry::RetryConfig;
use latchkey_courier::{Failure, State, Texted};
use latchkey_local::{DevClock, Endpoints, Options, Stack};
use latchkey_shared::domain::id::EventId;
use latchkey_shared::domain::phone::PhoneNumber;
use latchkey_shared::env::Env;
use latchkey_shared::platform::Platform;
use latchkey_shared::random::SystemEntropy;

const NUMBER: &str = "+46701234567";

/// Where nobody listens: a port that is never given out.
const NOWHERE: &str = "http://127.0.0.1:1";

async fn start(settings: &[(&str, &str)]) -> Stack {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Stack::start(Options {
        settings: settings.iter().map(owned).collect(),
        ..Options::default()
    })
    .await
    .unwrap()
}

/// A platform on the stack's tables, with a cache and a clock of its own.
async fn platform(stack: &Stack, settings: &[(&str, &str)]) -> (Platform, Arc<DevClock>) {
    let env = Env::default()
        .with("USERS_TABLE", "latchkey-users")
        .with("SESSIONS_TABLE", "latchkey-sessions")
        .with("TOKENS_TABLE", "latchkey-tokens")
        .with("EVENTS_TABLE", "latchkey-events")
        .with("KEYS_SECRET_ID", "latchkey-keys")
        .with("PUBLIC_URL", "https://id.example.com")
        .with("REDIS_URL", "memory:")
        .with("APP_NAME", "Latchkey")
        .with("MAIL_FROM", "no-reply@latchkey.local")
        .with("SMS_COUNTRIES", "*");
    let env = settings
        .iter()
        .fold(env, |env, (name, value)| env.with(name, *value));
    let clock = Arc::new(DevClock::open(None).unwrap());
    let random = Arc::new(SystemEntropy::default());
    let platform = Platform::new(env, stack.aws(), clock.clone(), random)
        .await
        .unwrap();
    let cache = platform.cache().await.unwrap();
    (platform.with_cache(cache), clock)
}

/// Takes SES and SNS away from a platform.
fn cut_off(platform: &mut Platform, stack: &Stack) {
    let endpoints = Endpoints {
        capture: NOWHERE.to_owned(),
        ..stack.endpoints().clone()
    };
    platform.aws = stack
        .aws()
        .into_builder()
        .service_config(endpoints)
        .retry_config(RetryConfig::disabled())
        .build();
}

/// A courier on the stack's tables, with nothing set.
async fn courier(stack: &Stack) -> State {
    State::open(&platform(stack, &[]).await.0).await.unwrap()
}

async fn text(courier: &State, text: &str) -> Result<Texted, Failure> {
    let number = PhoneNumber::parse_e164(NUMBER).unwrap();
    let event = EventId::new(jiff::Timestamp::UNIX_EPOCH, &SystemEntropy::default());
    courier.text(&number, "test", text, event).await
}
