//! Another release of the service gave access tokens another life.

use std::fs;
use std::path::Path;

use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use latchkey_local::Options;
use latchkey_tests::{App, Device};
use serde_json::Value;

use super::{DENY_LIFE, Scene};

/// Bytes of a P-256 scalar.
struct Scalar;

impl KeyType for Scalar {
    fn len(&self) -> usize {
        32
    }
}

/// The service's own key, derived from the seed in its directory as the service derives it.
async fn signing_key(app: &App, data: &Path) -> EcdsaKeyPair {
    let secret = fs::read_to_string(data.join("keys.json")).unwrap();
    let secret: Value = serde_json::from_str(&secret).unwrap();
    let seed = secret["seed"].as_str().unwrap();
    let root = Salt::new(HKDF_SHA256, b"latchkey").extract(seed.as_bytes());
    let mut private = [0; 32];
    root.expand(&[b"latchkey v1 access tokens 0"], Scalar)
        .unwrap()
        .fill(&mut private)
        .unwrap();
    let jwks = app.get("/.well-known/jwks.json").send().await.json(200);
    let coordinate = |name: &str| {
        let text = jwks["keys"][0][name].as_str().unwrap();
        URL_SAFE_NO_PAD.decode(text).unwrap()
    };
    let public = [vec![4], coordinate("x"), coordinate("y")].concat();
    let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
    EcdsaKeyPair::from_private_key_and_public_key(algorithm, &private, &public).unwrap()
}

/// What a release that let access tokens live for a day would have issued.
fn for_a_day(device: &Device, key: &EcdsaKeyPair) -> String {
    let mut claims = device.claims();
    claims["exp"] = (claims["iat"].as_i64().unwrap() + 24 * 60 * 60).into();
    let header = device.access.split('.').next().unwrap();
    let text = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
    let signature = key.sign(&SystemRandom::new(), text.as_bytes()).unwrap();
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[tokio::test]
async fn no_token_outlives_the_marks_that_deny_it() {
    let data = tempfile::tempdir().unwrap();
    let scene = Scene::of(Options {
        data: Some(data.path().to_owned()),
        ..Options::default()
    })
    .await;
    let device = scene.sign_in().await;
    let long = for_a_day(&device, &signing_key(&scene.app, data.path()).await);
    assert!(scene.is_taken(&long).await);
    scene.move_to("banned").await;
    assert!(!scene.is_taken(&long).await);
    scene.move_to("active").await;
    assert!(!scene.is_taken(&long).await);
    // The marks have lapsed, and nobody writes them anew for an account that is active.
    scene.app.advance(DENY_LIFE).await;
    assert!(!scene.is_taken(&long).await);
}
