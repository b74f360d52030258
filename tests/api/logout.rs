//! `DELETE /api/auth/user/logout` and `DELETE /api/auth/user/logout-all`

use latchkey_local::Options;
use latchkey_tests::{Answer, App, Client, Device, Person, Redis};
use secrecy::SecretString;
use serde_json::json;

const LOGOUT: &str = "/api/auth/user/logout";
const LOGOUT_ALL: &str = "/api/auth/user/logout-all";

/// Longer than the cache has to have been recording before its silence is trusted, and than its
/// deny marks last.
const DENY_LIFE: i64 = 16 * 60;

/// Settings that let a token outlive a restart: the port is another one then.
const STABLE: [(&str, &str); 1] = [("PUBLIC_URL", "https://id.example.com")];

async fn app_with_ada() -> (App, Person) {
    let app = App::start().await;
    let ada = app.person("ada@example.com").await;
    (app, ada)
}

async fn delete(app: &Client, path: &str, device: &Device) -> Answer {
    app.delete(path).bearer(&device.access).send().await
}

/// Claims that a device is still signed in, and gives it as it is after a refresh.
async fn is_on(app: &Client, device: &Device) -> Device {
    app.me(&device.access).await.expect(200);
    Device::from(&app.refresh(&device.refresh).await.json(200))
}

/// Claims that neither of a device's tokens is good for anything.
async fn is_over(app: &Client, device: &Device) {
    let answer = app.me(&device.access).await;
    assert!(answer.header("www-authenticate").is_some());
    answer.problem(401, "unauthenticated");
    app.refresh(&device.refresh)
        .await
        .problem(401, "session_expired");
    for path in [LOGOUT, LOGOUT_ALL] {
        delete(app, path, device)
            .await
            .problem(401, "unauthenticated");
    }
}

