//! Black-box tests, one module for each path, all in one binary.

// For Clippy, which else takes what stands outside of a test function for production code.
#![cfg(test)]

mod access_token;
mod admin;
mod bootstrap_admin;
mod calls;
mod contract;
mod edge;
mod forged_access_token;
mod journey;
mod logout;
mod mail;
mod mass;
mod password_policy;
mod peers;
mod refresh;
mod refresh_cookie;
mod resend;
mod sessions;
mod sign_in;
mod sign_up;
mod status;
mod verify_email;
mod verify_link;
mod well_known;
