//! Redis forgets everything in the middle of things (row R2), is away (R1, R4), refuses (R3), holds
//! what we did not write (R5, R6) or has lost a mark (R7).

mod away;
mod foreign;
mod lost_mark;
mod refusing;

use latchkey_local::Options;
use latchkey_tests::{
    Answer, App, Call, Device, Life, NEW_PASSWORD, PASSWORD, Person, Redis, in_ci,
};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::tables::Tables;

/// People who are signed in all the while.
const PEOPLE: usize = 8;
/// How often each of them uses their tokens.
const TURNS: usize = 12;

async fn start(redis: &Redis) -> Life {
    Life::of(Options {
        redis_url: Some(SecretString::from(redis.url())),
        ..Options::default()
    })
    .await
}

/// What must never work again, whatever is forgotten.
struct Dead {
    devices: Vec<Device>,
    code: Value,
    reset: Value,
}

/// Somebody who signed out, one who signed out everywhere, one who reset their password, and one
/// who deleted their account; and their used codes.
async fn bury(app: &App) -> Dead {
    let mut devices = Vec::new();
    let pending = app.sign_up("ada@example.com").await;
    let code = json!({
        "code": app.code_of(&pending).await,
        "userId": pending.user_id,
        "tokenId": pending.token_id,
        "email": pending.email,
    });
    app.post("/api/auth/verify/email", &code)
        .send()
        .await
        .expect(200);
    let ends = [
        ("eve@example.com", "/api/auth/user/logout"),
        ("joan@example.com", "/api/auth/user/logout-all"),
    ];
    for (email, path) in ends {
        let person = app.person(email).await;
        let device = app.sign_in(&person).await;
        let call = app.delete(path).bearer(&device.access);
        call.send().await.expect(204);
        devices.push(device);
    }
    let ada = json!({ "email": "ada@example.com" });
    let signed_in = app.try_sign_in(ada, PASSWORD).await.json(200);
    devices.push(Device::from(&signed_in));
    let mailed = app.mailed_reset("ada@example.com").await;
    let reset = mailed.with(json!({ "email": "ada@example.com", "password": NEW_PASSWORD }));
    app.forgot_password(&reset).await.expect(200);
    let grace = app.person("grace@example.com").await;
    let device = app.sign_in(&grace).await;
    let body = json!({ "currentPassword": PASSWORD });
    let call = app.delete("/api/auth/user").json(&body);
    call.bearer(&device.access).send().await.expect(204);
    devices.push(device);
    Dead {
        devices,
        code,
        reset,
    }
}

impl Dead {
    async fn claim(&self, app: &App) {
        for device in &self.devices {
            app.claim_over(device).await;
        }
        let used = app.post("/api/auth/verify/email", &self.code);
        used.send().await.problem(400, "code_expired");
        let used = app.forgot_password(&self.reset).await;
        used.problem(400, "code_expired");
        assert!(!app.opens("ada@example.com", PASSWORD).await);
        assert!(!app.opens("grace@example.com", PASSWORD).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flushed_redis_revives_nobody_and_signs_nobody_out() {
    let Some(redis) = Redis::start().await else {
        assert!(!in_ci());
        return;
    };
    let life = start(&redis).await;
    let app = &life.app;
    let dead = bury(app).await;
    let mut people = Vec::new();
    for number in 0..PEOPLE {
        let person = app.person(&format!("person{number}@example.com")).await;
        people.push((person.clone(), app.sign_in(&person).await));
    }
    // Now silence about somebody means that nothing is held against them.
    app.advance(20 * 60).await;
    let mut busy = JoinSet::new();
    for (person, mut device) in people {
        let client = latchkey_tests::Client::of(app.url());
        busy.spawn(async move {
            for _ in 0..TURNS {
                let refreshed: Answer = client.refresh(&device.refresh).await;
                device = Device::from(&refreshed.json(200));
                client.me(&device.access).await.expect(200);
            }
            assert!(client.opens(&person.email, PASSWORD).await);
        });
    }
    while !busy.is_empty() {
        redis.flush().await;
        dead.claim(app).await;
        while let Some(done) = busy.try_join_next() {
            done.expect("nobody is signed out");
        }
    }
    app.stack.settle().await;
    Tables::of(app).await.hold("flushed");
}

/// A request that nothing but the token itself and the marks is looked at for. Not so `me`, which
/// reads the user.
fn by_marks(app: &App, device: &Device) -> Call {
    let call = app.get("/api/auth/user/events");
    call.bearer(&device.access)
}

/// A service whose Redis is trusted, with somebody who is in, and two who are out by its marks.
struct Scene {
    life: Life,
    admin: Device,
    ada: Person,
    on: Device,
    /// Of an account that is banned.
    banned: Device,
    /// Of a session that has ended.
    out: Device,
}

impl Scene {
    async fn on(redis: &Redis) -> Self {
        let life = start(redis).await;
        let app = &life.app;
        let (admin, device) = app.first_admin().await;
        let ada = app.person("ada@example.com").await;
        let eve = app.person("eve@example.com").await;
        // The first question starts the recording, and after a token's life it is trusted.
        app.me(&device.access).await.expect(200);
        app.advance(20 * 60).await;
        let admin = app.sign_in(&admin).await;
        let [on, out] = [app.sign_in(&ada).await, app.sign_in(&ada).await];
        let banned = app.sign_in(&eve).await;
        let answer = app.set_status(&admin, &eve, "banned").await;
        answer.expect(200);
        let call = app.delete("/api/auth/user/logout").bearer(&out.access);
        call.send().await.expect(204);
        app.stack.settle().await;
        Self {
            life,
            admin,
            ada,
            on,
            banned,
            out,
        }
    }

    /// Claims that whoever is in stays in and whoever is out stays out.
    async fn claim_who_is_in(&self) {
        let app = &self.life.app;
        for device in [&self.out, &self.banned] {
            app.claim_over(device).await;
            let call = by_marks(app, device).send().await;
            call.problem(401, "unauthenticated");
        }
        app.me(&self.on.access).await.expect(200);
        by_marks(app, &self.on).send().await.expect(200);
        let eve = json!({ "email": "eve@example.com" });
        let refused = app.try_sign_in(eve, PASSWORD).await;
        refused.problem(403, "account_banned");
        assert!(app.opens(&self.ada.email, PASSWORD).await);
        assert!(!app.opens(&self.ada.email, NEW_PASSWORD).await);
    }

    /// Claims that nobody can count for more than this instance, from a network that has not
    /// asked before: a tenth of the limit, and nothing of what costs money or a good name.
    async fn claim_counted_alone(&self, source: &str) {
        let app = &self.life.app;
        for admitted in [true, true, true, false] {
            let body = json!({ "email": format!("{source}@example.com"), "password": PASSWORD });
            let call = app.post("/api/auth/sign-in", &body);
            let answer = call.header("x-dev-client-ip", source).send().await;
            if admitted {
                answer.problem(401, "invalid_credentials");
            } else {
                answer.problem(429, "rate_limited");
            }
        }
        let email = json!({ "email": self.ada.email });
        for answer in [
            app.ask_otp(&email).await,
            app.forgot_password(&email).await,
            app.ask_otp(&json!({ "phoneNumber": "+46701740605" })).await,
        ] {
            let wait = answer.header("retry-after").map(str::to_owned);
            answer.problem(503, "unavailable");
            assert!(wait.is_some_and(|wait| wait.parse::<u64>().is_ok()));
        }
    }
}
