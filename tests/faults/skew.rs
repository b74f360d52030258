//! Two instances on the same tables whose clocks do not agree (row T3), and clients whose clocks
//! are anywhere (T1).
//!
//! What an instance can't tell from time that has passed is bounded by the 30 s for which a used
//! refresh token is forgiven, and by the 30 s for which a token from the future is. Within them
//! everything goes on. At 60 s apart nobody gets in who should not and nobody is signed out by
//! the instance that is behind; the one ahead takes a lost answer for theft, since to it the half
//! minute is over. Lambda's hosts are within a millisecond of each other.

use jiff::SignedDuration;
use latchkey_local::{Options, Twin};
use latchkey_shared::clock::Clock as _;
use latchkey_tests::{Client, Device, Life, PASSWORD, Person, Redis, in_ci};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::tables::Tables;

const EMAIL: &str = "ada@example.com";
const WRONG: &str = "not the password";
const STRANGER: &str = "198.51.100.7";

/// Within what is forgiven, with some time for the test itself.
const NEAR: i64 = 20;
const FAR: i64 = 60;

/// Two instances on one Redis; the first keeps the time.
struct Pair {
    life: Life,
    twin: Client,
    _twin: Twin,
    ada: Person,
    _redis: Redis,
}

impl Pair {
    /// The second is so many seconds ahead of the first.
    async fn apart(seconds: i64) -> Option<Self> {
        let Some(redis) = Redis::start().await else {
            assert!(!in_ci());
            return None;
        };
        let life = Life::of(Options {
            redis_url: Some(SecretString::from(redis.url())),
            ..Options::default()
        })
        .await;
        let ada = life.app.person(EMAIL).await;
        let ahead = SignedDuration::from_secs(seconds);
        let twin = life.app.stack.twin(ahead).await.unwrap();
        Some(Self {
            twin: Client::of(&twin.url()),
            life,
            _twin: twin,
            ada,
            _redis: redis,
        })
    }

    /// Claims that nobody was taken for a thief, and that the tables hold.
    async fn claim_no_alarm(&self) {
        self.life.app.stack.settle().await;
        let tables = Tables::of(&self.life.app).await;
        let alarms = tables.events(&self.ada.id, "session.refresh_token_reused");
        assert_eq!(alarms.count(), 0);
        tables.hold("apart");
    }
}

async fn refreshed(client: &Client, device: &Device) -> Device {
    Device::from(&client.refresh(&device.refresh).await.json(200))
}

async fn fail(client: &Client, times: usize) {
    for _ in 0..times {
        let answer = from_stranger(client, WRONG).await;
        answer.problem(401, "invalid_credentials");
    }
}

async fn from_stranger(client: &Client, password: &str) -> latchkey_tests::Answer {
    let body = json!({ "email": EMAIL, "password": password, "tokenDelivery": "body" });
    let call = client.post("/api/auth/sign-in", &body);
    call.header("x-dev-client-ip", STRANGER).send().await
}

#[tokio::test]
async fn a_token_of_one_instance_is_good_at_the_other_and_a_lost_answer_is_no_theft() {
    for seconds in [NEAR, -NEAR] {
        let Some(pair) = Pair::apart(seconds).await else {
            return;
        };
        let clients: [&Client; 2] = [&pair.life.app, &pair.twin];
        for [one, other] in [[clients[0], clients[1]], [clients[1], clients[0]]] {
            let device = one.sign_in(&pair.ada).await;
            for client in clients {
                client.me(&device.access).await.expect(200);
            }
            // The answer of the one is lost, and the client asks the other.
            let won = refreshed(one, &device).await;
            let again = refreshed(other, &device).await;
            assert_eq!(again.refresh, won.refresh);
            for client in clients {
                client.me(&again.access).await.expect(200);
            }
            // From one to the other and back.
            let mut device = again;
            for client in [other, one, other, one] {
                device = refreshed(client, &device).await;
                other.me(&device.access).await.expect(200);
            }
            let call = other.delete("/api/auth/user/logout").bearer(&device.access);
            call.send().await.expect(204);
            for client in clients {
                client.claim_over(&device).await;
            }
        }
        pair.claim_no_alarm().await;
    }
}

