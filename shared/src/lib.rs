//! The domain crate.
pub mod cache;
pub mod clock;
pub mod random;
