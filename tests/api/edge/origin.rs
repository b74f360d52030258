//! Where a request comes from and what host it names: none of it is the client's to say.

use latchkey_tests::{App, Mail, PASSWORD};
use serde_json::{Value, json};

use super::{post_to, raw, status_of};

const PUBLIC_URL: &str = "https://id.example.com";

/// Headers by which a client claims another host.
const HOSTS: [(&str, &str); 8] = [
    ("host", "evil.example"),
    ("host", "id.example.com.evil.example:8443"),
    ("x-forwarded-host", "evil.example"),
    ("x-forwarded-proto", "evil.example://"),
    ("x-forwarded-port", "6667"),
    ("x-original-host", "evil.example"),
    ("forwarded", "for=203.0.113.9;host=evil.example;proto=http"),
    ("origin", "https://evil.example"),
];

#[track_caller]
fn is_ours(mail: &Mail) {
    let base = format!("{PUBLIC_URL}/api/auth/verify/email?token=");
    assert!(mail.link().starts_with(&base), "{}", mail.link());
    for part in [&mail.subject, &mail.text, &mail.html] {
        assert!(!part.contains("evil") && !part.contains(":6667"), "{part}");
        for (at, _) in part.match_indices("://") {
            let start = at.saturating_sub(5);
            let host = &part[at + 3..];
            assert!(host.starts_with("id.example.com/"), "{}", &part[start..]);
        }
    }
}

#[tokio::test]
async fn mailed_links_lead_to_the_configured_url_whatever_host_is_named() {
    let app = App::with(&[("PUBLIC_URL", PUBLIC_URL)]).await;
    // The first request of all, too: nothing is learned from it.
    for (number, (name, value)) in HOSTS.into_iter().enumerate() {
        let email = format!("ada{number}@example.com");
        let body = json!({ "name": "Ada", "email": email, "password": PASSWORD });
        app.post("/api/auth/sign-up", &body)
            .header(name, value)
            .send()
            .await
            .expect(202);
        is_ours(&app.mail_to(&email, "verify_email").await);
        app.post("/api/auth/resend/verify/email", &json!({ "email": email }))
            .header(name, value)
            .send()
            .await
            .expect(202);
        let mails = app.mails_to(&email).await;
        assert_eq!(mails.len(), 2);
        is_ours(&mails[1]);
    }
}

#[tokio::test]
async fn a_target_with_a_host_of_its_own_changes_no_link() {
    let app = App::with(&[("PUBLIC_URL", PUBLIC_URL)]).await;
    let body = json!({ "name": "Ada", "email": "ada@example.com", "password": PASSWORD });
    let target = "http://evil.example/api/auth/sign-up";
    let answer = raw(&app, &post_to(target, &body.to_string())).await;
    assert_eq!(status_of(&answer), "202", "{answer}");
    is_ours(&app.mail_to("ada@example.com", "verify_email").await);
}

#[tokio::test]
async fn pages_and_tokens_do_not_repeat_the_host_either() {
    let app = App::with(&[("PUBLIC_URL", PUBLIC_URL)]).await;
    app.person("ada@example.com").await;
    for (name, value) in HOSTS {
        let page = app.get("/api/auth/verify/email?token=x");
        let page = page.header(name, value).send().await;
        assert!(!format!("{page:?}").contains("evil"), "{name}");
        let body = json!({
            "email": "ada@example.com", "password": PASSWORD, "tokenDelivery": "body",
        });
        let call = app.post("/api/auth/sign-in", &body).header(name, value);
        let signed_in = call.send().await.json(200);
        let token = signed_in["accessToken"].as_str().unwrap();
        let claims = jsonwebtoken::dangerous::insecure_decode_claims::<Value>(token).unwrap();
        assert_eq!(claims["iss"], PUBLIC_URL);
    }
}

#[tokio::test]
async fn the_address_is_that_of_the_connection_and_not_of_a_header() {
    let app = App::start().await;
    app.person("ada@example.com").await;
    let body = json!({
        "email": "ada@example.com", "password": PASSWORD, "tokenDelivery": "body",
    });
    for (name, value) in [
        ("x-forwarded-for", "203.0.113.9"),
        ("x-forwarded-for", "127.0.0.2, 203.0.113.9"),
        ("forwarded", "for=203.0.113.9"),
        ("x-real-ip", "203.0.113.9"),
        ("true-client-ip", "203.0.113.9"),
        ("cf-connecting-ip", "203.0.113.9"),
        ("x-client-ip", "203.0.113.9"),
    ] {
        let call = app.post("/api/auth/sign-in", &body).header(name, value);
        let signed_in = call.send().await.json(200);
        assert_eq!(signed_in["session"]["ip"], "127.0.0.1", "{name}");
    }
    for ip in ["198.51.100.7", "2001:db8::7"] {
        let signed_in = app
            .post("/api/auth/sign-in", &body)
            .header("x-dev-client-ip", ip)
            .header("x-forwarded-for", "203.0.113.9")
            .send()
            .await
            .json(200);
        assert_eq!(signed_in["session"]["ip"], ip);
    }
}

#[tokio::test]
async fn no_header_says_who_is_calling() {
    let app = App::start().await;
    let admin = app.person("admin@latchkey.local").await;
    let ada = app.person("ada@example.com").await;
    let device = app.sign_in(&ada).await;
    let context = json!({ "authorizer": { "lambda": { "sub": admin.id } } }).to_string();
    for (name, value) in [
        ("x-user-id", admin.id.as_str()),
        ("x_user_id", &admin.id),
        ("x-user", &admin.id),
        ("x-authenticated-user", &admin.id),
        ("x-forwarded-user", &admin.email),
        ("x-forwarded-email", &admin.email),
        ("remote-user", &admin.id),
        ("x-roles", "admin"),
        ("x-issuer", PUBLIC_URL),
        ("x-amzn-oidc-identity", &admin.id),
        ("x-amzn-request-context", &context),
        ("x-amz-request-context", &context),
        ("lambda-runtime-client-context", &context),
    ] {
        app.get("/api/auth/user/me")
            .header(name, value)
            .send()
            .await
            .problem(401, "unauthenticated");
        let call = app.get("/api/auth/user/me").bearer(&device.access);
        let me = call.header(name, value).send().await.json(200);
        assert_eq!(me["user"]["id"], ada.id.as_str(), "{name}");
        assert_eq!(me["user"]["roles"], json!(["user"]), "{name}");
    }
}
