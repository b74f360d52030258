//! A JWT library in another language checks our access tokens from the JWKS alone.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use latchkey_tests::{App, in_ci};
use serde_json::Value;

const PEERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/peers");

/// Hands a token to `jose` on Node; the claims if it is good, nothing if it is not.
async fn jose(app: &App, token: String) -> Option<Value> {
    let url = app.stack.url();
    let output = tokio::task::spawn_blocking(move || {
        let mut node = Command::new("node")
            .arg("verify.mjs")
            .args([&format!("{url}/.well-known/jwks.json"), &url, &url])
            .current_dir(PEERS)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node starts");
        let mut stdin = node.stdin.take().expect("its input");
        stdin.write_all(token.as_bytes()).expect("it reads");
        drop(stdin);
        node.wait_with_output().expect("it ends")
    })
    .await
    .expect("the thread ends");
    output
        .status
        .success()
        .then(|| serde_json::from_slice(&output.stdout).expect("claims"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_javascript_library_verifies_an_access_token_from_the_jwks_alone() {
    if !Path::new(PEERS).join("node_modules/jose").exists() {
        assert!(!in_ci(), "run npm ci in tests/peers first");
        eprintln!("skipped, for want of npm packages: run npm ci in tests/peers");
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
