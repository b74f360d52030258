//! A Redis to test against.

use std::{
    io::{BufRead, BufReader, ErrorKind},
    net::TcpListener,
    process::{Child, ChildStdout, Command, Stdio},
};

use crate::certificates::{Identity, pem};

/// A Redis server of a test's own, which ends with it.
pub(crate) struct Server {
    url: String,
    tls_port: u16,
    process: Option<Process>,
}

struct Process {
    child: Child,
    port: u16,
    tls_port: u16,
    /// Kept open, so that the server has somewhere to log to.
    _log: BufReader<ChildStdout>,
}

impl Server {
    /// None where there is no `redis-server`; in CI that is a failure.
    pub(crate) fn start() -> Option<Self> {
        Process::start(None, &[]).map(Self::of)
    }

    /// One that also listens by TLS.
    pub(crate) fn start_with(identity: &Identity) -> Option<Self> {
        let files = tempfile::tempdir().unwrap();
        let [certificate, key] = ["certificate.pem", "key.pem"].map(|name| files.path().join(name));
        std::fs::write(&certificate, pem("CERTIFICATE", &identity.certificate)).unwrap();
        std::fs::write(&key, pem("PRIVATE KEY", &identity.key)).unwrap();
        // It has read them when it is ready.
        let [certificate, key] = [&certificate, &key].map(|path| path.to_str().unwrap());
        let tls = [
            ["--tls-cert-file", certificate],
            ["--tls-key-file", key],
            ["--tls-ca-cert-file", certificate],
            ["--tls-auth-clients", "no"],
        ];
        Process::start(None, &tls.concat()).map(Self::of)
    }

    fn of(process: Process) -> Self {
        Self {
            url: format!("redis://127.0.0.1:{}/", process.port),
            tls_port: process.tls_port,
            process: Some(process),
        }
    }

    /// Its URL for TLS.
    pub(crate) fn tls_url(&self) -> String {
        format!("rediss://127.0.0.1:{}/", self.tls_port)
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Where the server listens, as `host:port`.
    pub(crate) fn address(&self) -> String {
        let url = url::Url::parse(&self.url).unwrap();
        format!("127.0.0.1:{}", url.port().unwrap())
    }

    /// The URL with another place to connect to.
    pub(crate) fn url_via(&self, port: u16) -> String {
        let mut url = url::Url::parse(&self.url).unwrap();
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(port)).unwrap();
        url.into()
    }

    pub(crate) fn flush(&self) {
        self.command(&["FLUSHALL"]);
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
        self.process = Process::start(Some(port), &[]);
    }
}

impl Process {
    fn start(port: Option<u16>, tls: &[&str]) -> Option<Self> {
        // Between finding a free port and taking it, somebody else may have it.
        for _ in 0..10 {
            let port = port.unwrap_or_else(free_port);
            let tls_port = if tls.is_empty() { 0 } else { free_port() };
            let child = Command::new("redis-server")
                .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
                .args(["--save", "", "--appendonly", "no"])
                .args(["--tls-port", &tls_port.to_string()])
                .args(tls)
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn();
            let mut child = match child {
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    assert!(
                        !in_ci(),
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
                        tls_port,
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
    reason = "whether this is CI is a matter of the environment"
)]
fn in_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| !value.is_empty())
}
