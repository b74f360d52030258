//! Lockout: what wrong passwords do to an account, to who tries them, and to its owner.

mod counting;
mod devices;
mod nobody;
mod races;
mod store;
mod stuffing;
mod told;

use std::sync::atomic::{AtomicU32, Ordering};

use latchkey_tests::{Answer, App, Call, Client, PASSWORD};
use serde_json::{Value, json};

const SIGN_IN: &str = "/api/auth/sign-in";
const WRONG: &str = "not the password";
/// Where strangers come from, if nothing else is said.
const STRANGER: &str = "198.51.100.7";

/// Somebody who can sign in by all that there is.
async fn app_with_ada() -> App {
    let app = App::start().await;
    let more = json!({ "username": "ada", "phoneNumber": "+46701740605" });
    app.person_with("ada@example.com", &more).await;
    app
}

fn ada() -> Value {
    json!({ "email": "ada@example.com" })
}

/// Strangers come from all over: a single one would be stopped by the limit of its source.
static STRANGERS: AtomicU32 = AtomicU32::new(0);

/// A sign-in by this name from a device that nobody knows.
fn sign_in(app: &Client, name: &Value, password: &str) -> Call {
    let mut body = name.clone();
    body["password"] = json!(password);
    let number = STRANGERS.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    let source = format!("10.{}.{}.{}", number[1], number[2], number[3]);
    app.post(SIGN_IN, &body).header("x-dev-client-ip", &source)
}

async fn fails(app: &Client, name: &Value) {
    let answer = sign_in(app, name, WRONG).send().await;
    answer.problem(401, "invalid_credentials");
}

/// Claims that it is locked, for the right password too, and for how many seconds.
async fn locked_for(app: &Client, name: &Value) -> i64 {
    let right = locked(sign_in(app, name, PASSWORD).send().await);
    let wrong = locked(sign_in(app, name, WRONG).send().await);
    assert!(right - wrong <= 1, "{right} {wrong}");
    right
}

#[track_caller]
fn locked(answer: Answer) -> i64 {
    let wait = answer.header("retry-after").map(ToOwned::to_owned);
    answer.problem(429, "account_locked");
    wait.expect("a wait").parse().expect("seconds")
}

/// A wait that began a moment ago.
#[track_caller]
fn about(wait: i64, seconds: i64) {
    assert!((seconds - 30..=seconds).contains(&wait), "{wait}");
}
