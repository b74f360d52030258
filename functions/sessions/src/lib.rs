//! Sign-in, refresh, logout, me and the list of sessions.
