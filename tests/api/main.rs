//! Black-box tests, one module for each path, all in one binary.

// For Clippy, which else takes what stands outside of a test function for production code.
#![cfg(test)]

mod access_token;
mod admin;
mod bootstrap_admin;
mod calls;
mod code_purposes;
mod contract;
mod delete_user;
mod demo;
mod edge;
mod edit_basic;
mod edit_email;
mod edit_email_code;
mod edit_password;
mod edit_phone;
mod erasure;
mod export;
mod forged_access_token;
mod forgot_password;
mod journey;
mod lockout;
mod logout;
mod mail;
mod mass;
mod mfa;
mod not_me;
mod not_me_link;
mod otp;
mod passkeys;
mod password_policy;
mod peers;
mod plan_quota;
mod preferences;
mod refresh;
mod refresh_cookie;
mod resend;
mod route_limits;
mod sessions;
mod sign_in;
mod sign_up;
mod status;
mod step_up;
mod taken;
mod user_events;
mod verify_email;
mod verify_link;
mod well_known;
