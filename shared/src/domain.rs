//! The rules of the service, as types.
//!
//! Everything here is pure: no I/O, no clock, no AWS types. A value that exists has been checked,
//! so that no other layer checks it again.

pub mod code;
pub mod device;
pub mod email;
pub mod event;
pub mod id;
pub mod identifier;
pub mod image_url;
pub mod invalid;
pub mod locale;
pub mod lockout;
pub mod name;
pub mod network;
pub mod password;
pub mod password_strength;
pub mod phone;
pub mod plan;
pub mod role;
pub mod session;
pub mod status;
pub mod token;
pub mod user;
pub mod username;

pub use email::EmailAddress;
pub use identifier::Identifier;
pub use invalid::Invalid;
pub use locale::{Language, Locale};
pub use name::DisplayName;
pub use password::{Password, SubmittedPassword};
pub use phone::PhoneNumber;
pub use username::Username;
