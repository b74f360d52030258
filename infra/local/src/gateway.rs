//! What API Gateway does before a function sees a request: it says who is calling.
//!
//! The service reads the caller from the request context that Lambda hands over, so the local
//! server hands the same over, and one code path serves both.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderName, Method, header};
use axum::middleware::Next;
use axum::response::Response;
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequestContext;
use lambda_http::request::RequestContext;
use latchkey_shared::clock::Clock;
use latchkey_shared::random::Random;
use uuid::Uuid;

use crate::stream::Bell;

/// Sets the source address that API Gateway would report. Only this server knows it.
const CLIENT_IP: HeaderName = HeaderName::from_static("x-dev-client-ip");

/// What the gateway needs.
#[derive(Clone)]
pub(crate) struct Gateway {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) bell: Bell,
}

/// Adds the request context, and wakes the stream's reader after everything that may have
/// written.
pub(crate) async fn pass(
    State(gateway): State<Gateway>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    mut request: Request,
    next: Next,
) -> Response {
    let context = gateway.context(&request, peer);
    request
        .extensions_mut()
        .insert(RequestContext::ApiGatewayV2(context));
    let reads = matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    );
    let response = next.run(request).await;
    if !reads {
        gateway.bell.ring();
    }
    response
}

impl Gateway {
    fn context(&self, request: &Request, peer: SocketAddr) -> ApiGatewayV2httpRequestContext {
        let header = |name| {
            let value = request.headers().get(name)?;
            value.to_str().ok().map(ToOwned::to_owned)
        };
        let source = header(CLIENT_IP)
            .and_then(|text| text.trim().parse::<IpAddr>().ok())
            .unwrap_or(peer.ip());
        let now = self.clock.now().as_millisecond();
        let mut id = [0; 10];
        self.random.fill(&mut id);
        let id = uuid::Builder::from_unix_timestamp_millis(now.unsigned_abs(), &id).into_uuid();

        let mut context = ApiGatewayV2httpRequestContext::default();
        context.route_key = Some("$default".to_owned());
        context.stage = Some("$default".to_owned());
        context.request_id = Some(Uuid::to_string(&id));
        context.domain_name = header(header::HOST);
        context.time_epoch = now;
        context.http.method = request.method().clone();
        context.http.path = Some(request.uri().path().to_owned());
        context.http.protocol = Some("HTTP/1.1".to_owned());
        context.http.source_ip = Some(source.to_string());
        context.http.user_agent = header(header::USER_AGENT);
        context
    }
}
