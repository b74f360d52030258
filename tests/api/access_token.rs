//! Access tokens: what they say, who can check them, and how long they are good.

use std::collections::BTreeSet;

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use latchkey_tests::{App, Client, Device, members};
use serde_json::{Value, json};

/// What a service knows that is told the address of ours and nothing else.
async fn checked_elsewhere(app: &Client, token: &str, issuer: &str, audience: &str) -> Value {
    let keys = app.get("/.well-known/jwks.json").send().await.json(200);
    let keys: JwkSet = serde_json::from_value(keys).unwrap();
    let header = decode_header(token).unwrap();
    assert_eq!(header.alg, Algorithm::ES256);
    assert_eq!(header.typ.as_deref(), Some("at+jwt"));
    let key = keys.find(&header.kid.unwrap()).expect("the key of the kid");
    let mut rules = Validation::new(Algorithm::ES256);
    rules.set_issuer(&[issuer]);
    rules.set_audience(&[audience]);
    rules.set_required_spec_claims(&["iss", "sub", "aud", "exp"]);
    rules.leeway = 0;
    decode::<Value>(token, &DecodingKey::from_jwk(key).unwrap(), &rules)
        .unwrap()
        .claims
}

async fn signed_in(app: &Client) -> Device {
    let ada = app.person("ada@example.com").await;
    app.sign_in(&ada).await
}

#[tokio::test]
async fn any_service_can_check_a_token_with_our_public_keys() {
    let app = App::start().await;
    let ada = app.person("ada@example.com").await;
    let device = app.sign_in(&ada).await;
    let url = app.url();
    let claims = checked_elsewhere(&app, &device.access, url, url).await;
    assert_eq!(
        members(&claims),
        [
            "acr",
            "amr",
            "aud",
            "auth_time",
            "email_verified",
            "exp",
            "iat",
            "iss",
            "jti",
            "permissions",
            "plan",
            "roles",
            "sid",
            "sub"
        ]
    );
    assert_eq!(claims["iss"], url);
    assert_eq!(claims["aud"], url);
    assert_eq!(claims["sub"], ada.id);
    assert_eq!(claims["sid"], device.session_id);
    let second = |name: &str| claims[name].as_i64().expect("whole seconds");
    assert_eq!(second("exp") - second("iat"), 900);
    assert!((0..=1).contains(&(second("iat") - second("auth_time"))));
    assert_eq!(claims["amr"], json!(["pwd"]));
    assert_eq!(claims["acr"], "aal1");
    assert_eq!(claims["roles"], json!(["user"]));
    assert_eq!(
        claims["permissions"],
        json!([
            "profile:read",
            "profile:write",
            "sessions:read",
            "sessions:write"
        ])
    );
    assert_eq!(claims["plan"], "free");
    assert_eq!(claims["email_verified"], true);
}

#[tokio::test]
async fn issuer_and_audience_are_as_configured() {
    let app = App::with(&[
        ("PUBLIC_URL", "https://id.example.com"),
        ("AUDIENCE", "https://api.example.com"),
    ])
    .await;
    let device = signed_in(&app).await;
    checked_elsewhere(
        &app,
        &device.access,
        "https://id.example.com",
        "https://api.example.com",
    )
    .await;
    app.me(&device.access).await.expect(200);
}

#[tokio::test]
async fn the_published_keys_hold_nothing_private() {
    let app = App::start().await;
    let keys = app.get("/.well-known/jwks.json").send().await.json(200);
    for key in keys["keys"].as_array().unwrap() {
        assert_eq!(members(key), ["alg", "crv", "kid", "kty", "use", "x", "y"]);
    }
}

#[tokio::test]
async fn no_two_tokens_have_one_id() {
    let app = App::start().await;
    let ada = app.person("ada@example.com").await;
    let mut ids = BTreeSet::new();
    for _ in 0..5 {
        let mut device = app.sign_in(&ada).await;
        assert!(ids.insert(device.claims()["jti"].to_string()));
        device = Device::from(&app.refresh(&device.refresh).await.json(200));
        assert!(ids.insert(device.claims()["jti"].to_string()));
    }
}

#[tokio::test]
async fn the_first_admin_has_every_permission() {
    let app = App::with(&[("BOOTSTRAP_ADMIN_EMAIL", "root@example.com")]).await;
    let root = app.person("root@example.com").await;
    let claims = app.sign_in(&root).await.claims();
    assert!(
        claims["roles"]
            .as_array()
            .unwrap()
            .contains(&json!("admin"))
    );
    let permissions = claims["permissions"].as_array().unwrap();
    for permission in ["users:status", "roles:write", "stats:read", "profile:read"] {
        assert!(permissions.contains(&json!(permission)), "{permission}");
    }
}

