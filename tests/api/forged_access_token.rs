//! Access tokens that we never issued (RFC 8725).

use std::io::ErrorKind;
use std::net::TcpListener;

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use latchkey_tests::{App, Device};
use serde_json::{Value, json};

/// What stands before a P-256 point in a `SubjectPublicKeyInfo` (RFC 5480).
const SPKI_PREFIX: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// A service, somebody's good token on it, and a key that the service never saw.
struct Scene {
    app: App,
    device: Device,
    header: Value,
    claims: Value,
    key: EcdsaKeyPair,
}

impl Scene {
    async fn start() -> Self {
        let app = App::start().await;
        let ada = app.person("ada@example.com").await;
        let device = app.sign_in(&ada).await;
        let header = device.access.split('.').next().unwrap();
        let header = URL_SAFE_NO_PAD.decode(header).unwrap();
        Self {
            header: serde_json::from_slice(&header).unwrap(),
            claims: device.claims(),
            key: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap(),
            app,
            device,
        }
    }

    /// The good token's header with these members instead.
    fn header(&self, changes: &Value) -> Value {
        let mut header = self.header.clone();
        for (name, value) in changes.as_object().unwrap() {
            header[name] = value.clone();
        }
        header
    }

    /// A token with the good one's claims, signed with our own key.
    fn forged(&self, header: &Value) -> String {
        self.token(header, |text| {
            let signature = self.key.sign(&SystemRandom::new(), text).unwrap();
            signature.as_ref().to_vec()
        })
    }

    fn token(&self, header: &Value, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
        let text = format!("{}.{}", segment(header), segment(&self.claims));
        let signature = URL_SAFE_NO_PAD.encode(sign(text.as_bytes()));
        format!("{text}.{signature}")
    }

    async fn refuses(&self, token: &str) {
        let answer = self.app.me(token).await;
        let body = answer.problem(401, "unauthenticated").to_string();
        for claim in ["sub", "sid", "jti"] {
            let claim = self.claims[claim].as_str().unwrap();
            assert!(!body.contains(claim), "{body}");
        }
    }

    /// Claims that all of this was for nothing because the tokens were bad, not the account.
    async fn accepts_the_good_one(&self) {
        self.app.me(&self.device.access).await.expect(200);
    }

    /// Our own public key as a JWK.
    fn jwk(&self) -> Value {
        let point = self.key.public_key().as_ref();
        let (x, y) = point[1..].split_at(32);
        json!({
            "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": self.header["kid"],
            "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y),
        })
    }
}

fn segment(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

#[tokio::test]
async fn a_token_without_a_signature_is_refused() {
    let scene = Scene::start().await;
    let good_signature = scene.device.access.rsplit('.').next().unwrap();
    let algorithms = [
        json!("none"),
        json!("None"),
        json!("NONE"),
        json!("nOnE"),
        json!(""),
        json!("es256"),
        json!("ES256 "),
        json!(["ES256"]),
        json!(["none"]),
        json!(null),
        json!(0),
    ];
    for alg in algorithms {
        let header = scene.header(&json!({ "alg": alg }));
        let unsigned = scene.token(&header, |_| Vec::new());
        scene.refuses(&unsigned).await;
        scene.refuses(unsigned.trim_end_matches('.')).await;
        scene.refuses(&format!("{unsigned}{good_signature}")).await;
    }
    let mut header = scene.header.clone();
    header.as_object_mut().unwrap().remove("alg");
    scene.refuses(&scene.token(&header, |_| Vec::new())).await;
    scene.refuses(&scene.forged(&header)).await;
    scene.accepts_the_good_one().await;
}

#[tokio::test]
async fn the_public_key_is_no_secret_to_sign_with() {
    let scene = Scene::start().await;
    let keys = scene
        .app
        .get("/.well-known/jwks.json")
        .send()
        .await
        .json(200);
    let jwk = &keys["keys"][0];
    let coordinate = |name: &str| {
        let text = jwk[name].as_str().unwrap();
        URL_SAFE_NO_PAD.decode(text).unwrap()
    };
    let point = [vec![4], coordinate("x"), coordinate("y")].concat();
    let der = [&SPKI_PREFIX[..], &point].concat();
    let lines: Vec<_> = STANDARD
        .encode(&der)
        .as_bytes()
        .chunks(64)
        .map(|line| String::from_utf8(line.to_vec()).unwrap())
        .collect();
    let pem = format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----",
        lines.join("\n")
    );
    let secrets = [
        pem.clone().into_bytes(),
        format!("{pem}\n").into_bytes(),
        der,
        point,
        coordinate("x"),
        jwk["x"].as_str().unwrap().into(),
        jwk["kid"].as_str().unwrap().into(),
        jwk.to_string().into_bytes(),
        keys.to_string().into_bytes(),
        Vec::new(),
        b"secret".to_vec(),
    ];
    for secret in secrets {
        for (alg, algorithm) in [
            ("HS256", hmac::HMAC_SHA256),
            ("HS384", hmac::HMAC_SHA384),
            ("HS512", hmac::HMAC_SHA512),
            // The header says what is expected, the signature is a MAC.
            ("ES256", hmac::HMAC_SHA256),
        ] {
            let key = hmac::Key::new(algorithm, &secret);
            let header = scene.header(&json!({ "alg": alg }));
            let token = scene.token(&header, |text| hmac::sign(&key, text).as_ref().to_vec());
            scene.refuses(&token).await;
        }
    }
    scene.accepts_the_good_one().await;
}

