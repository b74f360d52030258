//! `PATCH /api/auth/user/refresh` with the token in the body: rotation, theft, time.

use std::collections::BTreeSet;

use latchkey_tests::{App, Client, Device, Person, at_once};
use serde_json::json;

const DAY: i64 = 24 * 60 * 60;

async fn app_with_ada() -> (App, Person, Device) {
    let app = App::start().await;
    let ada = app.person("ada@example.com").await;
    let device = app.sign_in(&ada).await;
    (app, ada, device)
}

/// The device after a refresh that goes well.
async fn refreshed(app: &Client, device: &Device) -> Device {
    let signed_in = app.refresh(&device.refresh).await.json(200);
    assert_eq!(signed_in["status"], "signed_in");
    assert_eq!(signed_in["expiresIn"], 900);
    Device::from(&signed_in)
}

/// Claims that neither of a device's tokens is good for anything.
async fn is_over(app: &Client, device: &Device) {
    app.me(&device.access).await.problem(401, "unauthenticated");
    app.refresh(&device.refresh)
        .await
        .problem(401, "session_expired");
}

async fn theft_mails(app: &Client, person: &Person) -> usize {
    let mails = app.mails_to(&person.email).await;
    let theft = mails
        .iter()
        .filter(|mail| mail.template == "session_ended_by_reuse");
    theft.count()
}

#[tokio::test]
async fn a_refresh_gives_the_next_token_of_the_same_session() {
    let (app, ada, device) = app_with_ada().await;
    let answer = app.refresh(&device.refresh).await;
    assert!(answer.headers.get("set-cookie").is_none());
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let signed_in = answer.json(200);
    assert_eq!(signed_in["user"]["id"], ada.id);
    let next = Device::from(&signed_in);
    assert_ne!(next.refresh, device.refresh);
    assert_ne!(next.access, device.access);
    assert_eq!(next.session_id, device.session_id);
    for access in [&device.access, &next.access] {
        app.me(access).await.expect(200);
    }
}

#[tokio::test]
async fn each_token_of_a_chain_is_new_and_says_the_same_of_the_sign_in() {
    let (app, _, first) = app_with_ada().await;
    let begun = first.claims()["auth_time"].clone();
    let mut seen = BTreeSet::from([first.refresh.clone()]);
    let mut device = first;
    for _ in 0..5 {
        app.advance(60).await;
        device = refreshed(&app, &device).await;
        assert!(seen.insert(device.refresh.clone()));
        let claims = device.claims();
        assert_eq!(claims["auth_time"], begun);
        assert_eq!(claims["amr"], json!(["pwd"]));
        assert!(claims["iat"].as_i64() > begun.as_i64());
    }
}

#[tokio::test]
async fn a_lost_answer_is_given_again_for_half_a_minute() {
    let (app, ada, device) = app_with_ada().await;
    let won = refreshed(&app, &device).await;
    for _ in 0..3 {
        app.advance(5).await;
        let again = refreshed(&app, &device).await;
        assert_eq!(again.refresh, won.refresh);
        app.me(&again.access).await.expect(200);
    }
    let next = refreshed(&app, &won).await;
    assert_ne!(next.refresh, won.refresh);
    assert_eq!(theft_mails(&app, &ada).await, 0);
}

#[tokio::test]
async fn after_half_a_minute_a_used_token_is_theft() {
    let (app, ada, device) = app_with_ada().await;
    let other = app.sign_in(&ada).await;
    let won = refreshed(&app, &device).await;
    app.advance(31).await;
    app.refresh(&device.refresh)
        .await
        .problem(401, "refresh_token_reused");

    for of_the_session in [&device, &won] {
        is_over(&app, of_the_session).await;
    }
    assert_eq!(theft_mails(&app, &ada).await, 1);
    app.me(&other.access).await.expect(200);
    refreshed(&app, &other).await;
    // The owner signs in again and is not bothered any further.
    app.sign_in(&ada).await;
}

#[tokio::test]
async fn two_steps_behind_is_theft_at_once() {
    let (app, ada, device) = app_with_ada().await;
    let second = refreshed(&app, &device).await;
    let third = refreshed(&app, &second).await;
    app.refresh(&device.refresh)
        .await
        .problem(401, "refresh_token_reused");
    for of_the_session in [&device, &second, &third] {
        is_over(&app, of_the_session).await;
    }
    assert_eq!(theft_mails(&app, &ada).await, 1);
}

#[tokio::test]
async fn the_owner_learns_where_the_stolen_token_came_from() {
    let (app, ada, device) = app_with_ada().await;
    let second = refreshed(&app, &device).await;
    refreshed(&app, &second).await;
    app.patch(
        "/api/auth/user/refresh",
        &json!({ "refreshToken": device.refresh }),
    )
    .header("x-dev-client-ip", "203.0.113.66")
    .send()
    .await
    .problem(401, "refresh_token_reused");
    let mail = app.mail_to(&ada.email, "session_ended_by_reuse").await;
    assert!(mail.text.contains("203.0.113.66"), "{}", mail.text);
    for secret in [&device.refresh, &device.access] {
        assert!(!mail.text.contains(secret.as_str()));
        assert!(!mail.html.contains(secret.as_str()));
    }
}

#[tokio::test]
async fn a_session_that_rests_for_a_week_is_over() {
    let (app, _, device) = app_with_ada().await;
    app.advance(7 * DAY - 60).await;
    let device = refreshed(&app, &device).await;
    app.advance(7 * DAY).await;
    is_over(&app, &device).await;
}

