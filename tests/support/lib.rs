//! What the black-box tests speak: a fresh server each, people on it, and their devices.
//!
//! Helpers go through the API and the inbox, never through a table.

#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a helper of tests fails the test"
)]

mod answer;
mod app;
mod authenticator;
mod changes;
mod chromium;
mod codes;
mod factors;
mod faults;
mod people;
mod range_server;
mod redis;

pub use answer::{Answer, members};
pub use app::{App, Call, Client, Mail, at_once};
pub use authenticator::{BACKED_UP, BACKUP_ELIGIBLE, Ceremony, PRESENT, Passkey, VERIFIED};
pub use changes::other_code;
pub use chromium::{Chromium, Scheme};
pub use codes::{Mailed, other_than};
pub use factors::TotpApp;
pub use faults::{Fault, Faults, Frozen, Life, Rule, Seen, Template, Wire, chance};
pub use people::{Device, NEW_PASSWORD, PASSWORD, Pending, Person};
pub use range_server::{Asked, Range, RangeServer};
pub use redis::{Redis, in_ci};
