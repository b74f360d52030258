//! A Redis to test against.

use std::{
    io::{BufRead, BufReader, ErrorKind},
    net::TcpListener,
    process::{Child, ChildStdout, Command, Stdio},
};

/// A Redis server; if it was started here, it ends with this.
pub(crate) struct Server {
    url: String,
    process: Option<Process>,
}

struct Process {
    child: Child,
    port: u16,
    /// Kept open, so that the server has somewhere to log to.
    _log: BufReader<ChildStdout>,
}

impl Server {
    /// An empty database: of the server that the environment names, or of one of its own.
    /// None where there is neither; in CI that is a failure.
    pub(crate) fn for_test(database: u8) -> Option<Self> {
        let Some(url) = environment("LATCHKEY_TEST_REDIS_URL") else {
            return Self::start();
        };
        let mut url = url::Url::parse(&url).expect("LATCHKEY_TEST_REDIS_URL is a URL");
        url.set_path(&database.to_string());
        let server = Self {
            url: url.into(),
            process: None,
        };
        server.flush();
        Some(server)
    }

    /// A server of its own, which can be killed.
    pub(crate) fn start() -> Option<Self> {
        let process = Process::start(None)?;
        Some(Self {
            url: format!("redis://127.0.0.1:{}/", process.port),
            process: Some(process),
        })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Where the server listens, as `host:port`.
    pub(crate) fn address(&self) -> String {
        let url = url::Url::parse(&self.url).unwrap();
        let host = url.host_str().unwrap();
        format!("{host}:{}", url.port().unwrap_or(6379))
    }

    /// The URL with another place to connect to.
    pub(crate) fn url_via(&self, port: u16) -> String {
        let mut url = url::Url::parse(&self.url).unwrap();
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(port)).unwrap();
        url.into()
    }

    pub(crate) fn flush(&self) {
        self.command(&["FLUSHDB"]);
    }

    /// Runs a command past the cache.
    pub(crate) fn command(&self, words: &[&str]) -> redis::Value {
        let client = redis::Client::open(self.url()).unwrap();
        let mut connection = client.get_connection().unwrap();
        redis::cmd(words[0])
            .arg(&words[1..])
            .query(&mut connection)
            .unwrap()
    }

    /// Kills a server that was started here.
    pub(crate) fn kill(&mut self) -> u16 {
        self.process.take().expect("a server of our own").port
    }

    /// Starts it again where it was.
    pub(crate) fn restart(&mut self, port: u16) {
        self.process = Process::start(Some(port));
    }
}

impl Process {
    fn start(port: Option<u16>) -> Option<Self> {
        // Between finding a free port and taking it, somebody else may have it.
        for _ in 0..10 {
            let port = port.unwrap_or_else(free_port);
            let child = Command::new("redis-server")
                .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
                .args(["--save", "", "--appendonly", "no"])
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn();
            let mut child = match child {
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    assert!(
                        environment("CI").is_none(),
                        "CI needs redis-server: without it, nothing tests the Redis cache"
                    );
                    eprintln!("SKIPPED: there is no redis-server to test against");
                    return None;
                }
                child => child.expect("redis-server starts"),
            };
            let mut log = BufReader::new(child.stdout.take().unwrap());
            let mut line = String::new();
            while log.read_line(&mut line).is_ok_and(|read| read > 0) {
                if line.contains("Ready to accept connections") {
                    return Some(Self {
                        child,
                        port,
                        _log: log,
                    });
                }
                line.clear();
            }
            child.wait().unwrap();
        }
        panic!("redis-server does not start");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[expect(
    clippy::disallowed_methods,
    reason = "which Redis to test against is a matter of the environment"
)]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
