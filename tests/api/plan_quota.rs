//! What a plan allows of requests: counted for the user, period by period.

use jiff::SignedDuration;
use latchkey_local::Options;
use latchkey_shared::clock::Clock;
use latchkey_tests::{Answer, App, Call, Device, PASSWORD, Person, Redis, at_once};
use reqwest::Method;
use secrecy::SecretString;
use serde_json::{Value, json};

const HOUR: i64 = 60 * 60;
const DAY: i64 = 24 * HOUR;

async fn define(app: &App, admin: &Device, id: &str, change: &Value) {
    let mut body = json!({
        "name": "Tiny", "limits": {}, "period": "subscription", "maxSessions": 5,
    });
    for (name, value) in change.as_object().unwrap() {
        body[name] = value.clone();
    }
    let path = format!("/api/admin/plans/{id}");
    let call = app.put(&path, &body).bearer(&admin.access);
    call.send().await.expect(200);
}

async fn give(app: &App, admin: &Device, person: &Person, body: &Value) {
    let path = format!("/api/admin/users/{}/plan", person.id);
    let call = app.put(&path, body).bearer(&admin.access);
    call.send().await.expect(200);
}

/// A service with the plan `tiny`, somebody who has it, and who gave it to them.
async fn tiny(change: &Value) -> (App, Device, Person, Device) {
    let app = App::start().await;
    let (_, admin) = app.first_admin().await;
    define(&app, &admin, "tiny", change).await;
    let ada = app.person("ada@example.com").await;
    give(&app, &admin, &ada, &json!({ "plan": "tiny" })).await;
    // What an instance knows of plans is a minute old at most.
    app.advance(60).await;
    let device = app.sign_in(&ada).await;
    (app, admin, ada, device)
}

async fn renewed(app: &App, device: &Device) -> Device {
    Device::from(&app.refresh(&device.refresh).await.json(200))
}

fn me(app: &App, device: &Device) -> Call {
    app.get("/api/auth/user/me").bearer(&device.access)
}

/// What the header says of this limit: how many are left, and in how many seconds they are back.
fn left(answer: &Answer, name: &str) -> (u64, i64) {
    let list = answer.header("ratelimit").expect("the header");
    let prefix = format!("\"{name}\";r=");
    let item = list.split(", ").find_map(|item| item.strip_prefix(&prefix));
    let (remaining, seconds) = item.expect(list).split_once(";t=").unwrap();
    (remaining.parse().unwrap(), seconds.parse().unwrap())
}

