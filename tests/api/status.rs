//! Flows A, B and C: what a change of status does to those who are signed in, whatever goes wrong
//! meanwhile.

mod at_once;
mod clock_drift;
mod early_reactivation;
mod ended_block;
mod flushed;
mod lifetimes;
mod racing_refresh;
mod several_devices;

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;

use latchkey_local::Options;
use latchkey_tests::{App, Device, Person, Redis};
use secrecy::SecretString;

/// Longer than the cache has to have been recording before its silence is trusted, and than its
/// marks last.
const DENY_LIFE: i64 = 16 * 60;

/// A service whose cache is trusted, so that nothing but its marks denies an access token; with an
/// admin on it, and Ada.
struct Scene {
    app: App,
    admin: Device,
    ada: Person,
}

impl Scene {
    async fn start() -> Self {
        Self::of(Options::default()).await
    }

    /// The same on this Redis, with everything kept in this directory.
    async fn on(redis: &Redis, data: Option<&Path>) -> Self {
        Self::of(on_redis(redis, data)).await
    }

    async fn of(options: Options) -> Self {
        let app = App::of(options).await;
        let (admin, device) = app.first_admin().await;
        let ada = app.person("ada@example.com").await;
        // The first question starts the recording.
        app.me(&device.access).await.expect(200);
        app.advance(DENY_LIFE + 1).await;
        let admin = app.sign_in(&admin).await;
        Self { app, admin, ada }
    }

    async fn sign_in(&self) -> Device {
        self.app.sign_in(&self.ada).await
    }

    async fn move_to(&self, status: &str) {
        let answer = self.app.set_status(&self.admin, &self.ada, status).await;
        answer.expect(200);
    }

    /// Whether an access token is taken where nothing but the token itself and the marks is looked
    /// at: not so by `me`, which reads the user.
    async fn is_taken(&self, access: &str) -> bool {
        let call = self.app.get("/api/auth/user/events").bearer(access);
        let answer = call.send().await;
        if answer.status == 200 {
            return true;
        }
        answer.problem(401, "unauthenticated");
        false
    }

    /// Claims that neither of a device's tokens is good.
    async fn is_out(&self, device: &Device) {
        assert!(!self.is_taken(&device.access).await);
        let answer = self.app.me(&device.access).await;
        answer.problem(401, "unauthenticated");
        let answer = self.app.refresh(&device.refresh).await;
        answer.problem(401, "session_expired");
    }

    /// Claims that both of a device's tokens are good.
    async fn is_in(&self, device: &Device) {
        assert!(self.is_taken(&device.access).await);
        self.app.me(&device.access).await.expect(200);
        self.app.refresh(&device.refresh).await.expect(200);
    }
}

fn on_redis(redis: &Redis, data: Option<&Path>) -> Options {
    Options {
        data: data.map(Path::to_owned),
        redis_url: Some(SecretString::from(redis.url())),
        // A restart may get another port; tokens are to stay good.
        settings: vec![("PUBLIC_URL".to_owned(), "https://id.example.com".to_owned())],
        ..Options::default()
    }
}

/// Has Redis do something that no code of the service does, and gives the first line of its answer.
fn command(redis: &Redis, line: &str) -> String {
    let url = redis.url();
    let address = url.strip_prefix("redis://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(format!("{line}\r\n").as_bytes()).unwrap();
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).unwrap();
    answer.trim().to_owned()
}
