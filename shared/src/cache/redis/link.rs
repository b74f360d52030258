//! One connection to Redis that is made when it is needed and made again when it is no good.
//!
//! The crate's own `ConnectionManager` is not used: it does not reconnect after a timeout, which is
//! how a connection looks that was cut while Lambda had frozen us, and it answers the first call after
//! an outage with the error of its last attempt, however old.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use redis::{
    AsyncConnectionConfig, Client, ErrorKind, IntoConnectionInfo, Pipeline, RedisError,
    RedisResult, TlsCertificates, Value, aio::MultiplexedConnection, io::tcp::TcpSettings,
};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use secrecy::{ExposeSecret, SecretString};
use tokio::{
    sync::Mutex,
    time::{Instant, timeout, timeout_at},
};
use url::Url;

use super::{
    reply::{Refusal, Reply},
    script::Batch,
    wire::{Answers, Fault},
};
use crate::cache::{CacheError, address::Authority};

/// How long connecting may take. Longer than a call: one that runs out leaves it to the next to finish.
const DIAL_LIMIT: Duration = Duration::from_secs(2);

/// After this long without use a connection is asked for a sign of life first: servers and NAT drop
/// idle ones, and a call that is lost that way cannot be repeated if it counts or consumes.
const IDLE: Duration = Duration::from_secs(30);

/// What the sign of life may take, so that there is time left to connect anew.
const PROBE_BUDGET: Duration = Duration::from_millis(100);

type Dial = Pin<Box<dyn Future<Output = RedisResult<MultiplexedConnection>> + Send>>;

pub(in crate::cache) struct Link {
    client: Client,
    state: Mutex<State>,
}

/// Nothing, before the first use.
#[derive(Default)]
struct State {
    line: Option<Line>,
    dial: Option<Dial>,
}

#[derive(Clone)]
struct Line {
    /// Calls share it. A call that times out cannot leave its reply to another: replies are matched to
    /// callers in the order of sending, and the reply for a caller that has gone is thrown away
    /// (`PipelineSink::send_result` in redis 1.8).
    connection: MultiplexedConnection,
    broken: Arc<AtomicBool>,
    /// By the machine's time and not by our clock: this is about the socket.
    used: Instant,
}

impl Link {
    pub(super) fn new(
        url: &SecretString,
        authority: Option<&Authority>,
    ) -> Result<Self, CacheError> {
        let url = Url::parse(url.expose_secret()).map_err(|_| CacheError::Address)?;
        // A fragment can only be `#insecure`, TLS with whoever answers.
        if !matches!(url.scheme(), "redis" | "rediss") || url.fragment().is_some() {
            return Err(CacheError::Address);
        }
        let tls = url.scheme() == "rediss";
        if tls {
            // The one that the AWS SDK brings. An error says that there is a provider already, which
            // serves as well.
            let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        }
        // Errors are not passed on, since they may quote the address.
        let info = url
            .into_connection_info()
            .map_err(|_| CacheError::Address)?
            // Requests are small and waited for.
            .set_tcp_settings(TcpSettings::default().set_nodelay(true));
        let client = match authority.filter(|_| tls) {
            Some(Authority(pem)) => {
                // None at all would be taken for an authority that nobody has.
                if CertificateDer::pem_slice_iter(pem).next().is_none() {
                    return Err(CacheError::Authority);
                }
                let certificates = TlsCertificates {
                    client_tls: None,
                    root_cert: Some(pem.clone()),
                };
                Client::build_with_tls(info, certificates).map_err(|_| CacheError::Authority)?
            }
            None => Client::open(info).map_err(|_| CacheError::Address)?,
        };
        Ok(Self {
            client,
            state: Mutex::default(),
        })
    }

    /// Makes one exchange. It is never repeated: it may have taken effect.
    pub(super) async fn send(&self, batch: &Batch, deadline: Instant) -> Result<Answers, Fault> {
        let Line {
            mut connection,
            broken,
            ..
        } = timeout_at(deadline, self.line())
            .await
            .map_err(|_| Fault::Timeout)?
            .map_err(refused)?;
        let pipeline = pipeline(batch);
        match timeout_at(deadline, pipeline.query_async(&mut connection)).await {
            Ok(Ok(answers)) => Ok(read(answers)),
            Ok(Err(error)) => {
                if error.is_io_error() || error.is_unrecoverable_error() {
                    broken.store(true, Ordering::Relaxed);
                }
                Err(explain(error))
            }
            Err(_) => {
                // Slow or frozen cannot be told apart from here; a new connection is right for both.
                broken.store(true, Ordering::Relaxed);
                Err(Fault::Timeout)
            }
        }
    }