#[tokio::test]
async fn a_user_has_what_the_plan_allows_and_is_told_what_is_left() {
    let (app, _, _, device) = tiny(&json!({ "limits": { "day": 3 } })).await;
    for remaining in [2, 1, 0] {
        let answer = me(&app, &device).send().await.expect(200);
        let policy = answer.header("ratelimit-policy").unwrap();
        assert!(policy.contains(r#""plan-day";q=3;w=86400"#), "{policy}");
        assert_eq!(left(&answer, "plan-day").0, remaining);
    }
    // On every route that the plan counts.
    for path in [
        "/api/auth/user/me",
        "/api/auth/preferences",
        "/api/auth/user/events",
    ] {
        let refused = app.get(path).bearer(&device.access).send().await;
        let (remaining, seconds) = left(&refused, "plan-day");
        let wait: i64 = refused.header("retry-after").unwrap().parse().unwrap();
        assert_eq!((remaining, seconds), (0, wait));
        assert!((DAY - 120..=DAY).contains(&wait), "{wait}");
        refused.problem(429, "rate_limited");
    }
}

#[tokio::test]
async fn who_has_used_up_the_plan_can_still_look_after_the_account() {
    let (app, _, ada, device) = tiny(&json!({ "limits": { "year": 1 } })).await;
    me(&app, &device).send().await.expect(200);
    me(&app, &device).send().await.problem(429, "rate_limited");
    let other = app.sign_in(&ada).await;
    me(&app, &other).send().await.problem(429, "rate_limited");
    let get = |path: &str| app.get(path).bearer(&device.access);
    get("/api/auth/sessions").send().await.expect(200);
    get("/api/auth/user/export").send().await.expect(200);
    let password = json!({ "password": PASSWORD });
    let step_up = app.post("/api/auth/step-up", &password);
    step_up.bearer(&device.access).send().await.expect(200);
    let body = json!({ "password": "quite another one 97", "currentPassword": PASSWORD });
    let change = app.patch("/api/auth/edit/password", &body);
    change.bearer(&device.access).send().await.expect(200);
    app.refresh(&device.refresh).await.expect(200);
    let logout = app.delete("/api/auth/user/logout");
    logout.bearer(&device.access).send().await.expect(204);
}

#[tokio::test]
async fn it_is_the_user_who_is_counted_and_nobody_else() {
    let (app, admin, ada, device) = tiny(&json!({ "limits": { "day": 2 } })).await;
    let bob = app.person("bob@example.com").await;
    give(&app, &admin, &bob, &json!({ "plan": "tiny" })).await;
    let bobs = app.sign_in(&bob).await;
    let other = app.sign_in(&ada).await;
    me(&app, &device).send().await.expect(200);
    me(&app, &other).send().await.expect(200);
    // Neither another session, nor a new token, nor another address makes another user.
    let next = renewed(&app, &device).await;
    for device in [&device, &other, &next] {
        let call = me(&app, device).header("x-dev-client-ip", "203.0.113.9");
        call.send().await.problem(429, "rate_limited");
    }
    me(&app, &bobs).send().await.expect(200);
}

#[tokio::test]
async fn of_a_hundred_at_once_exactly_the_number_is_let_through() {
    let (app, _, _, device) = tiny(&json!({ "limits": { "month": 17, "week": 40 } })).await;
    let answers = at_once((0..100).map(|_| me(&app, &device))).await;
    let admitted = answers.iter().filter(|answer| answer.status == 200).count();
    let refused = answers.iter().filter(|answer| answer.status == 429).count();
    assert_eq!((admitted, refused), (17, 83));
    // What the month refused, the week has not counted.
    let refused = me(&app, &device).send().await;
    assert_eq!(left(&refused, "plan-week").0, 40 - 17);
}

#[tokio::test]
async fn a_period_of_the_subscription_begins_with_it_and_ends_on_time() {
    let (app, _, ada, device) = tiny(&json!({ "limits": { "week": 1 } })).await;
    let first = me(&app, &device).send().await.expect(200);
    let (_, seconds) = left(&first, "plan-week");
    // They got the plan a minute ago.
    let week = 7 * DAY;
    assert!((week - 120..=week - 55).contains(&seconds), "{seconds}");
    app.advance(seconds - 30).await;
    let device = app.sign_in(&ada).await;
    me(&app, &device).send().await.problem(429, "rate_limited");
    app.advance(30).await;
    me(&app, &device).send().await.expect(200);
}

#[tokio::test]
async fn a_period_of_the_calendar_is_everybody_s() {
    let change = json!({ "limits": { "day": 5 }, "period": "calendar" });
    let (app, admin, _, device) = tiny(&change).await;
    let bob = app.person("bob@example.com").await;
    app.advance(2 * HOUR).await;
    let (admin, device) = (renewed(&app, &admin).await, renewed(&app, &device).await);
    give(&app, &admin, &bob, &json!({ "plan": "tiny" })).await;
    let bobs = app.sign_in(&bob).await;
    let (_, adas) = left(&me(&app, &device).send().await.expect(200), "plan-day");
    let (_, bobs) = left(&me(&app, &bobs).send().await.expect(200), "plan-day");
    assert!((adas - bobs).abs() <= 5, "{adas} {bobs}");
}

#[tokio::test]
async fn a_role_that_the_plan_names_has_limits_of_its_own() {
    let app = App::start().await;
    let (root, admin) = app.first_admin().await;
    let change = json!({
        "limits": { "day": 1 },
        "roleLimits": { "admin": { "day": 3, "week": null }, "robot": {} },
    });
    define(&app, &admin, "tiny", &change).await;
    let ada = app.person("ada@example.com").await;
    for person in [&ada, &root] {
        give(&app, &admin, person, &json!({ "plan": "tiny" })).await;
    }
    app.advance(60).await;
    let (adas, roots) = (app.sign_in(&ada).await, app.sign_in(&root).await);
    for (device, number) in [(&adas, 1), (&roots, 3)] {
        for remaining in (0..number).rev() {
            let answer = me(&app, device).send().await.expect(200);
            assert_eq!(left(&answer, "plan-day").0, remaining);
        }
        me(&app, device).send().await.problem(429, "rate_limited");
    }
    // And no plan holds up what admins do.
    let list = app.get("/api/admin/plans").bearer(&roots.access);
    list.send().await.expect(200);
}

#[tokio::test]
async fn when_a_plan_ends_the_free_one_counts_also_for_a_token_from_before() {
    let (app, admin, ada, _) = tiny(&json!({ "limits": { "day": 1 } })).await;
    let until = app.stack.clock().now() + SignedDuration::from_secs(300);
    give(
        &app,
        &admin,
        &ada,
        &json!({ "plan": "tiny", "until": until }),
    )
    .await;
    let device = app.sign_in(&ada).await;
    me(&app, &device).send().await.expect(200);
    me(&app, &device).send().await.problem(429, "rate_limited");
    app.advance(301).await;
    let answer = me(&app, &device).send().await.expect(200);
    assert_eq!(left(&answer, "plan-minute").0, 299);
}

#[tokio::test]
async fn a_plan_that_is_changed_counts_anew_within_a_minute() {
    let (app, admin, _, device) = tiny(&json!({ "limits": { "day": 1 } })).await;
    me(&app, &device).send().await.expect(200);
    me(&app, &device).send().await.problem(429, "rate_limited");
    define(&app, &admin, "tiny", &json!({ "limits": { "day": 3 } })).await;
    app.advance(60).await;
    let answer = me(&app, &device).send().await.expect(200);
    // What was spent is spent.
    assert_eq!(left(&answer, "plan-day").0, 1);
    define(&app, &admin, "tiny", &json!({ "limits": {} })).await;
    app.advance(60).await;
    for _ in 0..9 {
        me(&app, &device).send().await.expect(200);
    }
}

#[tokio::test]
async fn whoever_has_lost_the_session_is_told_that_first() {
    let (app, _, _, device) = tiny(&json!({ "limits": { "day": 1 } })).await;
    me(&app, &device).send().await.expect(200);
    let logout = app.call(Method::DELETE, "/api/auth/user/logout");
    logout.bearer(&device.access).send().await.expect(204);
    me(&app, &device)
        .send()
        .await
        .problem(401, "unauthenticated");
}

#[tokio::test]
async fn while_redis_is_away_an_instance_counts_a_tenth_alone() {
    let Some(mut redis) = Redis::start().await else {
        return;
    };
    let app = App::of(Options {
        redis_url: Some(SecretString::from(redis.url())),
        ..Options::default()
    })
    .await;
    let (_, admin) = app.first_admin().await;
    define(&app, &admin, "tiny", &json!({ "limits": { "day": 40 } })).await;
    let ada = app.person("ada@example.com").await;
    give(&app, &admin, &ada, &json!({ "plan": "tiny" })).await;
    app.advance(60).await;
    let device = app.sign_in(&ada).await;
    me(&app, &device).send().await.expect(200);
    redis.kill();
    for _ in 0..4 {
        me(&app, &device).send().await.expect(200);
    }
    me(&app, &device).send().await.problem(429, "rate_limited");
}

#[tokio::test]
async fn a_session_that_refreshes_without_end_is_slowed_down_and_no_other() {
    let app = App::start().await;
    let ada = app.person("ada@example.com").await;
    let (mut device, other) = (app.sign_in(&ada).await, app.sign_in(&ada).await);
    for remaining in (0..300).rev() {
        let answer = app.refresh(&device.refresh).await.expect(200);
        // Some come back while the test runs.
        assert!(left(&answer, "session").0 >= remaining);
        device = Device::from(&answer.json(200));
    }
    let mut last = app.refresh(&device.refresh).await;
    for _ in 0..300 {
        if last.status == 429 {
            break;
        }
        device = Device::from(&last.json(200));
        last = app.refresh(&device.refresh).await;
    }
    let wait: i64 = last.header("retry-after").unwrap().parse().unwrap();
    last.problem(429, "rate_limited");
    app.refresh(&other.refresh).await.expect(200);
    // The token is none the worse for it.
    app.advance(wait).await;
    app.refresh(&device.refresh).await.expect(200);
}

#[tokio::test]
async fn a_token_of_a_session_that_is_over_spends_nothing_of_its_user() {
    let (app, _, ada, device) = tiny(&json!({ "limits": { "day": 5 } })).await;
    let gone = app.sign_in(&ada).await;
    let logout = app.delete("/api/auth/user/logout").bearer(&gone.access);
    logout.send().await.expect(204);
    for answer in at_once((0..50).map(|_| me(&app, &gone))).await {
        answer.problem(401, "unauthenticated");
    }
    let answer = me(&app, &device).send().await.expect(200);
    assert_eq!(left(&answer, "plan-day").0, 4);
    assert!(left(&answer, "user").0 > 590);
}
