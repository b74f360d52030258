//! Black-box tests, one module for each path, all in one binary.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a helper of tests fails the test"
)]

mod access_token;
mod bootstrap_admin;
mod contract;
mod edge;
mod forged_access_token;
mod logout;
mod refresh;
mod refresh_cookie;
mod resend;
mod sessions;
mod sign_in;
mod sign_up;
mod verify_email;
mod verify_link;
mod well_known;