#[tokio::test]
async fn a_session_ends_after_thirty_days_however_often_it_is_used() {
    let (app, _, mut device) = app_with_ada().await;
    let ends = app.me(&device.access).await.json(200)["session"]["expiresAt"].clone();
    for _ in 0..29 {
        app.advance(DAY).await;
        device = refreshed(&app, &device).await;
    }
    let session = app.me(&device.access).await.json(200)["session"].clone();
    assert_eq!(session["expiresAt"], ends);
    app.advance(DAY).await;
    is_over(&app, &device).await;
}

#[tokio::test]
async fn a_used_token_of_a_session_that_ran_out_is_no_theft() {
    let (app, ada, device) = app_with_ada().await;
    refreshed(&app, &device).await;
    app.advance(30 * DAY).await;
    is_over(&app, &device).await;
    assert_eq!(theft_mails(&app, &ada).await, 0);
}

#[tokio::test]
async fn a_token_that_we_never_issued_is_refused() {
    let (app, _, device) = app_with_ada().await;
    let eve = app.person("eve@example.com").await;
    let eve = app.sign_in(&eve).await;
    let elsewhere = App::start().await;
    let mallory = elsewhere.person("ada@example.com").await;
    let mallory = elsewhere.sign_in(&mallory).await;

    let half = device.refresh.len() / 2;
    let mut forged = vec![
        String::new(),
        "nonsense".to_owned(),
        "lkr_".to_owned(),
        mallory.refresh,
        device.refresh[..half].to_owned(),
        device.refresh[4..].to_owned(),
        format!("{}A", device.refresh),
        format!("{} ", device.refresh),
        // Ada's session under the MAC of Eve's.
        format!("{}{}", &device.refresh[..half], &eve.refresh[half..]),
        format!("{}{}", &eve.refresh[..half], &device.refresh[half..]),
        "\u{1f511}".repeat(100),
        "x".repeat(10_000),
    ];
    for at in (0..device.refresh.len()).step_by(7) {
        let mut changed = device.refresh.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        forged.push(String::from_utf8(changed).unwrap());
    }
    for token in forged {
        let answer = app.refresh(&token).await;
        answer.problem(401, "session_expired");
    }
    refreshed(&app, &device).await;
    refreshed(&app, &eve).await;
}

#[tokio::test]
async fn every_bad_field_is_named() {
    let (app, _, device) = app_with_ada().await;
    let cases = [
        (json!({ "refreshToken": 1 }), vec!["refreshToken"]),
        (
            json!({ "refreshToken": [device.refresh] }),
            vec!["refreshToken"],
        ),
        (
            json!({ "refreshToken": device.refresh, "userId": "x", "sessionId": "y" }),
            vec!["sessionId", "userId"],
        ),
        (json!({ "token": device.refresh }), vec!["token"]),
    ];
    for (body, expected) in cases {
        let answer = app.patch("/api/auth/user/refresh", &body).send().await;
        let fields = answer.bad_fields();
        let names: Vec<_> = fields.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, expected, "{body}");
    }
    refreshed(&app, &device).await;
}

#[tokio::test]
async fn no_token_at_all_is_no_session() {
    let app = App::start().await;
    app.call("PATCH".parse().unwrap(), "/api/auth/user/refresh")
        .send()
        .await
        .problem(401, "session_expired");
    app.patch("/api/auth/user/refresh", &json!({}))
        .send()
        .await
        .problem(401, "session_expired");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_twenty_refreshes_at_once_all_get_the_same_next_token() {
    let (app, ada, mut device) = app_with_ada().await;
    for _ in 0..5 {
        let body = json!({ "refreshToken": device.refresh });
        let calls = (0..20).map(|_| app.patch("/api/auth/user/refresh", &body));
        let answers = at_once(calls).await;
        let mut next = BTreeSet::new();
        for answer in answers {
            let won = Device::from(&answer.json(200));
            app.me(&won.access).await.expect(200);
            next.insert(won.refresh);
        }
        assert_eq!(next.len(), 1);
        device.refresh = next.pop_first().unwrap();
    }
    refreshed(&app, &device).await;
    assert_eq!(theft_mails(&app, &ada).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stolen_token_that_comes_often_at_once_is_told_of_once() {
    let (app, ada, device) = app_with_ada().await;
    let second = refreshed(&app, &device).await;
    refreshed(&app, &second).await;
    let body = json!({ "refreshToken": device.refresh });
    let calls = (0..20).map(|_| app.patch("/api/auth/user/refresh", &body));
    let mut codes = Vec::new();
    for answer in at_once(calls).await {
        codes.push(answer.json(401)["code"].clone());
    }
    codes.sort_by_key(|code| code != "refresh_token_reused");
    assert_eq!(codes[0], "refresh_token_reused");
    assert!(codes[1..].iter().all(|code| code == "session_expired"));
    assert_eq!(theft_mails(&app, &ada).await, 1);
}

#[tokio::test]
async fn what_was_signed_out_does_not_come_back() {
    let (app, ada, device) = app_with_ada().await;
    let next = refreshed(&app, &device).await;
    app.delete("/api/auth/user/logout")
        .bearer(&next.access)
        .send()
        .await
        .expect(204);
    for of_the_session in [&device, &next] {
        is_over(&app, of_the_session).await;
    }
    assert_eq!(theft_mails(&app, &ada).await, 0);
}
