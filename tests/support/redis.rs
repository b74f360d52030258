//! A real Redis, for the tests that run on one too.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::net::TcpStream;

/// A `redis-server` of the test's own, which ends with it.
#[derive(Debug)]
pub struct Redis {
    server: Child,
    port: u16,
}

impl Redis {
    /// Starts one on a free port. Where there is no `redis-server`: in CI the test fails, elsewhere
    /// it is told and there is none.
    pub async fn start() -> Option<Self> {
        let port = free_port();
        let server = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
            .args(["--save", "", "--appendonly", "no"])
            .stdout(Stdio::null())
            .spawn();
        let server = match server {
            Ok(server) => server,
            Err(error) => {
                assert!(!in_ci(), "redis-server must be there in CI: {error}");
                eprintln!("skipped, for want of a redis-server: {error}");
                return None;
            }
        };
        let redis = Self { server, port };
        redis.wait().await;
        Some(redis)
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Ends it at once.
    pub fn kill(&mut self) {
        // One that is gone already is just as good.
        drop(self.server.kill());
        drop(self.server.wait());
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "another process is starting, whose clock nobody can move"
    )]
    async fn wait(&self) {
        for _ in 0..200 {
            if TcpStream::connect(("127.0.0.1", self.port)).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("redis-server does not listen");
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
