//! A web server that says what a test wants, whatever it is asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

#[derive(Clone)]
pub(crate) enum Manner {
    /// Says this and closes the connection.
    Says(String),
    /// Reads and says nothing.
    Silent,
    /// Begins an answer that never ends.
    Endless,
}

pub(crate) struct Scripted {
    port: u16,
    requests: Arc<AtomicUsize>,
    _task: JoinSet<()>,
}

impl Manner {
    /// A whole answer.
    pub(crate) fn answer(status: u16, body: &str) -> Self {
        let length = body.len();
        Self::Says(format!(
            "HTTP/1.1 {status} Whatever\r\ncontent-length: {length}\r\nlocation: /elsewhere\r\n\r\n{body}"
        ))
    }
}

impl Scripted {
    pub(crate) async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(AtomicUsize::new(0));
        let mut task = JoinSet::new();
        task.spawn(accept(listener, manner, requests.clone()));
        Self {
            port,
            requests,
            _task: task,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

async fn accept(listener: TcpListener, manner: Manner, requests: Arc<AtomicUsize>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        connections.spawn(serve(client, manner.clone(), requests.clone()));
    }
}

async fn serve(client: TcpStream, manner: Manner, requests: Arc<AtomicUsize>) {
    let mut client = BufReader::new(client);
    if read(&mut client).await.is_none() {
        return;
    }
    requests.fetch_add(1, Ordering::SeqCst);
    match manner {
        // Whoever asked may have gone.
        Manner::Says(answer) => drop(client.write_all(answer.as_bytes()).await),
        Manner::Silent => std::future::pending().await,
        Manner::Endless => {
            let head = b"HTTP/1.1 200 OK\r\n\r\n{\"result\":\"";
            let mut written = client.write_all(head).await;
            while written.is_ok() {
                written = client.write_all(&[b'x'; 4096]).await;
            }
        }
    }
}

/// Reads one request; none if the connection is closed.
async fn read(client: &mut BufReader<TcpStream>) -> Option<()> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if client.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let line = line.trim().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    client.read_exact(&mut body).await.ok()?;
    Some(())
}
