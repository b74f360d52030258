//! Who is calling: address and client as API Gateway reports them, never as headers claim.

use axum::extract::{FromRequestParts, Request};
use http::header::{ACCEPT_LANGUAGE, USER_AGENT};
use http::request::Parts;
use jiff::Timestamp;
use lambda_http::request::RequestContext;
use uuid::Builder;

use super::problem::Problem;
use crate::domain::event::{Event, EventKind};
use crate::domain::id::{EventId, UserId};
use crate::domain::locale::Locale;
use crate::domain::session::Source;
use crate::random::Random;

/// The longest user agent kept, in bytes. Real ones are shorter; longer ones are cut.
const MAX_USER_AGENT: usize = 512;

/// Who is calling. [`super::edge()`] finds it out once for each request.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Where the request came from.
    pub source: Source,
    /// The id of the request, in answers, logs and events.
    pub request_id: String,
    /// What they read best among the languages that are written here, if they say so.
    pub locale: Option<Locale>,
}

impl Caller {
    /// The caller of this request. `X-Forwarded-For` and its like are anybody's words and are
    /// not looked at.
    pub(crate) fn of(request: &Request, now: Timestamp, random: &dyn Random) -> Self {
        let (ip, id) = match request.extensions().get::<RequestContext>() {
            Some(RequestContext::ApiGatewayV2(context)) => (
                context.http.source_ip.as_deref(),
                context.request_id.as_deref(),
            ),
            _ => (None, None),
        };
        let user_agent = request
            .headers()
            .get(USER_AGENT)
            .and_then(|value| value.to_str().ok())
            .map(|text| text.chars().take(MAX_USER_AGENT).collect());
        Self {
            source: Source {
                ip: ip.and_then(|ip| ip.parse().ok()),
                user_agent,
            },
            request_id: id.map_or_else(|| fresh_id(now, random), ToOwned::to_owned),
            locale: request
                .headers()
                .get(ACCEPT_LANGUAGE)
                .and_then(|value| value.to_str().ok())
                .and_then(Locale::preferred),
        }
    }

    /// An event that this caller made happen to a user.
    pub fn event(
        &self,
        user: UserId,
        kind: EventKind,
        now: Timestamp,
        random: &dyn Random,
    ) -> Event {
        Event {
            id: EventId::new(now, random),
            user,
            at: now,
            kind,
            source: self.source.clone(),
            request_id: self.request_id.clone(),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or_else(|| Problem::internal(&NoEdge))
    }
}

/// A router was served without the edge around it.
#[derive(Debug, thiserror::Error)]
#[error("the request did not pass the edge")]
struct NoEdge;

fn fresh_id(now: Timestamp, random: &dyn Random) -> String {
    let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
    Builder::from_unix_timestamp_millis(millis, &random.bytes())
        .into_uuid()
        .to_string()
}
