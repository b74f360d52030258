//! A stranger can't lock the owner out of a device that they have signed in on.

use super::*;

const HOME: &str = "203.0.113.5";
const AWAY: &str = "192.0.2.77";

/// Signs in as a browser does, and gives the device cookie that it keeps.
async fn browser(app: &Client, name: &Value, cookie: Option<&str>) -> String {
    let mut body = name.clone();
    body["password"] = json!(PASSWORD);
    let call = app.post(SIGN_IN, &body).header("x-dev-client-ip", HOME);
    let call = match cookie {
        Some(cookie) => call.header("cookie", cookie),
        None => call,
    };
    device_cookie(&call.send().await.expect(200)).expect("a device cookie")
}

fn device_cookie(answer: &Answer) -> Option<String> {
    answer
        .headers
        .get_all("set-cookie")
        .iter()
        .map(|value| value.to_str().unwrap())
        .find(|value| value.starts_with("__Host-device="))
        .map(|value| value.split(';').next().unwrap().to_owned())
}

/// A sign-in with this cookie from a network that nobody knows.
fn with_cookie(app: &Client, cookie: &str, password: &str) -> Call {
    let mut body = ada();
    body["password"] = json!(password);
    let call = app.post(SIGN_IN, &body);
    call.header("x-dev-client-ip", AWAY)
        .header("cookie", cookie)
}

async fn lock_strangers_out(app: &Client) {
    for _ in 0..5 {
        fails(app, &ada()).await;
    }
    locked_for(app, &ada()).await;
}

#[tokio::test]
async fn the_cookie_is_as_safe_as_cookies_can_be() {
    let app = app_with_ada().await;
    let answer = sign_in(&app, &ada(), PASSWORD).send().await;
    let set = answer.headers.get_all("set-cookie").iter();
    let mut set = set.map(|value| value.to_str().unwrap().to_owned());
    let cookie = set
        .find(|value| value.starts_with("__Host-device="))
        .unwrap();
    let mut attributes: Vec<_> = cookie.split("; ").skip(1).collect();
    attributes.sort_unstable();
    let expected = [
        "HttpOnly",
        "Max-Age=34560000",
        "Path=/",
        "SameSite=Strict",
        "Secure",
    ];
    assert_eq!(attributes, expected);

    // Who takes tokens in the body keeps no cookies; who fails gets none.
    let native = app.try_sign_in(ada(), PASSWORD).await.expect(200);
    assert!(native.headers.get("set-cookie").is_none());
    let wrong = sign_in(&app, &ada(), WRONG).send().await;
    assert!(wrong.headers.get("set-cookie").is_none());
}

#[tokio::test]
async fn the_owner_s_browser_gets_in_while_strangers_are_locked_out() {
    let app = app_with_ada().await;
    let cookie = browser(&app, &ada(), None).await;
    lock_strangers_out(&app).await;
    with_cookie(&app, &cookie, PASSWORD)
        .send()
        .await
        .expect(200);
    locked_for(&app, &ada()).await;
}

#[tokio::test]
async fn a_known_browser_locks_too_and_no_other_with_it() {
    let app = app_with_ada().await;
    let one = browser(&app, &ada(), None).await;
    let other = browser(&app, &ada(), None).await;
    for _ in 0..5 {
        let answer = with_cookie(&app, &one, WRONG).send().await;
        answer.problem(401, "invalid_credentials");
    }
    about(locked(with_cookie(&app, &one, PASSWORD).send().await), 60);
    with_cookie(&app, &other, PASSWORD).send().await.expect(200);
    sign_in(&app, &ada(), PASSWORD).send().await.expect(200);
}

#[tokio::test]
async fn no_cookie_of_a_stranger_makes_a_known_device() {
    let app = app_with_ada().await;
    app.person("eve@example.com").await;
    let ada_s = browser(&app, &ada(), None).await;
    let eve_s = browser(&app, &json!({ "email": "eve@example.com" }), None).await;
    lock_strangers_out(&app).await;
    let (id, _) = eve_s.split_once('.').unwrap();
    let (_, ada_s_mark) = ada_s.split_once('.').unwrap();
    let forged = [
        eve_s.clone(),
        format!("{id}.{ada_s_mark}"),
        "__Host-device=AAAA".to_owned(),
        format!("{ada_s}; {eve_s}"),
    ];
    for cookie in forged {
        locked(with_cookie(&app, &cookie, PASSWORD).send().await);
    }
}

