//! The stack: everything that the functions run on, and the functions themselves, on one port.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::serve::ListenerExt;
use jiff::SignedDuration;
use latchkey_shared::clock::Clock;
use latchkey_shared::env::{Env, EnvError};
use latchkey_shared::http::edge;
use latchkey_shared::platform::{Platform, StartError, timeouts};
use latchkey_shared::random::{Random, SystemEntropy};
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::aws::Endpoints;
use crate::cache::WatchedCache;
use crate::calls::CallLog;
use crate::capture::{Capture, Feedback, Secrets, SecretsError, deliver};
use crate::claims::{self, ClaimsError};
use crate::clock::{ClockError, DevClock, SkewedClock};
use crate::data_dir::{DataDir, DataDirError};
use crate::database::{self, DatabaseError, TableDefinition};
use crate::demo;
use crate::dev_routes::{self, DevRoutes};
use crate::gateway::{self, Gateway};
use crate::inbox::{Inbox, InboxError};
use crate::server::{Server, listen};
use crate::settings::Settings;
use crate::stream::{Bell, DeadLetter, Handler, Progress, ProgressError, Reader};

/// Where the port is kept that was listened on last.
const PORT_FILE: &str = "port";

const DATABASE_FILE: &str = "database.sqlite";

/// How often the janitor comes and expired rows are swept while the clock goes at its own pace;
/// after each move of it that is done at once.
const CLEANING_INTERVAL: Duration = Duration::from_mins(1);

