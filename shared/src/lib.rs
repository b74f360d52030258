//! The domain crate.
pub mod clock;
pub mod random;
