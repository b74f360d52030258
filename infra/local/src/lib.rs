//! The whole service in one process, for `cargo dev` and for the tests.
//!
//! [`Stack`] starts an embedded DynamoDB with the tables of `template.yaml`, an endpoint that
//! stands in for SES, SNS and Secrets Manager, the reader of the event stream, and every function's
//! router behind one edge on one port. All of them are reached through the real AWS clients, so
//! the code that runs here is the code that runs in Lambda; only the endpoints differ.
//!
//! Beside the service's routes there are `/dev/inbox` (what was mailed), `/dev/clock` (moves the
//! time forward), `/dev/dead-letters` (events that were given up), `/demo` (a front end to copy from)
//! and the request header `X-Dev-Client-Ip`. None of it exists in a deployed function.

mod aws;
mod cache;
mod calls;
mod capture;
mod claims;
mod clock;
mod data_dir;
mod database;
mod demo;
mod dev_routes;
mod gateway;
mod inbox;
mod server;
mod settings;
mod stack;
mod stream;

pub use self::aws::Endpoints;
pub use self::calls::{Call, CallLog, Calls};
pub use self::capture::SecretsError;
pub use self::claims::ClaimsError;
pub use self::clock::{ClockError, DevClock, MAX_ADVANCE};
pub use self::data_dir::DataDirError;
pub use self::database::{DatabaseError, TemplateError};
pub use self::inbox::{Channel, Inbox, InboxError, Message};
pub use self::settings::OVERRIDABLE;
pub use self::stack::{Detour, Options, Stack, StackError, Twin};
pub use self::stream::{DeadLetter, ProgressError};
