//! A real browser, for what only a browser can tell.
//!
//! It speaks the protocol of its developer tools, whose messages are JSON on one WebSocket.

mod visitor;

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::redis::in_ci;

/// How long an answer of the browser may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// What the browser is called, on Debian and elsewhere.
const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// A phone of today, in CSS pixels.
const PHONE: (u32, u32) = (390, 844);

/// What somebody prefers to read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Dark text on light.
    Light,
    /// Light text on dark.
    Dark,
}

impl Scheme {
    /// Its name in CSS.
    pub fn name(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// A Chromium of the test's own with one page open, which ends with it.
#[derive(Debug)]
pub struct Chromium {
    _process: Process,
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    session: Option<String>,
    last_call: u64,
    events: VecDeque<Value>,
    console: Vec<Value>,
}

impl Chromium {
    /// Starts one that reaches nothing but this machine. Where there is none: in CI the test
    /// fails, elsewhere it is told and there is none.
    pub async fn start() -> Option<Self> {
        let starting = tokio::task::spawn_blocking(Process::start);
        let process = starting
            .await
            .expect("the thread that waits for Chromium")?;
        let (socket, _) = connect_async(&process.devtools)
            .await
            .expect("a connection to Chromium");
        let mut chromium = Self {
            _process: process,
            socket,
            session: None,
            last_call: 0,
            events: VecDeque::new(),
            console: Vec::new(),
        };
        let target = chromium
            .call("Target.createTarget", json!({ "url": "about:blank" }))
            .await;
        let attached = chromium
            .call(
                "Target.attachToTarget",
                json!({ "targetId": target["targetId"], "flatten": true }),
            )
            .await;
        chromium.session = attached["sessionId"].as_str().map(str::to_owned);
        chromium.call("Page.enable", json!({})).await;
        Some(chromium)
    }

    /// Calls a method of the protocol on the page.
    pub async fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.last_call += 1;
        let id = self.last_call;
        let mut call = json!({ "id": id, "method": method, "params": parameters });
        if let Some(session) = &self.session {
            call["sessionId"] = json!(session);
        }
        let call = Message::text(call.to_string());
        self.socket.send(call).await.expect("a call to Chromium");
        loop {
            let mut message = self.next().await;
            if message["id"] == id {
                assert_eq!(message["error"], Value::Null, "{method}");
                return message["result"].take();
            }
            self.events.push_back(message);
        }
    }

    /// Waits for the next event of this method that has not been waited for.
    pub async fn event(&mut self, method: &str) -> Value {
        loop {
            let message = match self.events.pop_front() {
                Some(message) => message,
                None => self.next().await,
            };
            if message["method"] == method {
                return message["params"].clone();
            }
        }
    }

    async fn next(&mut self) -> Value {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.socket.next())
                .await
                .expect("Chromium says something in time")
                .expect("Chromium is there")
                .expect("a message of Chromium");
            if let Message::Text(text) = message {
                let message = serde_json::from_str(&text).expect("JSON");
                self.console.extend(visitor::complaint(&message));
                return message;
            }
        }
    }

    /// Makes the page that of a phone whose owner prefers this scheme.
    pub async fn be_a_phone(&mut self, scheme: Scheme) {
        let (width, height) = PHONE;
        let screen =
            json!({ "width": width, "height": height, "deviceScaleFactor": 2, "mobile": true });
        self.call("Emulation.setDeviceMetricsOverride", screen)
            .await;
        let preferred = json!({ "name": "prefers-color-scheme", "value": scheme.name() });
        self.call(
            "Emulation.setEmulatedMedia",
            json!({ "features": [preferred] }),
        )
        .await;
    }

    /// Opens an address and waits until it has loaded.
    pub async fn open(&mut self, url: &str) {
        self.events.clear();
        let opened = self.call("Page.navigate", json!({ "url": url })).await;
        assert_eq!(opened["errorText"], Value::Null, "{url}");
        self.event("Page.loadEventFired").await;
    }

    /// Shows this document.
    pub async fn show(&mut self, html: &str) {
        self.open("about:blank").await;
        let tree = self.call("Page.getFrameTree", json!({})).await;
        let frame = &tree["frameTree"]["frame"]["id"];
        self.call(
            "Page.setDocumentContent",
            json!({ "frameId": frame, "html": html }),
        )
        .await;
    }

    /// The value of this JavaScript expression in the page, or of what it promises.
    pub async fn evaluate(&mut self, expression: &str) -> Value {
        let parameters =
            json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let mut evaluated = self.call("Runtime.evaluate", parameters).await;
        assert_eq!(evaluated["exceptionDetails"], Value::Null);
        evaluated["result"]["value"].take()
    }

    /// Takes a picture of the whole page and keeps it as `target/screenshots/<name>.png`.
    pub async fn screenshot(&mut self, name: &str) -> Vec<u8> {
        let parameters = json!({ "format": "png", "captureBeyondViewport": true });
        let taken = self.call("Page.captureScreenshot", parameters).await;
        let png = taken["data"].as_str().expect("a picture");
        let png = STANDARD.decode(png).expect("base64");
        let path = screenshots().join(format!("{name}.png"));
        std::fs::write(path, &png).expect("the picture is kept");
        png
    }

    /// How light a picture is on the whole, from 0 to 1: the mean luminance of its pixels, which
    /// the browser reads. It leaves the page.
    pub async fn lightness(&mut self, png: &[u8]) -> f64 {
        self.open("about:blank").await;
        let png = STANDARD.encode(png);
        let lightness = format!(
            "(async () => {{
                const image = new Image();
                image.src = 'data:image/png;base64,{png}';
                await image.decode();
                const canvas = new OffscreenCanvas(image.width, image.height);
                const context = canvas.getContext('2d');
                context.drawImage(image, 0, 0);
                const pixels = context.getImageData(0, 0, image.width, image.height).data;
                let sum = 0;
                for (let i = 0; i < pixels.length; i += 4)
                    sum += 0.2126 * pixels[i] + 0.7152 * pixels[i + 1] + 0.0722 * pixels[i + 2];
                return sum / (pixels.length / 4) / 255;
            }})()"
        );
        let lightness = self.evaluate(&lightness).await;
        lightness.as_f64().expect("a mean")
    }
}

