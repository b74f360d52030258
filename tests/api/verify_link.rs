//! `GET /api/auth/verify/email?token=` and `POST /api/auth/verify/email/link`

use latchkey_tests::{Answer, App, Call, PASSWORD, at_once};
use reqwest::Method;
use serde_json::json;

const PATH: &str = "/api/auth/verify/email/link";
const FORM: &str = "application/x-www-form-urlencoded";
const FRONT_END: &str = "https://app.example.com/welcome";

fn by_json(app: &App, token: &str) -> Call {
    app.post(PATH, &json!({ "token": token }))
}

fn by_form(app: &App, token: &str) -> Call {
    app.call(Method::POST, PATH)
        .body(FORM, format!("token={token}"))
}

fn page(app: &App, method: Method, token: &str) -> Call {
    app.call(method, &format!("/api/auth/verify/email?token={token}"))
}

/// Whether somebody of this address can sign in.
async fn is_active(app: &App, email: &str) -> bool {
    let answer = app.try_sign_in(json!({ "email": email }), PASSWORD).await;
    answer.status == 200
}

/// The token of the link that was mailed to a new sign-up.
async fn link_of(app: &App, email: &str) -> String {
    app.sign_up(email).await;
    app.mail_to(email, "verify_email").await.link_token()
}

#[track_caller]
fn is_a_page(answer: &Answer) {
    let html = Some("text/html; charset=utf-8");
    assert_eq!(answer.header("content-type"), html);
    assert!(answer.text.contains("<!doctype html>"), "{}", answer.text);
}

#[tokio::test]
async fn the_mailed_link_leads_to_a_page_whose_button_verifies() {
    let app = App::start().await;
    app.sign_up("ada@example.com").await;
    let mail = app.mail_to("ada@example.com", "verify_email").await;
    let base = format!("{}/api/auth/verify/email?token=", app.stack.url());
    assert!(mail.link().starts_with(&base), "{}", mail.link());

    let token = mail.link_token();
    let answer = page(&app, Method::GET, &token).send().await.expect(200);
    is_a_page(&answer);
    assert_eq!(answer.text.matches("<button").count(), 1);
    assert!(answer.text.contains("method=\"post\""));
    assert!(answer.text.contains(&format!("action=\"{PATH}\"")));
    let field = format!("name=\"token\" value=\"{token}\"");
    assert!(answer.text.contains(&field), "{}", answer.text);

    let done = by_form(&app, &token).send().await.expect(200);
    is_a_page(&done);
    assert!(!done.text.contains("<button"));
    assert!(is_active(&app, "ada@example.com").await);
}

#[tokio::test]
async fn opening_the_page_changes_nothing() {
    let app = App::start().await;
    let token = link_of(&app, "ada@example.com").await;
    for _ in 0..20 {
        page(&app, Method::GET, &token).send().await.expect(200);
        page(&app, Method::HEAD, &token).send().await.expect(200);
    }
    assert!(!is_active(&app, "ada@example.com").await);
    by_json(&app, &token).send().await.expect(200);
}

#[tokio::test]
async fn the_page_gives_its_token_to_nobody() {
    let app = App::start().await;
    let token = link_of(&app, "ada@example.com").await;
    let shown = page(&app, Method::GET, &token).send().await;
    let done = by_form(&app, &token).send().await;
    let failed = by_form(&app, &token).send().await;
    for answer in [shown, done, failed] {
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(answer.header("x-frame-options"), Some("DENY"));
        let opener = answer.header("cross-origin-opener-policy");
        assert_eq!(opener, Some("same-origin"));
        let policy = answer.header("content-security-policy").unwrap().to_owned();
        let policy: Vec<&str> = policy.split(';').map(str::trim).collect();
        for directive in [
            "default-src 'none'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
            "form-action 'self'",
        ] {
            assert!(policy.contains(&directive), "{directive}: {policy:?}");
        }
        let policy = policy.join(";");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert!(!policy.contains('*'), "{policy}");
        // Nothing is fetched from anywhere, which would tell of the visit.
        for outside in ["<script", "<img", "<link", "src=", "http://", "https://"] {
            assert!(!answer.text.contains(outside), "{outside}");
        }
    }
}

