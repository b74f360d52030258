//! The domain crate: what every function stands on.
//!
//! Arrows run one way. [`domain`] holds the rules: pure, without I/O, clock or AWS. [`store`],
//! [`cache`], [`mail`] and [`sms`] know the rules; [`gate`] and [`http`] know both; [`platform`] puts the
//! parts together. A function takes what it uses and nothing else: its state, its environment
//! variables and its IAM statements are one list.

pub mod access_token;
pub mod attempts;
pub mod breached_passwords;
pub mod cache;
pub mod challenge;
pub mod clock;
pub mod current_password;
pub mod denylist;
pub mod domain;
pub mod env;
pub mod gate;
pub mod http;
pub mod keys;
pub mod mail;
pub mod mail_budget;
pub mod new_passwords;
pub mod password_hash;
pub mod plan_book;
pub mod platform;
pub mod random;
pub mod refresh_token;
pub mod second_factor;
pub mod sms;
pub mod sms_texts;
pub mod status_mark;
pub mod store;
pub mod stuffing;
pub mod telemetry;
pub mod totp;
pub mod webauthn;
pub mod words;
