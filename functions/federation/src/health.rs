//! `GET /api/health` — whether the service answers at all. It asks nothing of any store.

use http::StatusCode;
use latchkey_shared::http::Reply;
use serde::Serialize;

#[derive(Debug, Serialize)]
pub(crate) struct Health {
    status: &'static str,
}

pub(crate) async fn handler() -> Reply<Health> {
    Reply(StatusCode::OK, Health { status: "ok" })
}