#[tokio::test]
async fn every_page_has_a_nonce_of_its_own_for_its_style() {
    let app = App::start().await;
    let mut nonces = Vec::new();
    for _ in 0..2 {
        let answer = page(&app, Method::GET, "x").send().await.expect(200);
        let policy = answer.header("content-security-policy").unwrap();
        let (_, rest) = policy.split_once("style-src 'nonce-").unwrap();
        let (nonce, _) = rest.split_once('\'').unwrap();
        assert!(nonce.len() >= 22, "{nonce}");
        assert!(answer.text.contains(&format!("<style nonce=\"{nonce}\">")));
        nonces.push(nonce.to_owned());
    }
    assert_ne!(nonces[0], nonces[1]);
}

#[tokio::test]
async fn the_page_shows_nothing_of_the_query_but_what_may_be_a_token() {
    let app = App::start().await;
    let token = "%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E";
    for query in [
        format!("token={token}"),
        "token=%00".into(),
        "token=".into(),
        String::new(),
    ] {
        let path = format!("/api/auth/verify/email?{query}");
        let answer = app.get(&path).send().await.expect(400);
        assert_eq!(
            answer.header("content-type"),
            Some("text/html; charset=utf-8")
        );
        assert!(!answer.text.contains("<script"), "{}", answer.text);
        assert!(!answer.text.contains("<form"), "{}", answer.text);
    }
    // Mail programs add parameters of their own.
    let path = "/api/auth/verify/email?utm_source=mail&token=abc&fbclid=1";
    let answer = app.get(path).send().await.expect(200);
    assert!(answer.text.contains("<form"), "{}", answer.text);
}

#[tokio::test]
async fn a_front_end_sends_the_token_as_json_and_gets_the_user() {
    let app = App::start().await;
    let token = link_of(&app, "ada@example.com").await;
    let body = by_json(&app, &token).send().await.json(200);
    let members: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(members, ["user"]);
    assert_eq!(body["user"]["email"], "ada@example.com");
    assert_eq!(body["user"]["status"], "active");
    assert_eq!(body["user"]["emailVerified"], true);
    assert!(is_active(&app, "ada@example.com").await);
}

#[tokio::test]
async fn the_form_goes_on_to_the_configured_front_end() {
    let app = App::with(&[("FRONT_END_URL", FRONT_END)]).await;
    let token = link_of(&app, "ada@example.com").await;
    let shown = page(&app, Method::GET, &token).send().await.expect(200);
    // Browsers hold the redirect of a form against `form-action` too.
    let policy = shown.header("content-security-policy").unwrap();
    assert!(policy.contains("form-action 'self' https://app.example.com"));

    let answer = by_form(&app, &token).send().await.expect(303);
    assert_eq!(answer.header("location"), Some(FRONT_END));
    assert!(is_active(&app, "ada@example.com").await);

    // A link that is no good leads nowhere.
    let again = by_form(&app, &token).send().await.expect(400);
    assert_eq!(again.header("location"), None);
    is_a_page(&again);
}

#[tokio::test]
async fn nothing_in_the_request_chooses_where_the_form_leads() {
    let app = App::with(&[("FRONT_END_URL", FRONT_END)]).await;
    let token = link_of(&app, "ada@example.com").await;
    let evil = "https%3A%2F%2Fevil.example";
    let body = format!("token={token}&redirectTo={evil}&next={evil}&location={evil}");
    let answer = app
        .call(Method::POST, &format!("{PATH}?redirectTo={evil}"))
        .header("origin", "https://evil.example")
        .header("referer", "https://evil.example/")
        .header("x-forwarded-host", "evil.example")
        .body(FORM, body)
        .send()
        .await;
    if answer.status == 303 {
        assert_eq!(answer.header("location"), Some(FRONT_END));
    } else {
        assert_eq!(answer.header("location"), None);
    }
    assert!(!format!("{answer:?}").contains("evil.example"));
}

#[tokio::test]
async fn a_link_works_once_and_ends_the_code() {
    let app = App::start().await;
    let pending = app.sign_up("ada@example.com").await;
    let mail = app.mail_to("ada@example.com", "verify_email").await;
    by_json(&app, &mail.link_token()).send().await.expect(200);
    by_json(&app, &mail.link_token())
        .send()
        .await
        .problem(400, "code_expired");
    let form = by_form(&app, &mail.link_token()).send().await.expect(400);
    is_a_page(&form);
    app.try_code(&pending, &mail.code())
        .await
        .problem(400, "code_expired");
}

