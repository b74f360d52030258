//! The page behind the mailed link.

use latchkey_tests::{Answer, App, NEW_PASSWORD, PASSWORD};
use reqwest::Method;

use super::{PATH, by_link, claim_untouched};

const FORM: &str = "/api/auth/forgot/password/link";

async fn post(app: &App, token: &str, password: &str) -> Answer {
    let form = format!("token={token}&password={}", password.replace(' ', "+"));
    app.call(Method::POST, FORM)
        .body("application/x-www-form-urlencoded", form)
        .send()
        .await
}

#[track_caller]
fn claim_page(answer: &Answer) {
    let content_type = answer.header("content-type");
    assert_eq!(content_type, Some("text/html; charset=utf-8"));
    let policy = answer.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
}

/// Claims a page that asks for a password.
#[track_caller]
fn claim_form(answer: &Answer, token: &str) {
    claim_page(answer);
    assert!(
        answer.text.contains(r#"type="password""#),
        "{}",
        answer.text
    );
    assert!(answer.text.contains(r#"autocomplete="new-password""#));
    assert!(answer.text.contains(FORM));
    assert!(answer.text.contains(token));
}

#[tokio::test]
async fn opening_the_link_changes_nothing() {
    let app = App::start().await;
    let ada = app.person("ada@example.com").await;
    let device = app.sign_in(&ada).await;
    let mailed = app.mailed_reset(&ada.email).await;
    let link = mailed.mail.link();
    let path = link.strip_prefix(app.url()).unwrap();
    for _ in 0..3 {
        let page = app.get(path).send().await.expect(200);
        claim_form(&page, &mailed.mail.link_token());
        app.call(Method::HEAD, path).send().await.expect(200);
    }
    // Mail programs add parameters of their own.
    let page = app.get(&format!("{path}&utm_source=mail")).send().await;
    claim_form(&page.expect(200), &mailed.mail.link_token());
    app.me(&device.access).await.expect(200);
    claim_untouched(&app, &ada.email).await;
}

#[tokio::test]
async fn its_form_sets_the_password_once() {
    let app = App::start().await;
    let ada = app.person("ada@example.com").await;
    let device = app.sign_in(&ada).await;
    let link = app.mailed_reset(&ada.email).await.mail.link_token();
    let page = post(&app, &link, NEW_PASSWORD).await.expect(200);
    claim_page(&page);
    assert!(page.refresh_cookie().is_none());
    app.claim_over(&device).await;
    assert!(!app.opens(&ada.email, PASSWORD).await);
    assert!(app.opens(&ada.email, NEW_PASSWORD).await);

    let again = post(&app, &link, "seven quiet otters juggle").await;
    claim_page(&again.expect(400));
    app.forgot_password(&by_link(&link, "seven quiet otters juggle"))
        .await
        .problem(400, "code_expired");
    assert!(app.opens(&ada.email, NEW_PASSWORD).await);
}

#[tokio::test]
async fn a_password_that_is_refused_is_asked_for_again_with_the_reason() {
    let app = App::start().await;
    let ada = app.person("ada@example.com").await;
    let link = app.mailed_reset(&ada.email).await.mail.link_token();
    for (bad, reason) in [
        ("short", "at least 8 characters"),
        ("", "Enter a password"),
        ("password123", "password"),
    ] {
        let page = post(&app, &link, bad).await.expect(422);
        claim_form(&page, &link);
        assert!(page.text.contains(reason), "{}", page.text);
        assert!(!page.text.contains(&format!("\"{bad}\"")) || bad.is_empty());
    }
    claim_untouched(&app, &ada.email).await;
    post(&app, &link, NEW_PASSWORD).await.expect(200);
    assert!(app.opens(&ada.email, NEW_PASSWORD).await);
}

#[tokio::test]
async fn with_a_front_end_it_leads_there() {
    let app = App::with(&[("FRONT_END_URL", "https://app.example.com")]).await;
    app.person("ada@example.com").await;
    let link = app.mailed_reset("ada@example.com").await.mail.link_token();
    let answer = post(&app, &link, NEW_PASSWORD).await.expect(303);
    let location = answer.header("location").unwrap();
    assert!(
        location.starts_with("https://app.example.com"),
        "{location}"
    );
    assert!(!location.contains(&link));
}

#[tokio::test]
async fn what_is_no_link_gets_a_page_that_says_so() {
    let app = App::start().await;
    app.person("ada@example.com").await;
    for query in ["", "?token=", "?token=%3Cscript%3E", "?other=x"] {
        let page = app.get(&format!("{PATH}{query}")).send().await;
        let page = page.expect(400);
        claim_page(&page);
        assert!(!page.text.contains("<script>"));
        assert!(!page.text.contains(r#"type="password""#));
    }
    for token in ["", "nonsense", "%3Cscript%3E"] {
        let page = post(&app, token, NEW_PASSWORD).await.expect(400);
        claim_page(&page);
        assert!(!page.text.contains("<script>"));
    }
    let call = || app.call(Method::POST, FORM);
    let json = call().body("application/json", "{}");
    json.send().await.problem(415, "unsupported_media_type");
    call().send().await.problem(415, "unsupported_media_type");
    let large = "token=x&password=".to_owned() + &"z".repeat(16 * 1024);
    let large = call().body("application/x-www-form-urlencoded", large);
    large.send().await.problem(413, "payload_too_large");
    claim_untouched(&app, "ada@example.com").await;
}
