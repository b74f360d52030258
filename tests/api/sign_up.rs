//! `POST /api/auth/sign-up`
