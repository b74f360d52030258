//! `/demo`: a small front end to try the service with, and to copy from.
//!
//! Its sources are in `infra/local/demo`; what `npm run build` makes of them is kept beside them,
//! so that nobody needs Node to run it.

use std::net::Ipv4Addr;

use axum::Router;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;

const PAGE: &str = include_str!("../demo/index.html");
const STYLE: &str = include_str!("../demo/style.css");
const SCRIPT: &str = include_str!("../demo/dist/app.js");

/// The page's own files and calls, QR codes as pictures, and no text that becomes markup.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types 'none'";

const CROSS_ORIGIN_OPENER_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-opener-policy");

/// Where the page is on a server at this port: browsers bind passkeys to names, never to
/// addresses.
pub(crate) fn url(port: u16) -> String {
    format!("http://localhost:{port}/demo")
}

/// The page and its files.
pub(crate) fn router() -> Router {
    Router::new()
        .route("/demo", get(page))
        .route("/demo/style.css", get(async || file("text/css", STYLE)))
        .route(
            "/demo/app.js",
            get(async || file("text/javascript", SCRIPT)),
        )
}

async fn page(headers: HeaderMap) -> Response {
    if let Some(port) = port_at_address(&headers) {
        return Redirect::temporary(&url(port)).into_response();
    }
    let headers = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (CROSS_ORIGIN_OPENER_POLICY, "same-origin"),
    ];
    (headers, file("text/html; charset=utf-8", PAGE)).into_response()
}

fn file(content_type: &'static str, text: &'static str) -> Response {
    ([(CONTENT_TYPE, content_type)], text).into_response()
}

/// The port that was asked, where the host was named by its address.
fn port_at_address(headers: &HeaderMap) -> Option<u16> {
    let host: Authority = headers.get(HOST)?.to_str().ok()?.parse().ok()?;
    let ip: Ipv4Addr = host.host().parse().ok()?;
    host.port_u16().filter(|_| ip.is_loopback())
}
