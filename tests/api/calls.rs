//! What each route costs: the table of the README is held to what the service does.

mod mfa;
mod passkeys;
mod profile;

use std::collections::BTreeMap;

use latchkey_tests::{App, Call, Device, Person};
use serde_json::json;

const README: &str = include_str!("../../README.md");

/// Calls to DynamoDB, how many of them wait for each other, and calls to the cache.
type Cost = (usize, usize, usize);

/// The rows of the README's table, by route.
fn promised() -> BTreeMap<String, Cost> {
    let (_, table) = README.split_once("| route | DynamoDB | Redis |").unwrap();
    let rows = table.trim_start().lines().skip(1);
    rows.take_while(|row| row.starts_with('|'))
        .flat_map(|row| {
            let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
            let [routes, dynamodb, cache] = cells[..] else {
                panic!("{row}");
            };
            let numbers: Vec<usize> = dynamodb
                .split(|c: char| !c.is_ascii_digit())
                .filter(|word| !word.is_empty())
                .map(|word| word.parse().unwrap())
                .collect();
            let cost = (
                numbers[0],
                numbers.get(1).copied().unwrap_or(numbers[0]),
                cache.parse().unwrap(),
            );
            routes
                .split("`, `")
                .map(|route| (route.trim_matches('`').to_owned(), cost))
                .collect::<Vec<_>>()
        })
        .collect()
}

/// What a call costs that does not come from this machine, whose requests no source is counted for.
async fn cost_of(app: &App, call: Call, status: u16) -> Cost {
    let call = call.header("x-dev-client-ip", "203.0.113.7");
    cost_from_here(app, call, status).await
}

async fn cost_from_here(app: &App, call: Call, status: u16) -> Cost {
    app.stack.settle().await;
    drop(app.stack.calls().take());
    call.send().await.expect(status);
    let calls = app.stack.calls().take();
    (
        calls.dynamodb_count(),
        calls.dynamodb_depth(),
        calls.cache.len(),
    )
}

/// A service whose cache has been recording for long enough to be trusted, and somebody on it.
async fn warm() -> (App, Person, Device) {
    let app = App::start().await;
    let ada = app.person("ada@example.com").await;
    let device = app.sign_in(&ada).await;
    app.me(&device.access).await.expect(200);
    app.advance(20 * 60).await;
    let device = app.sign_in(&ada).await;
    (app, ada, device)
}

#[tokio::test]
async fn every_route_costs_what_the_readme_says() {
    let (app, ada, device) = warm().await;
    let mut found = BTreeMap::new();

    let password = latchkey_tests::PASSWORD;
    let sign_up = json!({ "name": "Bob", "email": "bob@example.com", "password": password });
    let call = app.post("/api/auth/sign-up", &sign_up);
    found.insert("POST /api/auth/sign-up", cost_of(&app, call, 202).await);

    let pending = app.sign_up("eve@example.com").await;
    let verify = json!({
        "code": app.code_of(&pending).await,
        "userId": pending.user_id,
        "tokenId": pending.token_id,
        "email": pending.email,
    });
    let call = app.post("/api/auth/verify/email", &verify);
    found.insert(
        "POST /api/auth/verify/email",
        cost_of(&app, call, 200).await,
    );

    app.sign_up("joe@example.com").await;
    let mail = app.mail_to("joe@example.com", "verify_email").await;
    let link = json!({ "token": mail.link_token() });
    let call = app.post("/api/auth/verify/email/link", &link);
    found.insert(
        "POST /api/auth/verify/email/link",
        cost_of(&app, call, 200).await,
    );

    let resend = json!({ "email": "bob@example.com" });
    let call = app.post("/api/auth/resend/verify/email", &resend);
    found.insert(
        "POST /api/auth/resend/verify/email",
        cost_of(&app, call, 202).await,
    );

    let sign_in = json!({ "email": ada.email, "password": password });
    let call = app.post("/api/auth/sign-in", &sign_in);
    found.insert("POST /api/auth/sign-in", cost_of(&app, call, 200).await);

    let refresh = json!({ "refreshToken": device.refresh });
    let call = app.patch("/api/auth/user/refresh", &refresh);
    found.insert(
        "PATCH /api/auth/user/refresh",
        cost_of(&app, call, 200).await,
    );

    let call = app.get("/api/auth/user/me").bearer(&device.access);
    found.insert("GET /api/auth/user/me", cost_of(&app, call, 200).await);
    let call = app.get("/api/auth/sessions").bearer(&device.access);
    found.insert("GET /api/auth/sessions", cost_of(&app, call, 200).await);

    let other = app.sign_in(&ada).await;
    let path = format!("/api/auth/sessions/{}", other.session_id);
    let call = app.delete(&path).bearer(&device.access);
    found.insert(
        "DELETE /api/auth/sessions/{id}",
        cost_of(&app, call, 204).await,
    );

    let other = app.sign_in(&ada).await;
    let call = app.delete("/api/auth/user/logout").bearer(&other.access);
    found.insert(
        "DELETE /api/auth/user/logout",
        cost_of(&app, call, 204).await,
    );
    let call = app
        .delete("/api/auth/user/logout-all")
        .bearer(&device.access);
    found.insert(
        "DELETE /api/auth/user/logout-all",
        cost_of(&app, call, 204).await,
    );

    let call = app.get("/.well-known/jwks.json");
    found.insert("GET /.well-known/*", cost_of(&app, call, 200).await);
    let call = app.get("/api/health");
    found.insert("GET /api/health", cost_of(&app, call, 200).await);

    let found: BTreeMap<String, Cost> = found
        .into_iter()
        .chain(admin_costs(&app, &ada).await)
        .chain(profile::costs().await)
        .chain(passkeys::costs().await)
        .chain(mfa::costs().await)
        .map(|(route, cost)| (route.to_owned(), cost))
        .collect();
    assert_eq!(found, promised());
}

