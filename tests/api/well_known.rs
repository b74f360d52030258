//! `GET /.well-known/jwks.json`, `GET /.well-known/oauth-authorization-server`, `GET /api/health`

use std::collections::HashSet;

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use latchkey_local::Options;
use latchkey_tests::App;
use reqwest::Method;
use serde_json::{Value, json};

const JWKS: &str = "/.well-known/jwks.json";
const METADATA: &str = "/.well-known/oauth-authorization-server";
const HEALTH: &str = "/api/health";

async fn keys(app: &App) -> Vec<Value> {
    let body = app.get(JWKS).send().await.json(200);
    body["keys"].as_array().expect("keys").clone()
}

#[tokio::test]
async fn the_keys_are_public_and_of_the_one_algorithm() {
    let app = App::start().await;
    let keys = keys(&app).await;
    assert!(!keys.is_empty());
    for key in &keys {
        assert_eq!(key["kty"], "EC");
        assert_eq!(key["crv"], "P-256");
        assert_eq!(key["alg"], "ES256");
        assert_eq!(key["use"], "sig");
        for member in ["kid", "x", "y"] {
            let value = key[member].as_str();
            assert!(value.is_some_and(|text| !text.is_empty()), "{member}");
        }
        // Nothing else, and above all no private half.
        let public = ["alg", "crv", "key_ops", "kid", "kty", "use", "x", "y"];
        for member in key.as_object().unwrap().keys() {
            assert!(public.contains(&member.as_str()), "{member}");
        }
    }
}

#[tokio::test]
async fn access_tokens_check_against_the_keys() {
    let app = App::start().await;
    let ada = app.person("ada@example.com").await;
    let device = app.sign_in(&ada).await;
    let header = decode_header(&device.access).unwrap();
    assert_eq!(header.alg, Algorithm::ES256);
    assert_eq!(header.typ.as_deref(), Some("at+jwt"));

    let keys = keys(&app).await;
    let kid = header.kid.expect("a kid");
    let named: Vec<_> = keys.iter().filter(|key| key["kid"] == *kid).collect();
    let [key] = named[..] else {
        panic!("{kid} in {keys:?}");
    };
    let key = serde_json::from_value(key.clone()).unwrap();
    let key = DecodingKey::from_jwk(&key).unwrap();
    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_issuer(&[app.stack.url()]);
    validation.set_audience(&[app.stack.url()]);
    let token = decode::<Value>(&device.access, &key, &validation).unwrap();
    assert_eq!(token.claims["sub"], ada.id.as_str());
}

#[tokio::test]
async fn each_deployment_has_keys_of_its_own_and_keeps_them() {
    let data = tempfile::tempdir().unwrap();
    let kept = || Options {
        data: Some(data.path().to_owned()),
        ..Options::default()
    };
    let app = App::of(kept()).await;
    let before = keys(&app).await;
    app.stack.stop().await;
    assert_eq!(keys(&App::of(kept()).await).await, before);
    assert_ne!(keys(&App::start().await).await, before);
}

#[tokio::test]
async fn what_is_public_may_be_cached_and_carries_no_cookie() {
    let app = App::start().await;
    for path in [JWKS, METADATA] {
        let answer = app.get(path).send().await.expect(200);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        let caching = answer.header("cache-control").unwrap();
        assert!(caching.contains("max-age="), "{path}: {caching}");
        assert!(!caching.contains("no-store"), "{path}: {caching}");
        assert!(answer.header("set-cookie").is_none());
    }
}

#[tokio::test]
async fn the_metadata_names_the_configured_issuer() {
    let public_url = "https://id.example.com";
    let app = App::with(&[("PUBLIC_URL", public_url)]).await;
    let answer = app
        .get(METADATA)
        .header("host", "evil.example")
        .header("x-forwarded-host", "evil.example")
        .send()
        .await;
    assert!(!answer.text.contains("evil.example"));
    let metadata = answer.json(200);
    assert_eq!(metadata["issuer"], public_url);
    assert_eq!(metadata["jwks_uri"], format!("{public_url}{JWKS}"));
    // Required by RFC 8414, empty where nothing of the kind is offered.
    assert!(metadata["response_types_supported"].is_array());
    for (member, value) in metadata.as_object().unwrap() {
        let url = value.as_str().filter(|text| text.contains("://"));
        assert!(
            url.is_none_or(|url| url.starts_with(public_url)),
            "{member}: {value}"
        );
    }
}

#[tokio::test]
async fn the_health_is_told_without_asking_anybody() {
    let app = App::start().await;
    let _ = app.stack.calls().take();
    let body = app.get(HEALTH).send().await.json(200);
    assert_eq!(body, json!({ "status": "ok" }));
    app.get(JWKS).send().await.expect(200);
    app.get(METADATA).send().await.expect(200);
    let calls = app.stack.calls().take();
    assert_eq!(calls.dynamodb_count() + calls.cache.len(), 0);
}

#[tokio::test]
async fn they_are_for_all_with_whatever_credential() {
    let app = App::start().await;
    for path in [JWKS, METADATA, HEALTH] {
        let mut texts = HashSet::new();
        for call in [
            app.get(path),
            app.get(path).bearer("garbage"),
            app.get(path).header("x-api-key", "garbage"),
        ] {
            texts.insert(call.send().await.expect(200).text);
        }
        assert_eq!(texts.len(), 1, "{path}");
        let head = app.call(Method::HEAD, path).send().await.expect(200);
        assert!(head.text.is_empty());
    }
}