/// Claims that an answer makes a browser forget the session.
fn clears_the_browser(answer: &Answer) {
    let cookie = answer.refresh_cookie().expect("a cookie");
    let mut parts: Vec<_> = cookie.split("; ").collect();
    parts.sort_unstable();
    assert_eq!(
        parts,
        [
            "HttpOnly",
            "Max-Age=0",
            "Path=/",
            "SameSite=Strict",
            "Secure",
            "__Host-refresh_token="
        ]
    );
    // Not "cookies": those of the whole domain would go, and with them the trust in this device.
    assert_eq!(answer.header("clear-site-data"), Some(r#""storage""#));
}

#[tokio::test]
async fn signing_out_ends_this_session_at_once_and_no_other() {
    let (app, ada) = app_with_ada().await;
    let (here, there) = (app.sign_in(&ada).await, app.sign_in(&ada).await);
    let eve = app.person("eve@example.com").await;
    let eve = app.sign_in(&eve).await;
    let answer = delete(&app, LOGOUT, &here).await.expect(204);
    assert_eq!(answer.text, "");
    clears_the_browser(&answer);
    is_over(&app, &here).await;
    is_on(&app, &there).await;
    is_on(&app, &eve).await;
}

#[tokio::test]
async fn signing_out_everywhere_ends_every_session_of_this_user() {
    let (app, ada) = app_with_ada().await;
    let devices = [
        app.sign_in(&ada).await,
        app.sign_in(&ada).await,
        app.sign_in(&ada).await,
    ];
    let eve = app.person("eve@example.com").await;
    let eve = app.sign_in(&eve).await;
    let answer = delete(&app, LOGOUT_ALL, &devices[1]).await.expect(204);
    clears_the_browser(&answer);
    for device in &devices {
        is_over(&app, device).await;
    }
    is_on(&app, &eve).await;
}

#[tokio::test]
async fn signing_out_everywhere_else_keeps_this_session() {
    let (app, ada) = app_with_ada().await;
    let (here, there) = (app.sign_in(&ada).await, app.sign_in(&ada).await);
    let path = format!("{LOGOUT_ALL}?keepCurrent=true");
    let answer = delete(&app, &path, &here).await.expect(204);
    assert!(answer.refresh_cookie().is_none());
    assert!(answer.headers.get("clear-site-data").is_none());
    is_over(&app, &there).await;
    let here = is_on(&app, &here).await;
    // With nobody else left it is just as well.
    delete(&app, &path, &here).await.expect(204);
    is_on(&app, &here).await;
}

#[tokio::test]
async fn not_keeping_this_session_is_the_default() {
    let (app, ada) = app_with_ada().await;
    let device = app.sign_in(&ada).await;
    let path = format!("{LOGOUT_ALL}?keepCurrent=false");
    clears_the_browser(&delete(&app, &path, &device).await.expect(204));
    is_over(&app, &device).await;
}

#[tokio::test]
async fn a_query_that_makes_no_sense_ends_nothing() {
    let (app, ada) = app_with_ada().await;
    let (here, there) = (app.sign_in(&ada).await, app.sign_in(&ada).await);
    for (query, field) in [
        ("keepCurrent=yes", "keepCurrent"),
        ("keepCurrent=1", "keepCurrent"),
        ("keepCurrent=TRUE", "keepCurrent"),
        ("keepCurrent=", "keepCurrent"),
        ("keepCurrent", "keepCurrent"),
        ("keepCurrent=true&keepCurrent=false", "keepCurrent"),
        ("keepcurrent=true", "keepcurrent"),
        ("keepCurrent=true&userId=x", "userId"),
    ] {
        let path = format!("{LOGOUT_ALL}?{query}");
        let fields = delete(&app, &path, &here).await.bad_fields();
        assert_eq!(fields.len(), 1, "{query}: {fields:?}");
        assert_eq!(fields[0].0, field, "{query}");
    }
    is_on(&app, &here).await;
    is_on(&app, &there).await;
}

#[tokio::test]
async fn nobody_is_signed_out_without_a_token() {
    let (app, ada) = app_with_ada().await;
    let device = app.sign_in(&ada).await;
    for path in [LOGOUT, LOGOUT_ALL] {
        app.delete(path)
            .refresh_cookie(&device.refresh)
            .send()
            .await
            .problem(401, "unauthenticated");
        app.delete(path)
            .bearer(&device.refresh)
            .send()
            .await
            .problem(401, "unauthenticated");
    }
    is_on(&app, &device).await;
}

#[tokio::test]
async fn one_can_sign_in_right_after_signing_out_everywhere() {
    let (app, ada) = app_with_ada().await;
    for _ in 0..5 {
        let device = app.sign_in(&ada).await;
        delete(&app, LOGOUT_ALL, &device).await.expect(204);
        is_over(&app, &device).await;
    }
    let device = app.sign_in(&ada).await;
    is_on(&app, &device).await;
}

#[tokio::test]
async fn more_sessions_than_one_transaction_takes_end_together() {
    let (app, ada) = app_with_ada().await;
    // Sessions that nobody refreshes run out after a week, and count to the month's end.
    let mut devices = Vec::new();
    for _ in 0..5 {
        app.advance(7 * 24 * 60 * 60).await;
        for _ in 0..20 {
            devices.push(app.sign_in(&ada).await);
        }
    }
    let on = devices.split_off(80);
    delete(&app, LOGOUT_ALL, &on[0]).await.expect(204);
    for device in &on {
        is_over(&app, device).await;
    }
    for device in &devices {
        app.refresh(&device.refresh)
            .await
            .problem(401, "session_expired");
    }
    is_on(&app, &app.sign_in(&ada).await).await;
}

#[tokio::test]
async fn a_cache_that_is_trusted_denies_what_has_ended() {
    let (app, ada) = app_with_ada().await;
    app.me(&app.sign_in(&ada).await.access).await.expect(200);
    app.advance(DENY_LIFE + 60).await;
    let (here, there) = (app.sign_in(&ada).await, app.sign_in(&ada).await);
    is_on(&app, &here).await;
    delete(&app, LOGOUT, &here).await.expect(204);
    is_over(&app, &here).await;
    delete(&app, LOGOUT_ALL, &there).await.expect(204);
    is_over(&app, &there).await;
}

#[tokio::test]
async fn a_cache_that_lost_its_marks_lets_nobody_back_in() {
    let data = tempfile::tempdir().unwrap();
    let app = App::kept(data.path(), &STABLE).await;
    let ada = app.person("ada@example.com").await;
    let eve = app.person("eve@example.com").await;
    let (on, out) = (app.sign_in(&ada).await, app.sign_in(&ada).await);
    let out_everywhere = app.sign_in(&eve).await;
    delete(&app, LOGOUT, &out).await.expect(204);
    delete(&app, LOGOUT_ALL, &out_everywhere).await.expect(204);
    app.stop().await;

    // The cache is memory of the process: it starts empty.
    let app = App::kept(data.path(), &STABLE).await;
    is_over(&app, &out).await;
    is_over(&app, &out_everywhere).await;
    let on = is_on(&app, &on).await;
    app.me(&on.access).await.expect(200);
}

#[tokio::test]
async fn what_has_ended_stays_so_when_its_mark_has_gone() {
    let (app, ada) = app_with_ada().await;
    let (out, other) = (app.sign_in(&ada).await, app.sign_in(&ada).await);
    delete(&app, LOGOUT, &out).await.expect(204);
    for _ in 0..3 {
        app.advance(DENY_LIFE).await;
        is_over(&app, &out).await;
    }
    app.refresh(&other.refresh).await.expect(200);
}

#[tokio::test]
async fn signing_out_ends_the_access_token_also_while_redis_is_away_and_after() {
    let Some(mut redis) = Redis::start().await else {
        return;
    };
    let app = App::of(Options {
        redis_url: Some(SecretString::from(redis.url())),
        ..Options::default()
    })
    .await;
    let ada = app.person("ada@example.com").await;
    let device = app.sign_in(&ada).await;
    app.me(&device.access).await.expect(200);
    redis.kill();
    // All goes on without it.
    app.me(&device.access).await.expect(200);
    let other = app.sign_in(&ada).await;
    let other = Device::from(&app.refresh(&other.refresh).await.json(200));
    delete(&app, LOGOUT, &device).await.expect(204);
    app.me(&device.access).await.problem(401, "unauthenticated");
    app.get("/api/auth/sessions")
        .bearer(&device.access)
        .send()
        .await
        .problem(401, "unauthenticated");
    app.me(&other.access).await.expect(200);
    // But for what counts in it.
    let resend = json!({ "email": "ada@example.com" });
    let answer = app
        .post("/api/auth/resend/verify/email", &resend)
        .send()
        .await;
    assert_eq!(answer.header("retry-after"), Some("1"));
    answer.problem(503, "unavailable");
}
