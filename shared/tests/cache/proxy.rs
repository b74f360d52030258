//! A stretch of network between the cache and its Redis, which can be frozen, held up and counted.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinSet,
};

pub(crate) struct Proxy {
    port: u16,
    shared: Arc<Shared>,
    _tasks: JoinSet<()>,
}

struct Shared {
    target: String,
    /// How many times the client has sent something.
    sent: watch::Sender<usize>,
    /// Replies wait while this is set.
    held: watch::Sender<bool>,
    accepted: AtomicUsize,
    /// Whether a connection is closed in the middle of a reply.
    cutting: AtomicBool,
    /// Connections before this one are to be closed.
    cut_before: watch::Sender<usize>,
    open: watch::Sender<usize>,
    /// Connections before this one are dead: they stay open and pass nothing on.
    frozen_before: AtomicUsize,
}

impl Proxy {
    pub(crate) async fn to(target: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            target,
            sent: watch::Sender::new(0),
            held: watch::Sender::new(false),
            cutting: AtomicBool::new(false),
            cut_before: watch::Sender::new(0),
            open: watch::Sender::new(0),
            accepted: AtomicUsize::new(0),
            frozen_before: AtomicUsize::new(0),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, shared.clone()));
        Self {
            port,
            shared,
            _tasks: tasks,
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// How many times clients have sent something, over all connections.
    pub(crate) fn sent(&self) -> usize {
        *self.shared.sent.borrow()
    }

    /// Waits until clients have sent something this many times.
    pub(crate) async fn has_sent(&self, times: usize) {
        let mut sent = self.shared.sent.subscribe();
        sent.wait_for(|sent| *sent >= times).await.unwrap();
    }

    /// Holds up replies, or lets them go.
    pub(crate) fn hold(&self, held: bool) {
        self.shared.held.send_replace(held);
    }

    /// Closes connections in the middle of replies, or passes those whole again.
    pub(crate) fn cut_replies(&self, cutting: bool) {
        self.shared.cutting.store(cutting, Ordering::SeqCst);
    }

    /// Closes the connections there are; new ones work.
    pub(crate) async fn cut(&self) {
        self.shared.cut_before.send_replace(self.accepted());
        let mut open = self.shared.open.subscribe();
        open.wait_for(|open| *open == 0).await.unwrap();
    }

    /// How many connections there have been.
    pub(crate) fn accepted(&self) -> usize {
        self.shared.accepted.load(Ordering::SeqCst)
    }

    /// Freezes the connections there are; new ones work.
    pub(crate) fn freeze(&self) {
        self.shared
            .frozen_before
            .store(self.accepted(), Ordering::SeqCst);
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let number = shared.accepted.fetch_add(1, Ordering::SeqCst);
        connections.spawn(pass(client, number, shared.clone()));
    }
}

/// Passes on what comes, each way by itself: a reply that is held up holds up no request.
async fn pass(client: TcpStream, number: usize, shared: Arc<Shared>) {
    let server = TcpStream::connect(&shared.target).await.unwrap();
    shared.open.send_modify(|open| *open += 1);
    let mut cut_before = shared.cut_before.subscribe();
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let requests = copy(from_client, to_server, &shared, number, Way::Out);
    let replies = copy(from_server, to_client, &shared, number, Way::Back);
    // Whichever ends takes both with it.
    tokio::select! {
        () = requests => {}
        () = replies => {}
        _ = cut_before.wait_for(|before| number < *before) => {}
    }
    shared.open.send_modify(|open| *open -= 1);
}

#[derive(Clone, Copy)]
enum Way {
    Out,
    Back,
}

async fn copy(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    shared: &Shared,
    number: usize,
    way: Way,
) {
    let mut buffer = vec![0; 65536];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        if number < shared.frozen_before.load(Ordering::SeqCst) {
            return std::future::pending().await;
        }
        match way {
            Way::Out => shared.sent.send_modify(|sent| *sent += 1),
            Way::Back => {
                let _ = shared.held.subscribe().wait_for(|held| !held).await;
                if shared.cutting.load(Ordering::SeqCst) {
                    let _ = to.write_all(&buffer[..read / 2]).await;
                    return;
                }
            }
        }
        // A side that has gone takes the other with it.
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}
