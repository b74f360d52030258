//! Black-box tests, one module for each path, all in one binary.

mod bootstrap_admin;
mod contract;
mod edge;
mod resend;
mod sign_up;
mod verify_email;
mod verify_link;
mod well_known;
