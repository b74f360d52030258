//! A panic in the middle of a request, and what a function says that was given too little memory
//! (rows L3 and L4).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use latchkey_shared::clock::SystemClock;
use latchkey_shared::env::Env;
use latchkey_shared::http::edge;
use latchkey_shared::platform::{Platform, StartError};
use latchkey_shared::random::{Random, SystemEntropy};
use latchkey_tests::{App, Client, Device, NEW_PASSWORD, PASSWORD};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::tables::Tables;

/// Chance that panics at one of the times that it is asked.
#[derive(Default)]
struct Fragile {
    entropy: SystemEntropy,
    /// How often it was asked since it was told when to break.
    asked: AtomicUsize,
    breaks_at: AtomicUsize,
}

impl Fragile {
    fn break_at(&self, number: usize) {
        self.asked.store(0, Ordering::SeqCst);
        self.breaks_at.store(number, Ordering::SeqCst);
    }

    /// Whether it did.
    fn broke(&self) -> bool {
        let broke = self.asked.load(Ordering::SeqCst) >= self.breaks_at.load(Ordering::SeqCst);
        self.break_at(usize::MAX);
        broke
    }
}

impl Random for Fragile {
    fn fill(&self, buffer: &mut [u8]) {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        assert_ne!(asked, self.breaks_at.load(Ordering::SeqCst), "no chance");
        self.entropy.fill(buffer);
    }
}

fn env() -> Env {
    Env::default()
        .with("USERS_TABLE", "latchkey-users")
        .with("SESSIONS_TABLE", "latchkey-sessions")
        .with("TOKENS_TABLE", "latchkey-tokens")
        .with("ACCESS_TABLE", "latchkey-access")
        .with("EVENTS_TABLE", "latchkey-events")
        .with("KEYS_SECRET_ID", "latchkey-keys")
        .with("PUBLIC_URL", "https://id.example.com")
        .with("REDIS_URL", "memory:")
        .with("SMS_COUNTRIES", "*")
}

/// The functions that hash, on this app's tables, with this chance.
async fn serve(app: &App, random: Arc<dyn Random>) -> (Client, JoinSet<()>) {
    let clock = Arc::new(SystemClock);
    let platform = Platform::new(env(), app.stack.aws(), clock, random);
    let platform = platform.await.unwrap();
    let platform = platform.clone().with_cache(platform.cache().await.unwrap());
    let accounts = latchkey_accounts::State::open(&platform).await.unwrap();
    let sessions = latchkey_sessions::State::open(&platform).await.unwrap();
    let routes = latchkey_accounts::router(accounts)
        .merge(latchkey_sessions::router(sessions))
        .merge(panicking());
    let routes = edge(routes, &platform).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let mut server = JoinSet::new();
    server.spawn(async move { axum::serve(listener, routes).await.unwrap() });
    (Client::of(&url), server)
}

/// Panics in a handler, and in a task that it waits for. Clippy knows that there are no others.
fn panicking() -> Router {
    Router::new()
        .route("/handler", get(panic_in_the_handler))
        .route("/task", get(panic_in_its_task))
}

async fn panic_in_the_handler() -> StatusCode {
    panic!("in the handler")
}

async fn panic_in_its_task() -> StatusCode {
    let mut tasks = JoinSet::new();
    tasks.spawn(panic_in_the_handler());
    let ended = tasks.join_next().await;
    ended.expect("a task").expect("its task")
}

#[tokio::test]
async fn a_panic_anywhere_is_a_500_and_the_next_request_is_fine() {
    let app = App::start().await;
    let (client, _server) = serve(&app, Arc::new(SystemEntropy::default())).await;
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    for path in ["/handler", "/task", "/handler"] {
        let answer = client.get(path).send().await;
        let said = answer.text.clone();
        answer.problem(500, "internal_error");
        assert!(
            !said.contains("in the") && !said.contains("its task"),
            "{said}"
        );
        let next = client.post("/api/auth/sign-in", &body).send().await;
        next.problem(401, "invalid_credentials");
    }
}

/// Wherever a sign-up or a sign-in asks for chance, in the handler or in the thread that hashes.
#[tokio::test]
async fn a_request_that_panics_halfway_leaves_nothing_half_done() {
    let app = App::start().await;
    app.person("ada@example.com").await;
    let random = Arc::new(Fragile::default());
    random.break_at(usize::MAX);
    let (client, _server) = serve(&app, random.clone()).await;
    let sign_in = json!({
        "email": "ada@example.com",
        "password": PASSWORD,
        "tokenDelivery": "body",
    });
    for (path, body, status) in [
        ("/api/auth/sign-in", Some(sign_in), 200),
        ("/api/auth/sign-up", None, 202),
    ] {
        let mut broken = 0;
        for number in 1.. {
            let email = format!("person{number}@example.com");
            let body = body.clone().unwrap_or_else(
                || json!({ "name": "Ada Lovelace", "email": email, "password": NEW_PASSWORD }),
            );
            random.break_at(number);
            let answer = client.post(path, &body).send().await;
            if !random.broke() {
                answer.expect(status);
                break;
            }
            broken += 1;
            if answer.status != status {
                answer.problem(500, "internal_error");
            }
            let next = client.post(path, &body).send().await;
            let next = next.expect(status);
            if status == 200 {
                let device = Device::from(&serde_json::from_str(&next.text).unwrap());
                client.me(&device.access).await.expect(200);
            }
        }
        assert!(broken >= 3, "{path}: {broken}");
        app.stack.settle().await;
        Tables::of(&app).await.hold(path);
    }
}

#[tokio::test]
async fn a_function_whose_hashes_do_not_fit_does_not_start() {
    let app = App::start().await;
    let open = async |memory: &str, cost: &str| {
        let env = env()
            .with("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", memory)
            .with("ARGON2_MEMORY_KIB", cost);
        let clock = Arc::new(SystemClock);
        let random = Arc::new(SystemEntropy::default());
        let platform = Platform::new(env, app.stack.aws(), clock, random).await;
        latchkey_sessions::State::open(&platform.unwrap())
            .await
            .map(drop)
    };
    // What the template gives.
    open("1769", "19456").await.unwrap();
    for (memory, cost) in [("128", "19456"), ("1769", "4194304"), ("512", "1048576")] {
        let refused = open(memory, cost).await;
        assert!(
            matches!(refused, Err(StartError::PasswordHash(_))),
            "{memory} {cost}: {refused:?}"
        );
    }
}
