//! `GET /api/auth/user/events`

use latchkey_tests::{App, Device, members};
use serde_json::{Value, json};

const PATH: &str = "/api/auth/user/events";

async fn ada() -> (App, Device) {
    let app = App::start().await;
    let ada = app.person("ada@example.com").await;
    let device = app.sign_in(&ada).await;
    (app, device)
}

async fn page(app: &App, device: &Device, query: &str) -> (Vec<Value>, Option<String>) {
    let call = app.get(&format!("{PATH}{query}")).bearer(&device.access);
    let answer = call.send().await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let body = answer.json(200);
    assert_eq!(members(&body), ["events", "nextCursor"]);
    let events = body["events"].as_array().unwrap().clone();
    (events, body["nextCursor"].as_str().map(str::to_owned))
}

/// Renames so often that there are this many events of it.
async fn rename(app: &App, device: &Device, times: usize) {
    for n in 0..times {
        let body = json!({ "name": format!("Ada {n}") });
        app.edit(device, "basic", &body).await.expect(200);
    }
}

#[tokio::test]
async fn the_newest_comes_first_and_says_where_from() {
    let (app, device) = ada().await;
    let body = json!({ "name": "Countess", "username": "ada" });
    let call = app
        .patch("/api/auth/edit/basic", &body)
        .bearer(&device.access);
    let call = call
        .header("x-dev-client-ip", "203.0.113.7")
        .header("user-agent", "Engine/1");
    let answer = call.send().await.expect(200);
    let (events, next) = page(&app, &device, "").await;
    assert_eq!(next, None);
    let types: Vec<&str> = events
        .iter()
        .filter_map(|event| event["type"].as_str())
        .collect();
    let expected = [
        "user.profile_changed",
        "session.started",
        "user.email_verified",
        "user.signed_up",
    ];
    assert_eq!(types, expected);
    let newest = &events[0];
    assert_eq!(
        members(newest),
        ["at", "data", "id", "ip", "requestId", "type", "userAgent"]
    );
    assert_eq!(newest["data"], json!({ "fields": ["name", "username"] }));
    assert_eq!(
        (&newest["ip"], &newest["userAgent"]),
        (&json!("203.0.113.7"), &json!("Engine/1"))
    );
    assert_eq!(newest["requestId"].as_str(), answer.header("x-request-id"));
    // An event names what was changed, never to what.
    assert!(!newest.to_string().contains("Countess"));
}

#[tokio::test]
async fn fifty_come_at_once_and_the_pages_are_whole_and_do_not_overlap() {
    let (app, device) = ada().await;
    rename(&app, &device, 110).await;
    let (first, cursor) = page(&app, &device, "").await;
    let cursor = cursor.expect("more");
    // What happens meanwhile moves nothing.
    rename(&app, &device, 3).await;
    let (second, next) = page(&app, &device, &format!("?cursor={cursor}")).await;
    let next = next.expect("more");
    let (third, end) = page(&app, &device, &format!("?cursor={next}")).await;
    assert_eq!((first.len(), second.len(), third.len()), (50, 50, 13));
    assert_eq!(end, None);
    let mut ids: Vec<&str> = first
        .iter()
        .chain(&second)
        .chain(&third)
        .filter_map(|event| event["id"].as_str())
        .collect();
    assert_eq!(ids.len(), 113);
    assert_eq!(third[12]["type"], "user.signed_up");
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 113);
    // The same cursor shows the same again.
    assert_eq!(
        page(&app, &device, &format!("?cursor={cursor}")).await.0,
        second
    );
}

#[tokio::test]
async fn the_last_full_page_has_no_empty_one_behind_it() {
    let (app, device) = ada().await;
    rename(&app, &device, 47).await;
    let (events, next) = page(&app, &device, "").await;
    assert_eq!(events.len(), 50);
    if let Some(next) = next {
        let (rest, end) = page(&app, &device, &format!("?cursor={next}")).await;
        assert_eq!((rest.len(), end), (0, None));
    }
}

#[tokio::test]
async fn a_cursor_of_another_user_shows_nothing_of_theirs() {
    let (app, device) = ada().await;
    rename(&app, &device, 60).await;
    let (adas, cursor) = page(&app, &device, "").await;
    let eve = app.person("eve@example.com").await;
    let eves = app.sign_in(&eve).await;
    let (own, _) = page(&app, &eves, "").await;
    let (shown, _) = page(&app, &eves, &format!("?cursor={}", cursor.unwrap())).await;
    for event in shown {
        assert!(own.contains(&event), "{event}");
        assert!(!adas.contains(&event), "{event}");
    }
}

#[tokio::test]
async fn what_is_no_cursor_is_refused() {
    let (app, device) = ada().await;
    for cursor in [
        "x",
        "01H455VB4PEX5VSKNK084SN02",
        "01H455VB4PEX5VSKNK084SN02QQ",
        "user%2301890a5d-ac96-774b-bcce-b302099a8057",
        "%7B%22pk%22%3A%22system%22%7D",
        "%00",
        "",
    ] {
        let call = app
            .get(&format!("{PATH}?cursor={cursor}"))
            .bearer(&device.access);
        let bad = call.send().await.bad_fields();
        assert_eq!((bad.len(), bad[0].0.as_str()), (1, "cursor"), "{cursor}");
    }
    for query in [
        "?limit=1000",
        "?userId=01890a5d-ac96-774b-bcce-b302099a8057",
        "?cursor=a&cursor=b",
    ] {
        let call = app.get(&format!("{PATH}{query}")).bearer(&device.access);
        assert_eq!(call.send().await.bad_fields().len(), 1, "{query}");
    }
    app.get(PATH).send().await.problem(401, "unauthenticated");
}