#[tokio::test]
async fn a_minute_apart_nobody_is_signed_out_by_the_one_behind() {
    let Some(pair) = Pair::apart(FAR).await else {
        return;
    };
    let (behind, ahead): (&Client, &Client) = (&pair.life.app, &pair.twin);
    let device = ahead.sign_in(&pair.ada).await;
    // From too far in the future to be believed, and worth asking for another.
    behind
        .me(&device.access)
        .await
        .problem(401, "unauthenticated");
    let won = refreshed(ahead, &device).await;
    let again = refreshed(behind, &device).await;
    assert_eq!(again.refresh, won.refresh);
    for client in [behind, ahead] {
        client.me(&again.access).await.expect(200);
    }
    let next = refreshed(behind, &again).await;
    let next = refreshed(ahead, &next).await;
    refreshed(behind, &next).await;
    pair.claim_no_alarm().await;
}

/// A lock ends by the clock of whoever is asked: never later than it should by more than they are
/// apart, and the count is one for both.
#[tokio::test]
async fn a_lock_of_one_instance_holds_at_the_other_and_ends_within_the_skew() {
    for seconds in [FAR, -FAR] {
        let Some(pair) = Pair::apart(seconds).await else {
            return;
        };
        let (slow, fast): (&Client, &Client) = if seconds > 0 {
            (&pair.life.app, &pair.twin)
        } else {
            (&pair.twin, &pair.life.app)
        };
        // Five in a row, wherever they are counted.
        fail(fast, 3).await;
        fail(slow, 1).await;
        fail(fast, 1).await;
        for client in [slow, fast] {
            let locked = from_stranger(client, PASSWORD).await;
            let wait = locked.header("retry-after").map(str::to_owned);
            locked.problem(429, "account_locked");
            let wait: i64 = wait.unwrap().parse().unwrap();
            assert!((1..=60 + FAR).contains(&wait), "{wait}");
        }
        // By the fast one's clock, which set it, it is over; by the slow one's a minute later.
        pair.life.app.advance(61).await;
        let locked = from_stranger(slow, PASSWORD).await;
        locked.problem(429, "account_locked");
        fail(fast, 1).await;
        // Two minutes by the one that counted, as it was the sixth.
        pair.life.app.advance(121 + FAR).await;
        from_stranger(slow, PASSWORD).await.expect(200);
        from_stranger(fast, PASSWORD).await.expect(200);
        pair.claim_no_alarm().await;
    }
}

/// Codes and sessions are as old as they are by our clocks, whatever a client says the time is.
#[tokio::test]
async fn the_time_that_a_client_tells_is_nothing_to_us() {
    let life = Life::of(Options::default()).await;
    let app = &life.app;
    let ada = app.person(EMAIL).await;
    for skew in [-600, -90, -30, 30, 90, 600] {
        let device = app.sign_in(&ada).await;
        let theirs = app.stack.clock().now() + SignedDuration::from_secs(skew);
        let date = theirs.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let dated = |call: latchkey_tests::Call| {
            let call = call.header("date", &date);
            call.header("if-modified-since", &date)
        };
        let me = app.get("/api/auth/user/me").bearer(&device.access);
        dated(me).send().await.expect(200);
        let body = json!({ "refreshToken": device.refresh });
        let refresh = app.patch("/api/auth/user/refresh", &body);
        let fresh: Value = dated(refresh).send().await.json(200);
        assert_eq!(fresh["expiresIn"], 900);
        // A lost answer is one by our clock, and theft is too.
        let refresh = app.patch("/api/auth/user/refresh", &body);
        dated(refresh).send().await.expect(200);
        let pending = app.sign_up(&format!("eve{skew}@example.com")).await;
        let code = app.code_of(&pending).await;
        let body = json!({
            "code": code,
            "userId": pending.user_id,
            "tokenId": pending.token_id,
            "email": pending.email,
        });
        let verify = app.post("/api/auth/verify/email", &body);
        dated(verify).send().await.expect(200);
    }
    let pending = app.sign_up("late@example.com").await;
    let code = app.code_of(&pending).await;
    let then = app.stack.clock().now();
    app.advance(11 * 60).await;
    let body = json!({
        "code": code,
        "userId": pending.user_id,
        "tokenId": pending.token_id,
        "email": pending.email,
    });
    let date = then.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let verify = app.post("/api/auth/verify/email", &body);
    let late = verify.header("date", &date).send().await;
    late.problem(400, "code_expired");
}
