//! Sign-up, verification by code and by link.