#[tokio::test]
async fn one_browser_is_known_for_each_of_its_users() {
    let app = app_with_ada().await;
    app.person("eve@example.com").await;
    let cookie = browser(&app, &ada(), None).await;
    let cookie = browser(&app, &json!({ "email": "eve@example.com" }), Some(&cookie)).await;
    lock_strangers_out(&app).await;
    with_cookie(&app, &cookie, PASSWORD)
        .send()
        .await
        .expect(200);
}

/// A sign-in as an app does it that keeps no cookies.
fn from(app: &Client, name: &Value, ip: &str, agent: &str, password: &str) -> Call {
    let mut body = name.clone();
    body["password"] = json!(password);
    body["tokenDelivery"] = json!("body");
    app.post(SIGN_IN, &body)
        .header("x-dev-client-ip", ip)
        .header("user-agent", agent)
}

#[tokio::test]
async fn a_client_without_cookies_is_known_where_its_user_signed_in() {
    let app = app_with_ada().await;
    let first = from(&app, &ada(), "203.0.113.5", "Ours/1", PASSWORD);
    first.send().await.expect(200);
    lock_strangers_out(&app).await;
    let phone = json!({ "phoneNumber": "+46701740605" });
    for (name, ip) in [
        (ada(), "203.0.113.5"),
        (ada(), "203.0.113.99"),
        (json!({ "username": "ada" }), "203.0.113.5"),
        (phone, "203.0.113.5"),
    ] {
        let call = from(&app, &name, ip, "Ours/1", PASSWORD);
        call.send().await.expect(200);
    }
    for (ip, agent) in [("203.0.114.5", "Ours/1"), ("203.0.113.5", "Theirs/1")] {
        locked(from(&app, &ada(), ip, agent, PASSWORD).send().await);
    }
}

#[tokio::test]
async fn a_place_is_forgotten_a_month_after_the_last_sign_in() {
    let app = app_with_ada().await;
    let at_home = || from(&app, &ada(), HOME, "Ours/1", PASSWORD).send();
    at_home().await.expect(200);
    app.advance(20 * 24 * 60 * 60).await;
    at_home().await.expect(200);
    app.advance(20 * 24 * 60 * 60).await;
    lock_strangers_out(&app).await;
    at_home().await.expect(200);
    app.advance(30 * 24 * 60 * 60).await;
    lock_strangers_out(&app).await;
    locked(at_home().await);
}

#[tokio::test]
async fn ending_all_sessions_makes_devices_strangers_again() {
    let app = app_with_ada().await;
    let cookie = browser(&app, &ada(), None).await;
    let signed_in = from(&app, &ada(), HOME, "Ours/1", PASSWORD)
        .send()
        .await
        .json(200);
    lock_strangers_out(&app).await;
    app.delete("/api/auth/user/logout-all")
        .bearer(signed_in["accessToken"].as_str().unwrap())
        .send()
        .await
        .expect(204);
    locked(with_cookie(&app, &cookie, PASSWORD).send().await);
    locked(from(&app, &ada(), HOME, "Ours/1", PASSWORD).send().await);

    // Until somebody signs in on them again.
    app.advance(61).await;
    let answer = with_cookie(&app, &cookie, PASSWORD)
        .send()
        .await
        .expect(200);
    let cookie = device_cookie(&answer).unwrap();
    from(&app, &ada(), HOME, "Ours/1", PASSWORD)
        .send()
        .await
        .expect(200);
    lock_strangers_out(&app).await;
    with_cookie(&app, &cookie, PASSWORD)
        .send()
        .await
        .expect(200);
    from(&app, &ada(), HOME, "Ours/1", PASSWORD)
        .send()
        .await
        .expect(200);
}
