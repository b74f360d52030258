//! A range API of breached passwords, over real HTTP.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// How it answers whatever it is asked.
#[derive(Debug, Clone)]
pub enum Range {
    /// With these rows, or whatever else stands here.
    Body(String),
    /// With this status and nothing else.
    Status(u16),
    /// Never.
    Silence,
}

/// What it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Path and query.
    pub path: String,
    /// The header `Add-Padding`.
    pub padding: String,
    /// The length of the body.
    pub length: usize,
}

/// Such an API on a port of its own, which ends with the test.
#[derive(Debug)]
pub struct RangeServer {
    url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    _serving: JoinSet<()>,
}

#[derive(Clone)]
struct Served {
    range: Range,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl RangeServer {
    /// Starts one that answers like this.
    pub async fn start(range: Range) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let asked = Arc::default();
        let served = Served {
            range,
            asked: Arc::clone(&asked),
        };
        let router = Router::new().fallback(answer).with_state(served);
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Self {
            url: format!("http://{address}/v3/"),
            asked,
            _serving: serving,
        }
    }

    /// Its base URL, with a path and a slash at its end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What it was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

async fn answer(State(served): State<Served>, request: Request) -> Response {
    let padding = request.headers().get("add-padding");
    let padding = padding.and_then(|value| value.to_str().ok());
    let asked = Asked {
        path: request.uri().to_string(),
        padding: padding.unwrap_or_default().to_owned(),
        length: axum::body::to_bytes(request.into_body(), usize::MAX)
            .await
            .expect("a whole body")
            .len(),
    };
    served
        .asked
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(asked);
    match served.range {
        Range::Body(body) => body.into_response(),
        Range::Status(status) => StatusCode::from_u16(status)
            .expect("a status")
            .into_response(),
        Range::Silence => std::future::pending().await,
    }
}