    /// The open connection, or a new one.
    async fn line(&self) -> RedisResult<Line> {
        let mut state = self.state.lock().await;
        if let Some(line) = &mut state.line {
            if line.is_good().await {
                line.used = Instant::now();
                return Ok(line.clone());
            }
            state.line = None;
        }
        loop {
            let resumed = state.dial.is_some();
            let outcome = state.dial.get_or_insert_with(|| self.dial()).await;
            state.dial = None;
            match outcome {
                // Begun by a call that ran out of time, perhaps long ago.
                Err(_) if resumed => {}
                outcome => {
                    let line = Line::new(outcome?);
                    return Ok(state.line.insert(line).clone());
                }
            }
        }
    }

    fn dial(&self) -> Dial {
        let client = self.client.clone();
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(DIAL_LIMIT))
            .set_response_timeout(None);
        Box::pin(async move {
            client
                .get_multiplexed_async_connection_with_config(&config)
                .await
        })
    }
}

impl Line {
    fn new(connection: MultiplexedConnection) -> Self {
        Self {
            connection,
            broken: Arc::default(),
            used: Instant::now(),
        }
    }

    async fn is_good(&mut self) -> bool {
        if self.broken.load(Ordering::Relaxed) {
            return false;
        }
        if self.used.elapsed() < IDLE {
            return true;
        }
        let probe = redis::cmd("PING");
        matches!(
            timeout(PROBE_BUDGET, probe.exec_async(&mut self.connection)).await,
            Ok(Ok(()))
        )
    }
}

fn pipeline(batch: &Batch) -> Pipeline {
    let mut pipeline = Pipeline::with_capacity(batch.commands.len());
    if batch.atomic {
        pipeline.atomic();
    }
    for command in &batch.commands {
        let mut words = redis::Cmd::new();
        words.arg(command.words());
        pipeline.add_command(words);
    }
    // Each command has an answer of its own.
    pipeline.ignore_errors();
    pipeline
}

fn read(answers: Vec<RedisResult<Value>>) -> Answers {
    answers
        .into_iter()
        .map(|answer| match answer {
            Ok(value) => Ok(Reply::from_redis(value)),
            Err(error) => {
                let code = error.code().unwrap_or_default();
                let text = error.detail().unwrap_or_default();
                Err(Refusal::from_text(&format!("{code} {text}")))
            }
        })
        .collect()
}

/// There was no connection.
fn refused(error: RedisError) -> Fault {
    if error.is_timeout() {
        Fault::Timeout
    } else {
        Fault::Refused(Box::new(error))
    }
}

/// There was a connection.
fn explain(error: RedisError) -> Fault {
    if matches!(
        error.kind(),
        ErrorKind::UnexpectedReturnType | ErrorKind::Parse
    ) {
        Fault::Corrupt
    } else if error.is_timeout() {
        Fault::Timeout
    } else if error.is_io_error() {
        Fault::Lost(Box::new(error))
    } else {
        Fault::Refused(Box::new(error))
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
        task::JoinSet,
    };

    use super::*;
    use crate::cache::redis::script::Command;

    /// A server that on each connection says OK to what sets it up and to one command more. Then it
    /// falls silent and stays, as if a NAT between had forgotten the connection.
    async fn serve(listener: TcpListener) {
        let mut connections = JoinSet::new();
        while let Ok((mut client, _)) = listener.accept().await {
            connections.spawn(async move {
                let mut buffer = [0; 1024];
                for _ in 0..2 {
                    let read = client.read(&mut buffer).await.unwrap();
                    let request = String::from_utf8_lossy(&buffer[..read]);
                    let replies = "+OK\r\n".repeat(request.matches('*').count());
                    client.write_all(replies.as_bytes()).await.unwrap();
                }
                std::future::pending::<()>().await;
            });
        }
    }

    async fn ping(link: &Link) -> Result<(), Fault> {
        let batch = Batch::from(Command::repeatable(&["PING"]));
        let deadline = Instant::now() + Duration::from_millis(250);
        link.send(&batch, deadline).await.map(drop)
    }

    #[tokio::test]
    async fn a_connection_that_died_while_idle_costs_no_call() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let link = Link::new(
            &SecretString::from(format!("redis://127.0.0.1:{port}")),
            None,
        )
        .unwrap();

        let mut server = JoinSet::new();
        server.spawn(serve(listener));
        ping(&link).await.unwrap();

        if let Some(line) = &mut link.state.lock().await.line {
            line.used = Instant::now().checked_sub(IDLE).unwrap();
        }
        ping(&link).await.unwrap();
        // The same silence within a busy time is a call that is lost.
        let lost = ping(&link).await;
        assert!(matches!(lost, Err(Fault::Timeout)), "{lost:?}");
    }
}
