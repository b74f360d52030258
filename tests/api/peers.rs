//! Libraries in another language: `jose` checks our access tokens from the JWKS alone, `jsqr` reads
//! QR codes as a camera would, and `otpauth` makes the codes of an authenticator app.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use latchkey_shared::clock::Clock;
use latchkey_tests::{App, in_ci};
use serde_json::{Value, json};

const PEERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/peers");

/// Whether the packages are there. In CI they have to be.
fn are_installed() -> bool {
    let modules = Path::new(PEERS).join("node_modules");
    let installed = ["jose", "jsqr", "otpauth"].map(|package| modules.join(package).exists());
    if installed.contains(&false) {
        assert!(!in_ci(), "run npm ci in tests/peers first");
        eprintln!("skipped, for want of npm packages: run npm ci in tests/peers");
        return false;
    }
    true
}

/// Runs a script on Node with this input; what it prints if it is content, nothing if it is not.
async fn node(script: &'static str, arguments: Vec<String>, input: String) -> Option<Value> {
    let output = tokio::task::spawn_blocking(move || {
        let mut node = Command::new("node")
            .arg(script)
            .args(arguments)
            .current_dir(PEERS)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node starts");
        let mut stdin = node.stdin.take().expect("its input");
        stdin.write_all(input.as_bytes()).expect("it reads");
        drop(stdin);
        node.wait_with_output().expect("it ends")
    })
    .await
    .expect("the thread ends");
    output
        .status
        .success()
        .then(|| serde_json::from_slice(&output.stdout).expect("JSON"))
}

/// Hands a token to `jose`; the claims if it is good.
async fn jose(app: &App, token: String) -> Option<Value> {
    let url = app.stack.url();
    let jwks = format!("{url}/.well-known/jwks.json");
    node("verify.mjs", vec![jwks, url.clone(), url], token).await
}

/// What `otpauth` makes of this URI at the service's time.
async fn otpauth(app: &App, uri: &Value) -> Value {
    let now = app.stack.clock().now().as_millisecond().to_string();
    let uri = uri.as_str().expect("a URI").to_owned();
    let made = node("totp.mjs", vec![now], uri).await;
    made.expect("a code")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_javascript_library_verifies_an_access_token_from_the_jwks_alone() {
    if !are_installed() {
        return;
    }
    let app = App::start().await;
    let ada = app.person("ada@example.com").await;
    let device = app.sign_in(&ada).await;

    let claims = jose(&app, device.access.clone())
        .await
        .expect("a good token");
    assert_eq!(claims["sub"], ada.id.as_str());
    assert_eq!(claims["sid"], device.session_id.as_str());

    // And it would see a change.
    let mut changed = device.access.into_bytes();
    let middle = changed.len() / 2;
    changed[middle] = if changed[middle] == b'a' { b'b' } else { b'a' };
    let changed = String::from_utf8(changed).expect("a text");
    assert_eq!(jose(&app, changed).await, None);
}

/// The squares of a QR code: the length of a side, and each dark rectangle as left, top, width, height.
fn squares(svg: &str) -> Value {
    let number = |text: &str| -> u32 {
        let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().expect("a number")
    };
    let part = |text: &str, mark: &str| -> String {
        let (_, rest) = text.split_once(mark).expect(mark);
        rest.to_owned()
    };
    let path = part(svg, " d=\"");
    let dark: Vec<[u32; 4]> = path
        .split('"')
        .next()
        .expect("a path")
        .split('M')
        .skip(1)
        .map(|square| {
            let (top, width) = (part(square, " "), part(square, "h"));
            [square, &top, &width, &part(square, "v")].map(number)
        })
        .collect();
    json!({ "side": number(&part(svg, "width=\"")), "dark": dark })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_javascript_library_reads_the_uri_from_the_picture() {
    if !are_installed() {
        return;
    }
    let app = App::start().await;
    let ada = app.person("ada@example.com").await;
    let device = app.sign_in(&ada).await;
    let begun = app.enable(&device, &json!({ "method": "totp" })).await;
    let begun = begun.json(200);
    let picture = squares(begun["qrSvg"].as_str().expect("a picture"));
    let read = node("qr.mjs", Vec::new(), picture.to_string()).await;
    let read = read.expect("a QR code");
    assert_eq!(read, begun["otpauthUri"]);
    let uri = read.as_str().unwrap();
    let secret = begun["secret"].as_str().unwrap();
    assert!(secret.len() >= 32, "160 bits: {secret}");
    assert!(uri.starts_with("otpauth://totp/Latchkey:"), "{uri}");
    assert!(uri.contains(&format!("secret={secret}")), "{uri}");
    assert!(uri.contains("issuer=Latchkey"), "{uri}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_javascript_library_is_an_authenticator_app() {
    if !are_installed() {
        return;
    }
    let app = App::with(&[("APP_NAME", "Ada: & Söner")]).await;
    let ada = app.person("ada+lovelace@example.com").await;
    let device = app.sign_in(&ada).await;
    let begun = app.enable(&device, &json!({ "method": "totp" })).await;
    let begun = begun.json(200);
    let uri = &begun["otpauthUri"];
    let shown = otpauth(&app, uri).await;
    // A colon parts the two in the label, so that there is none in either.
    assert_eq!(shown["issuer"], "Ada  & Söner");
    assert_eq!(shown["label"], "ada+lovelace@example.com");
    let agreed = [&shown["algorithm"], &shown["digits"], &shown["period"]];
    assert_eq!(agreed, [&json!("SHA1"), &json!(6), &json!(30)]);

    let body = json!({ "token": begun["token"], "code": shown["code"] });
    let enabled = app.enable(&device, &body).await.json(200);
    assert_eq!(enabled["recoveryCodes"].as_array().unwrap().len(), 10);
    for _ in 0..3 {
        app.advance(30).await;
        let code = otpauth(&app, uri).await["code"].clone();
        let code = code.as_str().unwrap();
        let device = app.sign_in_with_code(&ada.email, code).await;
        assert_eq!(device.claims()["acr"], "aal2");
        let first = app.first_step(&ada.email).await;
        let again = app.second_step(&first, &json!({ "code": code }));
        again.send().await.problem(400, "code_invalid");
    }
}
