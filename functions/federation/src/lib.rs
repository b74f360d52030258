//! JWKS, authorization server metadata and health.
