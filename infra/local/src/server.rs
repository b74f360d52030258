//! A listener on loopback that ends when it is told to.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// How long requests under way may take to end.
const PATIENCE: Duration = Duration::from_secs(5);

/// Resolves when the server should stop taking requests.
pub(crate) type Shutdown = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A port of loopback; 0 takes any that is free.
pub(crate) async fn listen(port: u16) -> io::Result<TcpListener> {
    TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await
}

/// A running server. Dropping it stops it at once.
pub(crate) struct Server {
    stop: watch::Sender<bool>,
    task: JoinSet<()>,
}

impl Server {
    /// Runs what `serve` makes of a listener until it is told to stop.
    pub(crate) fn spawn<S, F, E>(name: &'static str, serve: S) -> Self
    where
        S: FnOnce(Shutdown) -> F,
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: std::fmt::Display + Send,
    {
        let stop = watch::Sender::new(false);
        let mut stopped = stop.subscribe();
        let serving = serve(Box::pin(async move {
            // A sender that is gone is as good as one that says stop.
            let _ = stopped.wait_for(|stop| *stop).await;
        }));
        let mut task = JoinSet::new();
        task.spawn(async move {
            if let Err(error) = serving.await {
                tracing::error!(%error, server = name, "a server ended");
            }
        });
        Self { stop, task }
    }

    /// Takes no more requests and waits for those under way.
    pub(crate) async fn stop(mut self) {
        self.stop.send_replace(true);
        // One that takes longer is cut off by the drop.
        let _ = timeout(PATIENCE, self.task.join_next()).await;
    }
}
