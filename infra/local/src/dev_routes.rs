//! `/dev/…`: the routes that exist on this server alone.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::header::{ACCEPT, CONTENT_SECURITY_POLICY};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use dynoxide::Database;
use jiff::Timestamp;
use latchkey_shared::clock::Clock;
use latchkey_shared::http::{Body, FieldError, Fields, FromFields, PathId, Problem, Reply};
use latchkey_shared::random::Random;
use serde::Serialize;
use tokio::time::timeout;
use uuid::Uuid;

use crate::clock::{ClockError, DevClock};
use crate::inbox::page::{MAIL_POLICY, Page};
use crate::inbox::{Inbox, Message};
use crate::stream::{Bell, DeadLetter, Progress};

/// How long the inbox waits for mail that is on its way: less than the five seconds that the edge
/// gives a request.
const MAIL_PATIENCE: Duration = Duration::from_secs(4);

/// What the routes use.
#[derive(Clone)]
pub(crate) struct DevRoutes {
    pub(crate) app_name: Arc<str>,
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) clock: Arc<DevClock>,
    pub(crate) progress: Arc<Progress>,
    pub(crate) bell: Bell,
    pub(crate) database: Database,
    pub(crate) janitor: latchkey_janitor::State,
    pub(crate) random: Arc<dyn Random>,
}

impl DevRoutes {
    /// The routes.
    pub(crate) fn router(self) -> Router {
        Router::new()
            .route("/dev/inbox", get(read_inbox).delete(empty_inbox))
            .route("/dev/inbox/{id}", get(read_message))
            .route("/dev/clock", get(read_clock).post(advance_clock))
            .route("/dev/dead-letters", get(read_dead_letters))
            .with_state(self)
    }

    /// Waits for the mail of whatever was answered before this request.
    async fn catch_up(&self) {
        if timeout(MAIL_PATIENCE, self.bell.settle()).await.is_err() {
            tracing::warn!("the inbox is shown although some events are still being tried");
        }
    }
}

#[derive(Serialize)]
struct Messages {
    messages: Vec<Message>,
}

async fn read_inbox(State(dev): State<DevRoutes>, headers: HeaderMap) -> Result<Response, Problem> {
    dev.catch_up().await;
    let messages = dev.inbox.messages();
    let wants_json = headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.contains("application/json"));
    if wants_json {
        return Ok(Reply(StatusCode::OK, Messages { messages }).into_response());
    }
    let mut nonce = [0; 16];
    dev.random.fill(&mut nonce);
    let nonce = format!("{:032x}", u128::from_be_bytes(nonce));
    let page = Page::new(&dev.app_name, &nonce, messages)
        .render()
        .map_err(|error| Problem::internal(&error))?;
    let policy = Page::content_security_policy(&nonce);
    Ok(([(CONTENT_SECURITY_POLICY, policy)], Html(page)).into_response())
}

/// The HTML part of a mail as its reader sees it, or the text where there is no other.
async fn read_message(
    State(dev): State<DevRoutes>,
    PathId(id): PathId<Uuid>,
) -> Result<Response, Problem> {
    let messages = dev.inbox.messages().into_iter();
    let Some(message) = messages.rev().find(|message| message.id == id) else {
        return Err(Problem::not_found());
    };
    let policy = [(CONTENT_SECURITY_POLICY, MAIL_POLICY)];
    Ok(match message.html {
        Some(html) => (policy, Html(html)).into_response(),
        None => (policy, message.text).into_response(),
    })
}

async fn empty_inbox(State(dev): State<DevRoutes>) -> Result<StatusCode, Problem> {
    dev.catch_up().await;
    dev.inbox
        .empty()
        .map_err(|error| Problem::internal(&error))?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Serialize)]
struct Now {
    now: Timestamp,
}

async fn read_clock(State(dev): State<DevRoutes>) -> Reply<Now> {
    let now = dev.clock.now();
    Reply(StatusCode::OK, Now { now })
}

struct Advance {
    seconds: i64,
}

impl FromFields for Advance {
    fn read(fields: &mut Fields) -> Option<Self> {
        let seconds = fields.required("advance");
        Some(Self { seconds: seconds? })
    }
}

async fn advance_clock(
    State(dev): State<DevRoutes>,
    Body(request): Body<Advance>,
) -> Result<Reply<Now>, Problem> {
    let now = dev.clock.advance(request.seconds).map_err(|error| {
        if matches!(error, ClockError::OutOfRange) {
            let message = format!("The {error}.");
            Problem::validation(vec![FieldError::new("advance", "out_of_range", message)])
        } else {
            Problem::internal(&error)
        }
    })?;
    clean(&dev.janitor).await;
    sweep(dev.database).await;
    Ok(Reply(StatusCode::OK, Now { now }))
}

/// Does what is due by the clock, as the schedule has it done every few minutes.
pub(crate) async fn clean(janitor: &latchkey_janitor::State) {
    // Each step that failed has been logged, and comes again with the next run.
    let _ = janitor.clean("dev").await;
}

/// Deletes the rows whose time has come. Nothing depends on it.
pub(crate) async fn sweep(database: Database) {
    match tokio::task::spawn_blocking(move || database.sweep_ttl()).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => tracing::warn!(%error, "expired rows could not be swept"),
        Err(error) => tracing::warn!(%error, "the sweep of expired rows died"),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DeadLetters {
    dead_letters: Vec<DeadLetter>,
}

async fn read_dead_letters(State(dev): State<DevRoutes>) -> Reply<DeadLetters> {
    let dead_letters = dev.progress.dead_letters();
    Reply(StatusCode::OK, DeadLetters { dead_letters })
}