#[tokio::test]
async fn a_token_is_good_for_900_seconds_and_not_one_more() {
    let app = App::start().await;
    let device = signed_in(&app).await;
    app.advance(880).await;
    app.me(&device.access).await.expect(200);
    app.advance(20).await;
    let answer = app.me(&device.access).await;
    let challenge = answer.header("www-authenticate").unwrap().to_owned();
    assert!(challenge.starts_with("Bearer "), "{challenge}");
    answer.problem(401, "unauthenticated");
}

#[tokio::test]
async fn the_scheme_may_be_written_in_any_case() {
    let app = App::start().await;
    let device = signed_in(&app).await;
    for scheme in ["Bearer", "bearer", "BEARER"] {
        app.get("/api/auth/user/me")
            .header("authorization", &format!("{scheme} {}", device.access))
            .send()
            .await
            .expect(200);
    }
}

#[tokio::test]
async fn a_token_is_taken_from_the_one_header_and_from_nowhere_else() {
    let app = App::start().await;
    let Device {
        access, refresh, ..
    } = signed_in(&app).await;
    let me = || app.get("/api/auth/user/me");
    let bearer = format!("Bearer {access}");
    let elsewhere = [
        me(),
        app.get(&format!("/api/auth/user/me?access_token={access}")),
        app.post("/api/auth/user/me", &json!({ "access_token": access })),
        me().header("cookie", &format!("access_token={access}")),
        me().header("x-api-key", &access),
        me().header("x-forwarded-authorization", &bearer),
        me().header("authorization", &access),
        me().header("authorization", &format!("Basic {access}")),
        me().header("authorization", &format!("Bearer{access}")),
        me().header("authorization", &format!("Bearer {access}, Bearer x")),
        me().header("authorization", &bearer)
            .header("authorization", &bearer),
        me().header("authorization", "Bearer"),
        me().header("authorization", "Bearer "),
        me().header("authorization", "Bearer \u{e5}\u{e4}\u{f6}"),
        me().bearer(&".".repeat(100_000)),
        me().bearer(&refresh),
        me().bearer(&format!("{access}.{access}")),
    ];
    for call in elsewhere {
        let answer = call.send().await;
        let challenge = answer.header("www-authenticate").unwrap_or_default();
        assert!(challenge.starts_with("Bearer"), "{answer:?}");
        answer.problem(401, "unauthenticated");
    }
    app.me(&access).await.expect(200);
}

#[tokio::test]
async fn no_other_secret_of_ours_serves_as_an_access_token() {
    let app = App::start().await;
    let pending = app.sign_up("bob@example.com").await;
    let link = app
        .mail_to("bob@example.com", "verify_email")
        .await
        .link_token();
    let device = signed_in(&app).await;
    for secret in [&link, &pending.token_id, &device.refresh] {
        app.me(secret).await.problem(401, "unauthenticated");
    }
    // Nor the other way round.
    for secret in [&device.access, &link, &device.session_id] {
        app.refresh(secret).await.problem(401, "session_expired");
    }
    app.me(&device.access).await.expect(200);
}

#[tokio::test]
async fn a_token_of_another_issuer_or_for_another_audience_is_refused() {
    let data = tempfile::tempdir().unwrap();
    // The same keys and the same accounts all the time: only the settings differ.
    let deployments = [
        ("https://a.example.com", "https://api.example.com"),
        ("https://a.example.com", "https://api.example.org"),
        ("https://a.example.com", "https://api.example.com/"),
        ("https://b.example.com", "https://api.example.com"),
        ("https://a.example.com.b.org", "https://api.example.com"),
    ];
    let mut device = None;
    for (issuer, audience) in deployments {
        let settings = [("PUBLIC_URL", issuer), ("AUDIENCE", audience)];
        let app = App::kept(data.path(), &settings).await;
        match &device {
            None => {
                let signed_in = signed_in(&app).await;
                app.me(&signed_in.access).await.expect(200);
                device = Some(signed_in);
            }
            Some(Device { access, .. }) => {
                app.me(access).await.problem(401, "unauthenticated");
            }
        }
        app.stop().await;
    }
    // It was the settings that refused it.
    let (issuer, audience) = deployments[0];
    let app = App::kept(
        data.path(),
        &[("PUBLIC_URL", issuer), ("AUDIENCE", audience)],
    )
    .await;
    app.me(&device.unwrap().access).await.expect(200);
}