/// Where pictures are kept.
fn screenshots() -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/screenshots");
    std::fs::create_dir_all(&path).expect("a directory for pictures");
    path
}

/// The browser's process and its profile.
#[derive(Debug)]
struct Process {
    browser: Child,
    devtools: String,
    /// Deleted with it.
    _profile: TempDir,
}

impl Process {
    fn start() -> Option<Self> {
        let profile = tempfile::tempdir().expect("a directory for the profile");
        let spawned = NAMES.iter().find_map(|name| spawn(name, &profile).ok());
        let Some(mut browser) = spawned else {
            assert!(!in_ci(), "Chromium must be there in CI");
            eprintln!("skipped, for want of Chromium");
            return None;
        };
        let mut log = BufReader::new(browser.stderr.take().expect("the log of Chromium"));
        let mut line = String::new();
        let devtools = loop {
            line.clear();
            let read = log.read_line(&mut line).expect("a log of lines");
            assert_ne!(read, 0, "Chromium ended before it listened");
            if let Some(devtools) = line.trim().strip_prefix("DevTools listening on ") {
                break devtools.to_owned();
            }
        };
        // Whatever else it has to say is thrown away: a full pipe would stop it.
        std::thread::spawn(move || io::copy(&mut log, &mut io::sink()));
        Some(Self {
            browser,
            devtools,
            _profile: profile,
        })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that is gone already is just as good.
        drop(self.browser.kill());
        drop(self.browser.wait());
    }
}

fn spawn(name: &str, profile: &TempDir) -> io::Result<Child> {
    Command::new(name)
        .arg("--headless=new")
        // It shows our own pages alone, and CI is often root, whom its sandbox refuses.
        .arg("--no-sandbox")
        .arg("--disable-dev-shm-usage")
        .arg("--disable-gpu")
        .arg("--hide-scrollbars")
        .arg("--no-first-run")
        .arg("--disable-background-networking")
        .arg("--disable-component-update")
        .arg("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost")
        .arg("--remote-debugging-port=0")
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg("about:blank")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
}
