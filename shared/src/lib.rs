//! The domain crate.
pub mod clock;
pub mod domain;
pub mod random;
