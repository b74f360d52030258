//! Passkeys: `/api/auth/passkeys…`, `/api/auth/sign-in/passkey/…` and the step-up by them.

mod away;
mod bodies;
mod gate;
mod list;
mod once;
mod register;
mod rejected;
mod sign_in;
mod step_up;

use latchkey_tests::{
    App, BACKED_UP, BACKUP_ELIGIBLE, Ceremony, Device, PRESENT, Person, VERIFIED,
};
use serde_json::Value;

/// Ada, and a device that she is signed in on.
async fn app_with_ada() -> (App, Person, Device) {
    let app = App::start().await;
    let ada = app.person("ada@example.com").await;
    let device = app.sign_in(&ada).await;
    (app, ada, device)
}

/// The types of what happened to somebody, newest first.
async fn events(app: &App, device: &Device) -> Vec<String> {
    let call = app.get("/api/auth/user/events").bearer(&device.access);
    let page = call.send().await.json(200);
    let events = page["events"].as_array().unwrap().iter();
    events
        .map(|event| event["type"].as_str().unwrap().to_owned())
        .collect()
}

/// Every way in which a ceremony can be wrong, with a name.
fn wrong_ceremonies() -> Vec<(&'static str, Ceremony)> {
    let good = Ceremony::default;
    let from = |origin: &str| Ceremony {
        origin: origin.to_owned(),
        ..good()
    };
    let flags = |flags| Ceremony { flags, ..good() };
    vec![
        ("another site", from("https://evil.example")),
        ("another port", from("http://localhost:3001")),
        ("another scheme", from("https://localhost:3000")),
        ("a site below", from("http://a.localhost:3000")),
        ("a longer name", from("http://localhost.evil.example:3000")),
        ("no origin", from("null")),
        (
            "a frame of another site",
            Ceremony {
                cross_origin: true,
                ..good()
            },
        ),
        (
            "another domain",
            Ceremony {
                rp_id: "evil.example".to_owned(),
                ..good()
            },
        ),
        (
            "another type",
            Ceremony {
                kind: Some("payment.get"),
                ..good()
            },
        ),
        ("nobody there", flags(0)),
        ("nobody there and yet verified", flags(VERIFIED)),
        ("nobody verified", flags(PRESENT)),
        (
            "backed up and not eligible",
            flags(PRESENT | VERIFIED | BACKED_UP),
        ),
    ]
}

/// A passkey of a cloud account.
fn synced(backed_up: bool) -> Ceremony {
    let state = if backed_up { BACKED_UP } else { 0 };
    Ceremony {
        flags: PRESENT | VERIFIED | BACKUP_ELIGIBLE | state,
        ..Ceremony::default()
    }
}

/// The text of a member.
fn text<'a>(object: &'a Value, name: &str) -> &'a str {
    object[name].as_str().unwrap()
}
