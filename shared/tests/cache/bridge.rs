//! Upstash's REST interface before a `redis-server`, as far as it is used.
//!
//! <https://upstash.com/docs/redis/features/restapi>: a command is a JSON array posted to `/`, several
//! are an array of them posted to `/pipeline` or `/multi-exec`; the token is a bearer token.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Cmd, Pipeline, RedisResult, Value};
use serde_json::{Value as Json, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::server::Server;

pub(crate) const TOKEN: &str = "AX_sASQ+gODM/5Mjd=";

pub(crate) struct Bridge {
    port: u16,
    requests: Arc<AtomicUsize>,
    _task: JoinSet<()>,
}

#[derive(Clone)]
struct Upstream {
    connection: MultiplexedConnection,
    requests: Arc<AtomicUsize>,
}

impl Bridge {
    pub(crate) async fn to(server: &Server) -> Self {
        let client = redis::Client::open(server.url()).unwrap();
        let config = AsyncConnectionConfig::new().set_response_timeout(None);
        let connection = client
            .get_multiplexed_async_connection_with_config(&config)
            .await
            .unwrap();
        let requests = Arc::new(AtomicUsize::new(0));
        let upstream = Upstream {
            connection,
            requests: requests.clone(),
        };
        let router = Router::new()
            .route("/", post(one))
            .route("/pipeline", post(pipeline))
            .route("/multi-exec", post(transaction))
            .with_state(upstream);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut task = JoinSet::new();
        task.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            port,
            requests,
            _task: task,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// How many requests there have been.
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

async fn one(State(upstream): State<Upstream>, headers: HeaderMap, body: String) -> Response {
    let command: Vec<Json> = match upstream.admit(&headers, &body) {
        Ok(command) => command,
        Err(refusal) => return *refusal,
    };
    let mut connection = upstream.connection;
    match command_of(&command)
        .query_async::<Value>(&mut connection)
        .await
    {
        Ok(value) => answer(StatusCode::OK, &json!({ "result": json_of(&value) })),
        Err(error) => answer(StatusCode::BAD_REQUEST, &json_of_error(&error)),
    }
}

async fn pipeline(State(upstream): State<Upstream>, headers: HeaderMap, body: String) -> Response {
    several(upstream, &headers, &body, Pipeline::new()).await
}

async fn transaction(
    State(upstream): State<Upstream>,
    headers: HeaderMap,
    body: String,
) -> Response {
    let mut pipeline = Pipeline::new();
    pipeline.atomic();
    several(upstream, &headers, &body, pipeline).await
}

async fn several(
    upstream: Upstream,
    headers: &HeaderMap,
    body: &str,
    mut pipeline: Pipeline,
) -> Response {
    let commands: Vec<Vec<Json>> = match upstream.admit(headers, body) {
        Ok(commands) => commands,
        Err(refusal) => return *refusal,
    };
    for command in &commands {
        pipeline.add_command(command_of(command));
    }
    pipeline.ignore_errors();
    let mut connection = upstream.connection;
    let outcome: RedisResult<Vec<RedisResult<Value>>> = pipeline.query_async(&mut connection).await;
    match outcome {
        Ok(outcomes) => {
            let answers: Vec<_> = outcomes
                .iter()
                .map(|outcome| match outcome {
                    Ok(value) => json!({ "result": json_of(value) }),
                    Err(error) => json_of_error(error),
                })
                .collect();
            answer(StatusCode::OK, &Json::from(answers))
        }
        Err(error) => answer(StatusCode::BAD_REQUEST, &json_of_error(&error)),
    }
}

impl Upstream {
    fn admit<T: serde::de::DeserializeOwned>(
        &self,
        headers: &HeaderMap,
        body: &str,
    ) -> Result<T, Box<Response>> {
        self.requests.fetch_add(1, Ordering::SeqCst);
        let bearer = headers.get(header::AUTHORIZATION);
        if bearer.is_none_or(|bearer| bearer.as_bytes() != format!("Bearer {TOKEN}").as_bytes()) {
            let error = json!({ "error": "WRONGPASS invalid or missing auth token" });
            return Err(Box::new(answer(StatusCode::UNAUTHORIZED, &error)));
        }
        serde_json::from_str(body).map_err(|_| {
            let error = json!({ "error": "ERR failed to parse command" });
            Box::new(answer(StatusCode::BAD_REQUEST, &error))
        })
    }
}

fn command_of(words: &[Json]) -> Cmd {
    let mut command = Cmd::new();
    for word in words {
        match word {
            Json::String(word) => command.arg(word),
            other => command.arg(other.to_string()),
        };
    }
    command
}

fn json_of(value: &Value) -> Json {
    match value {
        Value::Nil => Json::Null,
        Value::Int(number) => json!(number),
        Value::Okay => json!("OK"),
        Value::SimpleString(text) => json!(text),
        Value::BulkString(text) => json!(String::from_utf8_lossy(text)),
        Value::Array(items) => items.iter().map(json_of).collect(),
        other => panic!("not an answer of RESP2: {other:?}"),
    }
}

fn json_of_error(error: &redis::RedisError) -> Json {
    let code = error.code().unwrap_or("ERR");
    let detail = error.detail().unwrap_or_default();
    json!({ "error": format!("{code} {detail}") })
}

fn answer(status: StatusCode, body: &Json) -> Response {
    let json = [(header::CONTENT_TYPE, "application/json")];
    (status, json, body.to_string()).into_response()
}
