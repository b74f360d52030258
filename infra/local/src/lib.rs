//! The whole service in one process, for `cargo dev` and for the tests.

mod aws;
mod calls;
mod capture;
mod clock;
mod data_dir;
mod database;
mod inbox;
mod stream;
