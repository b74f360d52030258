//! `POST /api/auth/security/not-me`: what its link is good for, and the page behind it.

use latchkey_tests::{Answer, App, Device, PASSWORD};
use serde_json::json;

const PATH: &str = "/api/auth/security/not-me";
const OLD: &str = "ada@example.com";
const NEW: &str = "mallory@example.com";
const OTHER_PASSWORD: &str = "gravel umbrella seventeen hats";

/// Ada, and a device of hers that a thief holds.
async fn stolen() -> (App, Device) {
    let app = App::start().await;
    let ada = app.person(OLD).await;
    let device = app.sign_in(&ada).await;
    (app, device)
}

#[tokio::test]
async fn only_links_that_say_so_do_this() {
    let (app, device) = stolen().await;
    let verify = app.mail_to(OLD, "verify_email").await;
    let ask = json!({ "email": OLD });
    app.patch("/api/auth/forgot/password", &ask)
        .send()
        .await
        .expect(202);
    let reset = app.mail_to(OLD, "reset_password").await;
    let body = json!({ "password": OTHER_PASSWORD, "currentPassword": PASSWORD });
    app.edit(&device, "password", &body).await.expect(200);
    let told = app.mail_to(OLD, "password_changed").await;
    for mail in [&verify, &reset] {
        app.not_me(mail).await.problem(400, "code_expired");
    }
    // And such a link does nothing else.
    let token = told.link_token();
    let body = json!({ "token": token, "password": PASSWORD });
    let call = app.patch("/api/auth/forgot/password", &body);
    call.send().await.problem(400, "code_expired");
    let call = app.post("/api/auth/verify/email/link", &json!({ "token": token }));
    call.send().await.problem(400, "code_expired");
    let mut forged = token.clone();
    let last = if forged.pop() == Some('A') { 'B' } else { 'A' };
    forged.push(last);
    for token in [forged, format!("{token}A"), "x".repeat(5000), String::new()] {
        let answer = app.post(PATH, &json!({ "token": token })).send().await;
        answer.problem(400, "code_expired");
    }
    app.me(&device.access).await.expect(200);
}

#[tokio::test]
async fn odd_bodies_are_refused() {
    let app = App::start().await;
    let bad = |answer: Answer| answer.bad_fields();
    let field = |name: &str, code: &str| vec![(name.to_owned(), code.to_owned())];
    assert_eq!(
        bad(app.post(PATH, &json!({})).send().await),
        field("token", "required")
    );
    for token in [json!(1), json!(["a"]), json!({ "$ne": "" }), json!(null)] {
        let fields = bad(app.post(PATH, &json!({ "token": token })).send().await);
        assert_eq!(fields, field("token", "invalid_type"), "{token}");
    }
    let more = json!({ "token": "a", "userId": "b" });
    let fields = bad(app.post(PATH, &more).send().await);
    assert_eq!(fields, field("userId", "unknown_field"));
    app.call(reqwest::Method::POST, PATH)
        .send()
        .await
        .problem(400, "malformed_json");
    let call = app.call(reqwest::Method::POST, PATH);
    call.body("text/plain", "token=a")
        .send()
        .await
        .problem(415, "unsupported_media_type");
}

#[tokio::test]
async fn opening_the_page_changes_nothing_and_its_form_works() {
    let (app, device) = stolen().await;
    app.move_to(&device, NEW).await;
    let mail = app.mail_to(OLD, "email_changed").await;
    let link = mail.link();
    let path = link.strip_prefix(app.url()).unwrap();
    for _ in 0..3 {
        let page = app.get(path).send().await.expect(200);
        assert_eq!(
            page.header("content-type"),
            Some("text/html; charset=utf-8")
        );
        assert_eq!(page.header("cache-control"), Some("no-store"));
        assert!(
            page.header("content-security-policy")
                .unwrap()
                .contains("default-src 'none'")
        );
        assert!(page.text.contains("method=\"post\""), "{}", page.text);
        assert!(
            page.text.contains(&format!("action=\"{PATH}\"")),
            "{}",
            page.text
        );
        // A page that anybody may have opened tells nothing of the account.
        assert!(
            !page.text.contains(OLD) && !page.text.contains(NEW),
            "{}",
            page.text
        );
    }
    assert_eq!(app.user(&device).await["email"], NEW);
    let form = "application/x-www-form-urlencoded";
    let press = || {
        let call = app.call(reqwest::Method::POST, PATH);
        call.body(form, format!("token={}", mail.link_token()))
    };
    let done = press().send().await.expect(200);
    assert!(done.text.contains("Your account is safe"), "{}", done.text);
    let again = press().send().await.expect(400);
    assert!(again.text.contains("no longer good"), "{}", again.text);
    app.me(&device.access).await.problem(401, "unauthenticated");
    let held = app.try_sign_in(json!({ "email": OLD }), PASSWORD).await;
    held.problem(403, "account_security_issue");
    for path in [PATH.to_owned(), format!("{PATH}?token=%22%3E%3Cscript%3E")] {
        let page = app.get(&path).send().await.expect(400);
        assert!(!page.text.contains("<script"), "{}", page.text);
    }
}
