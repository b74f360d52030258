//! Black-box tests, one module for each path, all in one binary.

// For Clippy, which else takes what stands outside of a test function for production code.
#![cfg(test)]

mod bootstrap_admin;
mod contract;
mod edge;
mod resend;
mod sign_up;
mod verify_email;
mod verify_link;
mod well_known;
