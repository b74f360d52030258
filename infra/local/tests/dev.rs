//! `cargo dev` as a process: what it prints, and that killing it loses nothing.

// For Clippy, which else takes what stands outside of a test function for production code.
#![cfg(test)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

/// A running `dev`, killed when it is dropped.
struct Dev {
    process: Child,
    url: String,
}

impl Drop for Dev {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dev"));
    command.args(arguments).stdout(Stdio::piped());
    command
}

fn start(data: &Path) -> Dev {
    let data = data.to_str().unwrap();
    let mut process = command(&["--port", "0", "--data", data]).spawn().unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let url = lines
        .find_map(|line| Some(line.unwrap().strip_prefix("listening on ")?.to_owned()))
        .unwrap();
    Dev { process, url }
}

async fn recipients(dev: &Dev) -> Vec<String> {
    let answer = Client::new()
        .get(format!("{}/dev/inbox", dev.url))
        .header("accept", "application/json")
        .send()
        .await
        .unwrap();
    let body: Value = answer.json().await.unwrap();
    let messages = body["messages"].as_array().unwrap();
    let to = messages.iter().map(|mail| mail["to"].as_str().unwrap());
    to.map(ToOwned::to_owned).collect()
}

#[tokio::test]
async fn killing_it_right_after_an_answer_loses_no_account_and_no_mail() {
    let data = tempfile::tempdir().unwrap();
    let mut expected = Vec::new();
    for number in 0..8 {
        let dev = start(data.path());
        let email = format!("ada{number}@example.com");
        let body = json!({
            "name": "Ada", "email": email, "password": "correct horse battery staple",
        });
        let answer = Client::new()
            .post(format!("{}/api/auth/sign-up", dev.url))
            .json(&body)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::ACCEPTED);
        expected.push(email);
        drop(dev);
    }
    let dev = start(data.path());
    let mut mailed = recipients(&dev).await;
    // Killed between sending and noting it, the mail goes out a second time.
    mailed.dedup();
    assert_eq!(mailed, expected);
    let settings = std::fs::read_to_string(data.path().join("functions.env")).unwrap();
    assert!(settings.contains(&format!("PUBLIC_URL={}\n", dev.url)));
}

#[test]
fn a_taken_port_is_a_clear_error() {
    let data = tempfile::tempdir().unwrap();
    let dev = start(data.path());
    let port = dev.url.rsplit(':').next().unwrap();
    let refused = command(&["--port", port, "--memory"])
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(1));
    let text = String::from_utf8(refused.stderr).unwrap();
    assert!(
        text.contains(&format!("port {port} of 127.0.0.1")),
        "{text}"
    );
}
