//! A real Redis, for the tests that run on one too.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A `redis-server` of the test's own, which ends with it.
#[derive(Debug)]
pub struct Redis {
    server: Child,
    port: u16,
    /// Kept open, so that the server has somewhere to log to.
    log: BufReader<ChildStdout>,
}

impl Redis {
    /// Starts one on a free port. Where there is no `redis-server`: in CI the test fails, elsewhere
    /// it is told and there is none.
    pub async fn start() -> Option<Self> {
        Self::start_with(&[]).await
    }

    /// The same with more of Redis's own settings.
    pub async fn start_with(settings: &[&str]) -> Option<Self> {
        let settings: Vec<String> = settings.iter().map(|word| (*word).to_owned()).collect();
        let starting = tokio::task::spawn_blocking(move || Self::start_and_wait(None, &settings));
        starting.await.expect("the thread that waits for Redis")
    }

    fn start_and_wait(port: Option<u16>, settings: &[String]) -> Option<Self> {
        let port = port.unwrap_or_else(free_port);
        let server = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
            .args(["--save", "", "--appendonly", "no"])
            .args(settings)
            .stdout(Stdio::piped())
            .spawn();
        let mut server = match server {
            Ok(server) => server,
            Err(error) => {
                assert!(!in_ci(), "redis-server must be there in CI: {error}");
                eprintln!("skipped, for want of a redis-server: {error}");
                return None;
            }
        };
        let log = server.stdout.take().expect("the log of Redis");
        let mut redis = Self {
            server,
            port,
            log: BufReader::new(log),
        };
        // It says so itself, which no port that answers can: that may be somebody else's.
        let mut line = String::new();
        while !line.contains("Ready to accept connections") {
            line.clear();
            let read = redis.log.read_line(&mut line).expect("a log of lines");
            assert_ne!(read, 0, "redis-server ended before it listened");
        }
        Some(redis)
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Makes it forget everything, as a node does that is replaced by an empty one.
    pub async fn flush(&self) {
        assert_eq!(self.command("FLUSHALL").await, "+OK");
    }

    /// Has it do something past the service, and gives the first line of its answer.
    pub async fn command(&self, line: &str) -> String {
        let mut link = self.send(line).await;
        let mut answer = String::new();
        let read = link.read_line(&mut answer).await;
        read.expect("an answer");
        answer.trim_end().to_owned()
    }

    /// The keys of this pattern.
    pub async fn keys(&self, pattern: &str) -> Vec<String> {
        let mut lines = self.send(&format!("KEYS {pattern}")).await.lines();
        let mut line = async || {
            let line = lines.next_line().await.expect("an answer");
            line.expect("a whole answer")
        };
        let count = line().await;
        let count: usize = count.trim_start_matches('*').parse().expect("a list");
        let mut keys = Vec::new();
        for _ in 0..count {
            // Each key's length comes before it.
            line().await;
            keys.push(line().await);
        }
        keys
    }

    /// How many connections there have been, this question's included.
    pub async fn connections(&self) -> u64 {
        let mut lines = self.send("INFO stats").await.lines();
        let count = loop {
            let line = lines.next_line().await.expect("an answer");
            let line = line.expect("a count of connections");
            if let Some(count) = line.strip_prefix("total_connections_received:") {
                break count.trim().to_owned();
            }
        };
        count.parse().expect("a number")
    }

    async fn send(&self, line: &str) -> tokio::io::BufReader<TcpStream> {
        let mut link = TcpStream::connect(("127.0.0.1", self.port))
            .await
            .expect("a connection");
        link.write_all(format!("{line}\r\n").as_bytes())
            .await
            .expect("a command");
        tokio::io::BufReader::new(link)
    }

    /// Stops it in the middle of whatever it does: connections are taken and never answered.
    pub fn freeze(&self) {
        signal(self.server.id(), "-STOP");
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        signal(self.server.id(), "-CONT");
    }

    /// Starts it again where it was, with nothing in it.
    pub async fn restart(&mut self) {
        let port = self.port;
        self.kill();
        let starting = tokio::task::spawn_blocking(move || Self::start_and_wait(Some(port), &[]));
        let started = starting.await.expect("the thread that waits for Redis");
        *self = started.expect("a redis-server, as before");
    }

    /// Ends it at once.
    pub fn kill(&mut self) {
        // One that is gone already is just as good.
        drop(self.server.kill());
        drop(self.server.wait());
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Whether a tool that is missing fails the test.
#[expect(
    clippy::disallowed_methods,
    reason = "CI tells of itself in the environment"
)]
pub fn in_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| !value.is_empty())
}

/// Sends a signal to one process.
pub(crate) fn signal(process: u32, name: &str) {
    let sent = Command::new("kill")
        .args([name, &process.to_string()])
        .status();
    assert!(sent.expect("the tool kill").success());
}

fn free_port() -> u16 {
    let probe = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    probe.local_addr().expect("its address").port()
}