#[tokio::test]
async fn a_link_is_good_for_a_day() {
    let app = App::start().await;
    let first = link_of(&app, "ada@example.com").await;
    app.advance(24 * 60 * 60 - 10).await;
    let second = link_of(&app, "eve@example.com").await;
    by_json(&app, &first).send().await.expect(200);
    app.advance(24 * 60 * 60).await;
    by_json(&app, &second)
        .send()
        .await
        .problem(400, "code_expired");
    is_a_page(&by_form(&app, &second).send().await.expect(400));
}

#[tokio::test]
async fn every_link_of_an_account_is_dead_once_it_is_verified() {
    let app = App::start().await;
    let first = link_of(&app, "ada@example.com").await;
    let body = json!({ "email": "ada@example.com" });
    app.post("/api/auth/resend/verify/email", &body)
        .send()
        .await
        .expect(202);
    let second = app.mail_to("ada@example.com", "verify_email").await;
    let second = second.link_token();
    assert_ne!(first, second);
    by_json(&app, &second).send().await.expect(200);
    for token in [&first, &second] {
        by_json(&app, token)
            .send()
            .await
            .problem(400, "code_expired");
    }
}

#[tokio::test]
async fn nothing_but_the_mailed_token_opens_an_account() {
    let app = App::start().await;
    let ada = app.person("ada@example.com").await;
    let device = app.sign_in(&ada).await;
    let pending = app.sign_up("eve@example.com").await;
    let mail = app.mail_to("eve@example.com", "verify_email").await;
    let token = mail.link_token();
    let mut last_changed = token.clone();
    let last = if token.ends_with('A') { 'E' } else { 'A' };
    last_changed.pop();
    last_changed.push(last);
    let endless = "A".repeat(10_000);
    for garbage in [
        "",
        "x",
        "null",
        "../../x",
        "%00",
        &device.access,
        &device.refresh,
        &pending.token_id,
        &pending.user_id,
        &mail.code(),
        &mail.link(),
        &token[1..],
        &token[..token.len() - 1],
        &format!("{token}A"),
        &format!("{token}="),
        &format!(" {token}"),
        &token.to_lowercase(),
        &last_changed,
        &endless,
    ] {
        by_json(&app, garbage)
            .send()
            .await
            .problem(400, "code_expired");
        let form = by_form(&app, garbage).send().await.expect(400);
        is_a_page(&form);
    }
    assert!(!is_active(&app, "eve@example.com").await);
    by_json(&app, &token).send().await.expect(200);
}

#[tokio::test]
async fn a_token_of_another_type_is_refused_and_never_guessed() {
    let app = App::start().await;
    let token = link_of(&app, "ada@example.com").await;
    for body in [
        json!({}),
        json!({ "token": null }),
        json!({ "token": 1 }),
        json!({ "token": [token] }),
        json!({ "token": { "$ne": "" } }),
        json!({ "token": [token, "x"] }),
    ] {
        let fields = app.post(PATH, &body).send().await.bad_fields();
        assert_eq!(fields.len(), 1, "{body}");
        assert_eq!(fields[0].0, "token", "{body}");
    }
    let more = json!({ "token": token, "email": "eve@example.com" });
    let fields = app.post(PATH, &more).send().await.bad_fields();
    assert_eq!(fields[0].0, "email");
    assert!(!is_active(&app, "ada@example.com").await);
}

#[tokio::test]
async fn the_token_counts_in_the_body_alone() {
    let app = App::start().await;
    let token = link_of(&app, "ada@example.com").await;
    let path = format!("{PATH}?token={token}");
    app.post(&path, &json!({})).send().await.expect(422);
    app.call(Method::POST, &path)
        .body(FORM, "")
        .send()
        .await
        .expect(400);
    app.get(&path)
        .send()
        .await
        .problem(405, "method_not_allowed");
    for content_type in ["text/plain", "multipart/form-data", "text/html"] {
        app.call(Method::POST, PATH)
            .body(content_type, format!("token={token}"))
            .send()
            .await
            .problem(415, "unsupported_media_type");
    }
    assert!(!is_active(&app, "ada@example.com").await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_twenty_uses_at_once_one_is_good() {
    let app = App::start().await;
    let token = link_of(&app, "ada@example.com").await;
    let calls = (0..20).map(|n| match n % 2 {
        0 => by_json(&app, &token),
        _ => by_form(&app, &token),
    });
    let answers = at_once(calls).await;
    let good = answers.iter().filter(|answer| answer.status == 200).count();
    let refused = answers.iter().filter(|answer| answer.status == 400).count();
    assert_eq!((good, refused), (1, 19));
}
