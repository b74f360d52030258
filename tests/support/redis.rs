//! A real Redis, for the tests that run on one too.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
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
        let starting = tokio::task::spawn_blocking(Self::start_and_wait);
        starting.await.expect("the thread that waits for Redis")
    }

    fn start_and_wait() -> Option<Self> {
        let port = free_port();
        let server = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
            .args(["--save", "", "--appendonly", "no"])
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
        let mut link = TcpStream::connect(("127.0.0.1", self.port))
            .await
            .expect("a connection");
        link.write_all(b"FLUSHALL\r\n").await.expect("a command");
        let mut answer = [0; 5];
        link.read_exact(&mut answer).await.expect("an answer");
        assert_eq!(&answer, b"+OK\r\n");
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

fn free_port() -> u16 {
    let probe = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    probe.local_addr().expect("its address").port()
}