/// Why the stack did not start.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// The port is taken or not to be had.
    #[error("port {0} of 127.0.0.1 can't be listened on")]
    Listen(u16, #[source] io::Error),
    /// The data directory can't be used.
    #[error(transparent)]
    Data(#[from] DataDirError),
    /// The clock's offset can't be read.
    #[error(transparent)]
    Clock(#[from] ClockError),
    /// The keys can't be read or kept.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// The kept mail can't be read.
    #[error(transparent)]
    Inbox(#[from] InboxError),
    /// The stream's progress can't be read.
    #[error(transparent)]
    Progress(#[from] ProgressError),
    /// There is no database.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// Claims of an earlier process could not be released.
    #[error(transparent)]
    Claims(#[from] ClaimsError),
    /// A function did not start.
    #[error("a function did not start")]
    Function(#[from] StartError),
    /// A function's setting is no good.
    #[error(transparent)]
    Setting(#[from] EnvError),
}

/// How a stack is started. The default is what a test wants: any free port, all in memory.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The port of the API on 127.0.0.1; 0 takes any that is free.
    pub port: u16,
    /// Where everything is kept; without it, in memory.
    pub data: Option<PathBuf>,
    /// The Redis to use; without it, the process's own memory.
    pub redis_url: Option<SecretString>,
    /// Settings of the functions that differ from the usual ones.
    pub settings: Vec<(String, String)>,
    /// What stands between the functions and AWS, for tests of what happens when that fails.
    pub detour: Option<Arc<dyn Detour>>,
    /// Whether AWS calls have no more time than in a deployment. Here they have more, since many
    /// stacks may share a machine.
    pub hurried: bool,
}

/// A way around: where calls go in the place of what stands in for AWS. What the stack itself
/// asks, at its start and of the stream, goes straight.
pub trait Detour: std::fmt::Debug + Send + Sync {
    /// Where the functions that answer HTTP call.
    fn of_functions(&self, straight: &Endpoints) -> Endpoints;
    /// Where `courier` calls.
    fn of_courier(&self, straight: &Endpoints) -> Endpoints;
}

impl Options {
    fn aws_of_functions(&self, endpoints: &Endpoints, calls: &CallLog) -> SdkConfig {
        match &self.detour {
            Some(detour) => self.limited(&detour.of_functions(endpoints).sdk_config(Some(calls))),
            None => self.limited(&endpoints.sdk_config(Some(calls))),
        }
    }

    fn limited(&self, aws: &SdkConfig) -> SdkConfig {
        if self.hurried {
            aws.to_builder().timeout_config(timeouts()).build()
        } else {
            aws.clone()
        }
    }

    fn platform_of_courier(&self, platform: &Platform, endpoints: &Endpoints) -> Platform {
        let mut platform = platform.clone();
        if let Some(detour) = &self.detour {
            platform.aws = self.limited(&detour.of_courier(endpoints).sdk_config(None));
        }
        platform
    }
}

/// A running stack. Dropping it ends it at once; [`Stack::stop`] lets requests finish.
pub struct Stack {
    address: SocketAddr,
    endpoints: Endpoints,
    env: Env,
    clock: Arc<DevClock>,
    inbox: Arc<Inbox>,
    progress: Arc<Progress>,
    bell: Bell,
    calls: CallLog,
    api: Server,
    background: JoinSet<()>,
    emulators: [Server; 2],
}

/// A second instance beside a stack. Dropping it ends it.
pub struct Twin {
    address: SocketAddr,
    _api: Server,
}

impl Twin {
    /// The base URL of its API, without a slash at its end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Stack {
    /// Starts everything. When it returns, the API answers.
    pub async fn start(options: Options) -> Result<Self, StackError> {
        let random: Arc<dyn Random> = Arc::new(SystemEntropy::default());
        let data = match &options.data {
            Some(path) => Some(Arc::new(DataDir::open(path)?)),
            None => None,
        };
        let listener = listen_on(options.port, data.as_deref()).await?;
        let address = local_address(&listener)?;
        let clock = Arc::new(DevClock::open(data.clone())?);
        let inbox = Arc::new(Inbox::open(clock.clone(), random.clone(), data.clone())?);
        let progress = Arc::new(Progress::open(clock.clone(), data.clone())?);
        let secrets = Arc::new(Secrets::open(&*random, data.as_deref())?);

        let tables = TableDefinition::of_this_repository().map_err(DatabaseError::from)?;
        let file = data.as_ref().map(|data| data.file(DATABASE_FILE));
        let database = database::open(file.as_deref(), &clock, &tables)?;
        let (dynamodb_url, dynamodb) = serve_dynamodb(database.clone()).await?;
        let (feedback, subscription) = Feedback::open(clock.clone());
        let capture = Capture {
            inbox: inbox.clone(),
            feedback,
            secrets,
        };
        let (capture_url, capture) = serve_capture(capture.router()).await?;
        let endpoints = Endpoints {
            dynamodb: dynamodb_url,
            capture: capture_url,
        };

        let settings = Settings::new(
            address.port(),
            &tables,
            options.redis_url.as_ref(),
            &options.settings,
        );
        if let Some(data) = &data {
            settings.write(data, &endpoints)?;
        }
        let calls = CallLog::default();
        let platform = Platform::new(
            settings.env(),
            endpoints.sdk_config(None),
            clock.clone(),
            random.clone(),
        )
        .await?;
        let cache = platform.cache().await?;
        let platform = platform.with_cache(cache.clone());

        // Nobody but this process sends here: what an earlier one had claimed died with it.
        claims::release(&platform).await?;
        let bell = Bell::new();
        let mut background = JoinSet::new();
        let around = options.platform_of_courier(&platform, &endpoints);
        let courier = latchkey_courier::State::open(&around).await?;
        background.spawn(deliver(subscription, courier.clone()));
        let handler = stream_handler(courier);
        for table in tables.into_iter().filter(|table| table.streamed) {
            let (handler, progress, bell) = (handler.clone(), progress.clone(), bell.clone());
            let reader = Reader::new(&platform.aws, table.name, handler, progress, bell);
            background.spawn(reader.run());
        }
        let janitor = latchkey_janitor::State::open(&platform).await?;
        background.spawn(clean(janitor.clone(), database.clone(), bell.clone()));

        let mut watched = platform.with_cache(Arc::new(WatchedCache {
            cache,
            log: calls.clone(),
        }));
        watched.aws = options.aws_of_functions(&endpoints, &calls);
        let dev = DevRoutes {
            app_name: watched.env.optional("APP_NAME").unwrap_or_default().into(),
            inbox: inbox.clone(),
            clock: clock.clone(),
            progress: progress.clone(),
            bell: bell.clone(),
            database,
            janitor,
            random: random.clone(),
        };
        let gateway = Gateway {
            clock: clock.clone(),
            random,
            bell: bell.clone(),
        };
        let routes = Box::pin(functions(&watched)).await?;
        let routes = routes.merge(dev.router()).merge(demo::router());
        let routes = edge(routes, &watched)?.layer(from_fn_with_state(gateway, gateway::pass));
        let api = serve_api(listener, routes);

        Ok(Self {
            address,
            endpoints,
            env: settings.env(),
            clock,
            inbox,
            progress,
            bell,
            calls,
            api,
            background,
            emulators: [dynamodb, capture],
        })
    }

    /// The base URL of the API, without a slash at its end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where the demo front end is.
    #[must_use]
    pub fn demo_url(&self) -> String {
        demo::url(self.address.port())
    }

    /// Where DynamoDB and the other stand-ins for AWS listen.
    #[must_use]
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// A configuration for AWS clients of one's own. Their calls are not counted.
    #[must_use]
    pub fn aws(&self) -> aws_config::SdkConfig {
        self.endpoints.sdk_config(None)
    }

    /// The service's clock.
    #[must_use]
    pub fn clock(&self) -> &DevClock {
        &self.clock
    }

    /// The mail and SMS sent so far. [`Self::settle`] first, to have that of the last request.
    #[must_use]
    pub fn inbox(&self) -> &Inbox {
        &self.inbox
    }

    /// The events that were given up.
    #[must_use]
    pub fn dead_letters(&self) -> Vec<DeadLetter> {
        self.progress.dead_letters()
    }

    /// What the HTTP functions asked of DynamoDB and the cache.
    #[must_use]
    pub fn calls(&self) -> &CallLog {
        &self.calls
    }

    /// Another instance of the functions that answer HTTP, on the same tables and, where that is a
    /// Redis, the same cache. Its clock is this far ahead of the stack's, or behind it.
    pub async fn twin(&self, ahead: SignedDuration) -> Result<Twin, StackError> {
        let clock: Arc<dyn Clock> = Arc::new(SkewedClock {
            clock: self.clock.clone(),
            ahead,
        });
        let random: Arc<dyn Random> = Arc::new(SystemEntropy::default());
        let aws = self.endpoints.sdk_config(None);
        let platform = Platform::new(self.env.clone(), aws, clock.clone(), random.clone()).await?;
        let platform = platform.clone().with_cache(platform.cache().await?);
        let gateway = Gateway {
            clock,
            random,
            bell: self.bell.clone(),
        };
        let routes = edge(functions(&platform).await?, &platform)?;
        let routes = routes.layer(from_fn_with_state(gateway, gateway::pass));
        let listener = listen_on(0, None).await?;
        let address = local_address(&listener)?;
        Ok(Twin {
            address,
            _api: serve_api(listener, routes),
        })
    }

    /// Returns when `courier` has handled every event written so far, or given it up.
    pub async fn settle(&self) {
        self.bell.settle().await;
    }

    /// Ends the stack: requests under way are answered, then everything stops. An event that is
    /// being handled is handled again after the next start with the same data directory.
    pub async fn stop(mut self) {
        self.api.stop().await;
        self.background.shutdown().await;
        for server in self.emulators {
            server.stop().await;
        }
    }
}

/// The routers of all functions that answer HTTP.
async fn functions(platform: &Platform) -> Result<Router, StackError> {
    let accounts = latchkey_accounts::State::open(platform).await?;
    let sessions = latchkey_sessions::State::open(platform).await?;
    let profile = latchkey_profile::State::open(platform).await?;
    let mfa = latchkey_mfa::State::open(platform).await?;
    let admin = latchkey_admin::State::open(platform).await?;
    let federation = latchkey_federation::State::open(platform)?;
    Ok(latchkey_accounts::router(accounts)
        .merge(latchkey_sessions::router(sessions))
        .merge(latchkey_profile::router(profile))
        .merge(latchkey_mfa::router(mfa))
        .merge(latchkey_admin::router(admin))
        .merge(latchkey_federation::router(federation)))
}

/// The function behind the event stream.
fn stream_handler(state: latchkey_courier::State) -> Handler {
    Arc::new(move |event| {
        let state = state.clone();
        Box::pin(async move { Ok(latchkey_courier::handle(&state, event).await) })
    })
}

/// Listens on this port. For any free port it takes the one that the directory had last, if it
/// can: tokens and mailed links name it.
async fn listen_on(port: u16, data: Option<&DataDir>) -> Result<TcpListener, StackError> {
    let last = match data.filter(|_| port == 0) {
        Some(data) => data.read(PORT_FILE)?.and_then(|text| text.parse().ok()),
        None => None,
    };
    let again = match last {
        Some(last) => listen(last).await.ok(),
        None => None,
    };
    let listener = match again {
        Some(listener) => listener,
        None => listen(port)
            .await
            .map_err(|error| StackError::Listen(port, error))?,
    };
    if let Some(data) = data {
        data.replace(PORT_FILE, &local_address(&listener)?.port().to_string())?;
    }
    Ok(listener)
}

fn local_address(listener: &TcpListener) -> Result<SocketAddr, StackError> {
    listener
        .local_addr()
        .map_err(|error| StackError::Listen(0, error))
}

async fn serve_dynamodb(database: dynoxide::Database) -> Result<(String, Server), StackError> {
    let listener = listen_on(0, None).await?;
    let url = format!("http://{}", local_address(&listener)?);
    let server = Server::spawn("dynamodb", |shutdown| {
        dynoxide::server::serve_with_shutdown(listener, database, shutdown)
    });
    Ok((url, server))
}

async fn serve_capture(router: Router) -> Result<(String, Server), StackError> {
    let listener = listen_on(0, None).await?;
    let url = format!("http://{}", local_address(&listener)?);
    let server = Server::spawn("capture", |shutdown| {
        axum::serve(listener, router)
            .with_graceful_shutdown(shutdown)
            .into_future()
    });
    Ok((url, server))
}

fn serve_api(listener: TcpListener, router: Router) -> Server {
    // Answers are small and complete: waiting to fill a packet would only delay them.
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    Server::spawn("api", |shutdown| {
        axum::serve(listener, service)
            .with_graceful_shutdown(shutdown)
            .into_future()
    })
}

/// Does now and then what is due by the clock.
async fn clean(janitor: latchkey_janitor::State, database: dynoxide::Database, bell: Bell) {
    let mut ticks = tokio::time::interval(CLEANING_INTERVAL);
    loop {
        ticks.tick().await;
        dev_routes::clean(&janitor).await;
        bell.ring();
        dev_routes::sweep(database.clone()).await;
    }
}