#[tokio::test]
async fn another_key_is_not_ours_whatever_the_header_says_of_it() {
    let scene = Scene::start().await;
    let jwk = scene.jwk();
    let kids = [
        scene.header["kid"].clone(),
        json!(null),
        json!(""),
        json!("unknown"),
        json!("../../../../dev/null"),
        json!("/proc/self/environ"),
        json!("' OR '1'='1"),
        json!("kid\u{0}"),
        json!("k".repeat(2_000)),
        json!("k".repeat(64_000)),
        json!({ "kid": 1 }),
    ];
    for kid in kids {
        let header = scene.header(&json!({ "kid": kid }));
        scene.refuses(&scene.forged(&header)).await;
        let header = scene.header(&json!({ "kid": kid, "jwk": jwk }));
        scene.refuses(&scene.forged(&header)).await;
    }
    for typ in ["at+jwt", "JWT", "application/at+jwt", ""] {
        let header = scene.header(&json!({ "typ": typ, "jwk": jwk }));
        scene.refuses(&scene.forged(&header)).await;
    }
    let header = scene.header(&json!({ "b64": false, "crit": ["b64"], "jwk": jwk }));
    scene.refuses(&scene.forged(&header)).await;
    scene.accepts_the_good_one().await;
}

#[tokio::test]
async fn nothing_is_fetched_for_a_token() {
    let scene = Scene::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}/keys", listener.local_addr().unwrap());
    for name in ["jku", "x5u", "kid"] {
        for forged in [true, false] {
            let header = scene.header(&json!({ (name): url }));
            let token = if forged {
                scene.forged(&header)
            } else {
                scene.token(&header, |_| Vec::new())
            };
            scene.refuses(&token).await;
        }
    }
    let nobody = listener.accept().unwrap_err();
    assert_eq!(nobody.kind(), ErrorKind::WouldBlock);
}

#[tokio::test]
async fn no_character_of_a_token_can_be_changed() {
    let scene = Scene::start().await;
    let good = scene.device.access.clone().into_bytes();
    for at in 0..good.len() {
        let mut changed = good.clone();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        scene.refuses(&String::from_utf8(changed).unwrap()).await;
    }
    for length in [0, 1, good.len() / 2, good.len() - 1] {
        let cut = String::from_utf8(good[..length].to_vec()).unwrap();
        scene.refuses(&cut).await;
    }
    scene.refuses(&format!("{}A", scene.device.access)).await;
    scene.accepts_the_good_one().await;
}

#[tokio::test]
async fn the_parts_of_two_good_tokens_make_no_third() {
    let scene = Scene::start().await;
    let eve = scene.app.person("eve@example.com").await;
    let eve = scene.app.sign_in(&eve).await;
    let parts: Vec<_> = scene.device.access.split('.').collect();
    let others: Vec<_> = eve.access.split('.').collect();
    let (header, claims, signature) = (parts[0], parts[1], others[2]);
    scene
        .refuses(&format!("{header}.{claims}.{signature}"))
        .await;
    let (claims, signature) = (others[1], parts[2]);
    scene
        .refuses(&format!("{header}.{claims}.{signature}"))
        .await;
    scene.app.me(&eve.access).await.expect(200);
}
