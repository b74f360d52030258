//! HTTP manners: how requests are read, how answers and errors look, and the edge around them.

pub mod account_name;
pub mod auth;
pub mod body;
pub mod caller;
pub mod cookies;
pub mod device_cookie;
pub mod edge;
pub mod limiter;
pub mod page;
pub mod path;
pub mod permitted;
pub mod phone_number;
mod plan_quota;
pub mod problem;
pub mod query;
pub mod rate_limit;
pub mod reply;
pub mod route_limits;
pub mod sms_limits;
pub mod steady;
mod strict_json;
pub mod views;

pub use self::account_name::account_name;
pub use self::auth::{Anonymous, Authenticated, Authority, Fresh};
pub use self::body::{Body, Fields, FromFields};
pub use self::caller::Caller;
pub use self::device_cookie::Device;
pub use self::edge::edge;
pub use self::limiter::Limiter;
pub use self::path::PathId;
pub use self::permitted::{Permission, Permitted};
pub use self::phone_number::phone_number;
pub use self::problem::{Code, FieldError, Problem};
pub use self::query::Query;
pub use self::rate_limit::{Limit, RateLimits};
pub use self::reply::Reply;
pub use self::route_limits::RouteLimits;
pub use self::sms_limits::SmsLimits;
pub use self::steady::{steady, steady_refusal};

use axum::Router;

/// Serves a router as a Lambda function behind API Gateway.
pub async fn serve(router: Router) -> Result<(), lambda_http::Error> {
    lambda_http::run(router).await
}
