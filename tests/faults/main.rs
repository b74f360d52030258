//! What breaks around the service, and what it does then.

// For Clippy, which else takes what stands outside of a test function for production code.
#![cfg(test)]

mod crashes;
mod sweep;
mod tables;
