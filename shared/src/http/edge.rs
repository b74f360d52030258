//! The edge around every router, on Lambda and locally alike: request id, caller, limits, CORS,
//! security headers, problem bodies, and one line of log a request.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use http::header::{
    self, AUTHORIZATION, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
    HeaderName, HeaderValue, RETRY_AFTER,
};
use http::{Method, StatusCode};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{AllowOrigin, CorsLayer};
use tower_http::timeout::TimeoutLayer;
use tracing::Instrument;

use super::body::MAX_BODY;
use super::caller::Caller;
use super::cookies::allowed_origins;
use super::problem::Problem;
use super::route_limits::Told;
use crate::clock::Clock;
use crate::env::EnvError;
use crate::platform::Platform;
use crate::random::Random;

/// A request that takes longer is answered 503, well before Lambda's own limit cuts it off.
const DEADLINE: Duration = Duration::from_secs(5);

/// The id of the request, on every answer.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// What stands there on the answer to a request that got none.
const NO_REQUEST_ID: &str = "none";

/// Headers of every answer that does not set its own (OWASP REST Security; ASVS 3.4).
const DEFAULT_HEADERS: [(HeaderName, &str); 8] = [
    (
        header::STRICT_TRANSPORT_SECURITY,
        "max-age=63072000; includeSubDomains",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (CACHE_CONTROL, "no-store"),
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'",
    ),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("permissions-policy"),
        "publickey-credentials-get=(self)",
    ),
];

#[derive(Clone)]
struct Edge {
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

/// Puts the edge around a router of plain routes.
pub fn edge(router: Router, platform: &Platform) -> Result<Router, EnvError> {
    let edge = Edge {
        clock: platform.clock.clone(),
        random: platform.random.clone(),
    };
    Ok(router
        .fallback(async || Problem::not_found())
        .method_not_allowed_fallback(async || Problem::of_status(StatusCode::METHOD_NOT_ALLOWED))
        .layer(from_fn(refuse_large))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            DEADLINE,
        ))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(cors(&allowed_origins(&platform.env)?))
        .layer(from_fn_with_state(edge, finish))
        .layer(CatchPanicLayer::custom(panicked_at_the_edge)))
}

/// The outermost layer: everything that every answer has.
async fn finish(State(edge): State<Edge>, mut request: Request, next: Next) -> Response {
    let begun = edge.clock.now();
    let caller = Caller::of(&request, begun, &*edge.random);
    let request_id = caller.request_id.clone();
    let method = request.method().clone();
    // The template and never the path, which may hold anything.
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("none", MatchedPath::as_str)
        .to_owned();
    request.extensions_mut().insert(caller);
    let told = Told::of(request.extensions_mut());

    let span = tracing::info_span!("request", request.id = request_id);
    let mut response = next.run(request).instrument(span.clone()).await;

    let code = render_problem(&mut response, &request_id);
    if let Some(limits) = told.take() {
        limits.write(response.headers_mut());
    }
    set_headers(&mut response, &request_id);
    let duration = edge.clock.now().duration_since(begun).as_millis();
    let _entered = span.enter();
    tracing::info!(
        http.method = %method,
        http.route = route,
        http.status = response.status().as_u16(),
        problem.code = code,
        duration_ms = i64::try_from(duration).unwrap_or(i64::MAX),
        "request"
    );
    response
}

/// Writes the body of a problem. An error that some library answered becomes one too.
fn render_problem(response: &mut Response, request_id: &str) -> Option<&'static str> {
    let known = response.extensions_mut().remove::<Problem>();
    let is_ours = response.headers().contains_key(CONTENT_TYPE)
        && response.headers().get(CONTENT_TYPE) != Some(&HeaderValue::from_static(PLAIN_TEXT));
    let status = response.status();
    let problem = match known {
        Some(problem) => problem,
        None if (status.is_client_error() || status.is_server_error()) && !is_ours => {
            let problem = Problem::of_status(status);
            *response.status_mut() = problem.code.status();
            problem
        }
        None => return None,
    };
    let headers = response.headers_mut();
    headers.remove(CONTENT_LENGTH);
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    if problem.code.status() == StatusCode::SERVICE_UNAVAILABLE {
        headers
            .entry(RETRY_AFTER)
            .or_insert(HeaderValue::from_static("1"));
    }
    *response.body_mut() = problem.body(request_id).into();
    Some(problem.code.as_str())
}

const PLAIN_TEXT: &str = "text/plain; charset=utf-8";

fn set_headers(response: &mut Response, request_id: &str) {
    let headers = response.headers_mut();
    for (name, value) in DEFAULT_HEADERS {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    if let Ok(value) = HeaderValue::from_str(request_id) {
        headers.insert(REQUEST_ID, value);
    }
}

/// Refuses a body that says itself that it is too large, before a byte of it is read. One that
/// lies is cut off where it is read.
async fn refuse_large(request: Request, next: Next) -> Response {
    let length = request
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.parse::<u64>().ok());
    if length.is_some_and(|length| length > MAX_BODY as u64) {
        return Problem::of_status(StatusCode::PAYLOAD_TOO_LARGE).into_response();
    }
    next.run(request).await
}

/// The last resort: a panic is a 500, and the next request finds everything well.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the layer hands the panic over"
)]
fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    tracing::error!(panic = text, "a handler panicked");
    Problem::of_status(StatusCode::INTERNAL_SERVER_ERROR).into_response()
}

/// The same where the edge itself panics, as it does where there is no chance to draw an id from.
fn panicked_at_the_edge(panic: Box<dyn Any + Send>) -> Response {
    let mut response = panicked(panic);
    render_problem(&mut response, NO_REQUEST_ID);
    set_headers(&mut response, NO_REQUEST_ID);
    response
}

/// CORS for the configured origins alone, with credentials and so never for `*`.
fn cors(origins: &[String]) -> CorsLayer {
    let origins = origins
        .iter()
        .filter_map(|origin| HeaderValue::from_str(origin).ok());
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_credentials(true)
        .allow_methods([
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ])
        .allow_headers([
            AUTHORIZATION,
            CONTENT_TYPE,
            HeaderName::from_static("x-api-key"),
        ])
        .expose_headers([
            REQUEST_ID,
            RETRY_AFTER,
            HeaderName::from_static("ratelimit"),
            HeaderName::from_static("ratelimit-policy"),
        ])
        .max_age(Duration::from_mins(10))
}