/// What admins do.
async fn admin_costs(app: &App, ada: &Person) -> BTreeMap<&'static str, Cost> {
    let mut found = BTreeMap::new();
    let (_, admin) = app.first_admin().await;
    let user = format!("/api/admin/users/{}", ada.id);
    let call = app.get("/api/admin/plans").bearer(&admin.access);
    found.insert("GET /api/admin/plans", cost_of(app, call, 200).await);
    let call = app.put(&format!("{user}/plan"), &json!({ "plan": "pro" }));
    let call = call.bearer(&admin.access);
    found.insert(
        "PUT /api/admin/users/{id}/plan",
        cost_of(app, call, 200).await,
    );
    let email = json!({ "email": ada.email });
    app.try_sign_in(email, "not the password").await.expect(401);
    let call = app.call(reqwest::Method::POST, &format!("{user}/unlock"));
    let call = call.bearer(&admin.access);
    found.insert(
        "POST /api/admin/users/{id}/unlock",
        cost_of(app, call, 200).await,
    );
    app.sign_in(ada).await;
    let body = json!({ "status": "banned", "reason": "Spam." });
    let call = app.put(&format!("{user}/status"), &body);
    let call = call.bearer(&admin.access);
    found.insert(
        "PUT /api/admin/users/{id}/status",
        cost_of(app, call, 200).await,
    );
    found
}

#[tokio::test]
async fn a_cache_that_is_new_costs_a_check_one_read_and_me_nothing_more() {
    let app = App::start().await;
    let ada = app.person("ada@example.com").await;
    let device = app.sign_in(&ada).await;
    let call = app.get("/api/auth/user/me").bearer(&device.access);
    assert_eq!(cost_of(&app, call, 200).await, (1, 1, 1));
    let call = app.get("/api/auth/sessions").bearer(&device.access);
    assert_eq!(cost_of(&app, call, 200).await, (3, 2, 1));
}

#[tokio::test]
async fn nobody_costs_as_much_as_somebody_by_whatever_name() {
    let (app, _, _) = warm().await;
    let more = json!({ "username": "bob", "phoneNumber": "+46701740605" });
    app.person_with("bob@example.com", &more).await;
    let mut costs = Vec::new();
    for mut body in [
        json!({ "email": "bob@example.com" }),
        json!({ "email": "nobody@example.com" }),
        json!({ "username": "bob" }),
        json!({ "username": "nobody" }),
        json!({ "phoneNumber": "+46701740605" }),
        json!({ "phoneNumber": "+46701740606" }),
    ] {
        body["password"] = json!("not the password");
        let call = app.post("/api/auth/sign-in", &body);
        costs.push(cost_from_here(&app, call, 401).await);
    }
    costs.dedup();
    assert_eq!(costs.len(), 1, "{costs:?}");
}

#[test]
fn the_hot_routes_stay_within_the_design() {
    let promised = promised();
    let (_, depth, _) = promised["POST /api/auth/sign-in"];
    assert!(depth <= 3);
    let (_, depth, _) = promised["PATCH /api/auth/user/refresh"];
    assert!(depth <= 1);
    let (dynamodb, _, cache) = promised["GET /api/auth/user/me"];
    assert!(dynamodb <= 1 && cache <= 1);
}
