//! Every token of a link, and every other token there is, at every route that takes one.

use latchkey_tests::{Answer, App, Device, NEW_PASSWORD, PASSWORD};
use reqwest::Method;
use serde_json::json;

const OTHER: &str = "seven quiet otters juggle";

/// The routes that take the token of a link: by JSON, and by the form of a page.
const ROUTES: [(&str, &str); 3] = [
    ("verify", "/api/auth/verify/email/link"),
    ("reset", "/api/auth/forgot/password"),
    ("not-me", "/api/auth/security/not-me"),
];

async fn by_json(app: &App, route: &str, token: &str) -> Answer {
    let token_alone = json!({ "token": token });
    match route {
        "reset" => {
            let body = json!({ "token": token, "password": OTHER });
            app.forgot_password(&body).await
        }
        "verify" => app.post(ROUTES[0].1, &token_alone).send().await,
        _ => app.post(ROUTES[2].1, &token_alone).send().await,
    }
}

async fn by_form(app: &App, route: &str, token: &str) -> Answer {
    let path = match route {
        "verify" => ROUTES[0].1,
        "reset" => "/api/auth/forgot/password/link",
        _ => ROUTES[2].1,
    };
    let form = format!("token={token}&password={}", OTHER.replace(' ', "+"));
    app.call(Method::POST, path)
        .body("application/x-www-form-urlencoded", form)
        .send()
        .await
}

#[tokio::test]
async fn a_link_is_good_at_the_route_that_it_was_made_for_alone() {
    let app = App::start().await;
    let ada = app.person("ada@example.com").await;
    let identity = json!({ "email": ada.email });
    let device = Device::from(&app.try_sign_in(identity.clone(), PASSWORD).await.json(200));
    // The change of a password is told with a link that says that it was somebody else.
    let change = json!({ "password": NEW_PASSWORD, "currentPassword": PASSWORD });
    app.edit(&device, "password", &change).await.expect(200);
    let not_me = app.mail_to(&ada.email, "password_changed").await;
    let reset = app.mailed_reset(&ada.email).await.mail;
    let pending = app.sign_up("eve@example.com").await;
    let verify = app.mail_to(&pending.email, "verify_email").await;
    let links = [
        ("verify", verify.link_token()),
        ("reset", reset.link_token()),
        ("not-me", not_me.link_token()),
    ];
    let others = [
        ("access token", device.access.clone()),
        ("refresh token", device.refresh.clone()),
        ("code", reset.code()),
        ("id", pending.token_id.clone()),
    ];
    for (made_for, token) in links.iter().chain(&others) {
        for (route, _) in ROUTES.into_iter().filter(|(route, _)| route != made_for) {
            let answer = by_json(&app, route, token).await;
            let case = format!("{made_for} at {route}");
            assert_eq!(answer.status, 400, "{case}: {}", answer.text);
            answer.problem(400, "code_expired");
            let page = by_form(&app, route, token).await;
            assert_eq!(page.status, 400, "{case}: {}", page.text);
        }
        // None of them is a credential.
        if *made_for != "access token" {
            app.me(token).await.problem(401, "unauthenticated");
        }
        if *made_for != "refresh token" {
            app.refresh(token).await.problem(401, "session_expired");
        }
    }
    // All is as it was, and each is good where it belongs.
    app.me(&device.access).await.expect(200);
    assert!(app.opens(&ada.email, NEW_PASSWORD).await);
    assert!(!app.opens(&pending.email, PASSWORD).await);
    for (route, token) in &links {
        let answer = by_json(&app, route, token).await;
        assert_eq!(answer.status, 200, "{route}: {}", answer.text);
        let answer = by_json(&app, route, token).await;
        answer.problem(400, "code_expired");
    }
    assert!(app.opens(&pending.email, PASSWORD).await);
    app.try_sign_in(identity, OTHER)
        .await
        .problem(403, "account_security_issue");
}

#[tokio::test]
async fn the_pages_of_links_change_nothing_whatever_token_they_are_opened_with() {
    let app = App::start().await;
    let ada = app.person("ada@example.com").await;
    let device = app.sign_in(&ada).await;
    let reset = app.mailed_reset(&ada.email).await.mail;
    let pending = app.sign_up("eve@example.com").await;
    let verify = app.mail_to(&pending.email, "verify_email").await;
    for token in [reset.link_token(), verify.link_token()] {
        for page in [
            "/api/auth/verify/email",
            "/api/auth/forgot/password",
            "/api/auth/security/not-me",
        ] {
            let answer = app.get(&format!("{page}?token={token}")).send().await;
            answer.expect(200);
        }
    }
    app.me(&device.access).await.expect(200);
    assert!(app.opens(&ada.email, PASSWORD).await);
    assert!(!app.opens(&pending.email, PASSWORD).await);
    let link = json!({ "token": verify.link_token() });
    let call = app.post(ROUTES[0].1, &link);
    call.send().await.expect(200);
}
