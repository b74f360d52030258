//! Black-box tests, one module for each path, all in one binary.

mod sign_up;
