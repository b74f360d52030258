//! `cargo dev` as a process: what it prints, and that killing it loses nothing.

// For Clippy, which else takes what stands outside of a test function for production code.
#![cfg(test)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use reqwest::{Client, Method, StatusCode};
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
    // Each start takes another port, and what tokens are issued by must not change with it.
    command.env("PUBLIC_URL", "https://id.example.com");
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
    assert!(settings.contains("PUBLIC_URL=https://id.example.com\n"));
}

/// A server that is killed after each answer and started again over the same data.
struct Mortal<'a> {
    data: &'a Path,
}

impl Mortal<'_> {
    async fn call(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<Value>,
        status: u16,
    ) -> Value {
        let dev = start(self.data);
        let mut request = Client::new()
            .request(method, format!("{}{path}", dev.url))
            .header("accept", "application/json");
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        let (found, text) = (answer.status(), answer.text().await.unwrap());
        assert_eq!(found.as_u16(), status, "{path}: {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    async fn post(&self, path: &str, body: Value, status: u16) -> Value {
        self.call(Method::POST, path, None, Some(body), status)
            .await
    }

    async fn get(&self, path: &str, token: &str, status: u16) -> Value {
        self.call(Method::GET, path, Some(token), None, status)
            .await
    }

    async fn refresh(&self, signed_in: &Value, status: u16) -> Value {
        let body = json!({ "refreshToken": signed_in["refreshToken"] });
        let path = "/api/auth/user/refresh";
        self.call(Method::PATCH, path, None, Some(body), status)
            .await
    }
}

#[tokio::test]
async fn killing_it_between_any_two_steps_of_the_journey_loses_nothing() {
    const EMAIL: &str = "ada@example.com";
    const ME: &str = "/api/auth/user/me";
    let password = "correct horse battery staple";
    let data = tempfile::tempdir().unwrap();
    let dev = Mortal { data: data.path() };

    let body = json!({ "name": "Ada", "email": EMAIL, "password": password });
    let signed_up = dev.post("/api/auth/sign-up", body, 202).await;
    let inbox = dev.get("/dev/inbox", "", 200).await;
    let text = inbox["messages"][0]["text"].as_str().unwrap();
    let code = text
        .split(|c: char| !c.is_ascii_alphanumeric())
        .find(|word| word.len() == 6 && word.bytes().all(|byte| byte.is_ascii_digit()))
        .unwrap();
    let verify = json!({
        "code": code,
        "userId": signed_up["userId"],
        "tokenId": signed_up["verification"]["tokenId"],
        "email": EMAIL,
    });
    dev.post("/api/auth/verify/email", verify.clone(), 200)
        .await;
    dev.post("/api/auth/verify/email", verify, 400).await;

    let sign_in = json!({ "email": EMAIL, "password": password, "tokenDelivery": "body" });
    let first = dev.post("/api/auth/sign-in", sign_in.clone(), 200).await;
    let me = dev
        .get(ME, first["accessToken"].as_str().unwrap(), 200)
        .await;
    assert_eq!(me["user"]["id"], signed_up["userId"]);
    let once = dev.refresh(&first, 200).await;
    dev.refresh(&once, 200).await;
    dev.refresh(&first, 401).await;
    let inbox = dev.get("/dev/inbox", "", 200).await;
    let last = inbox["messages"].as_array().unwrap().last().unwrap();
    assert_eq!(last["template"], "session_ended_by_reuse");

    let second = dev.post("/api/auth/sign-in", sign_in.clone(), 200).await;
    let third = dev.post("/api/auth/sign-in", sign_in, 200).await;
    let [second, third] = [&second, &third].map(|signed_in| {
        let id = signed_in["session"]["id"].as_str().unwrap();
        (id, signed_in["accessToken"].as_str().unwrap())
    });
    let listed = dev.get("/api/auth/sessions", second.1, 200).await;
    assert_eq!(listed["sessions"].as_array().unwrap().len(), 2);
    let path = format!("/api/auth/sessions/{}", third.0);
    dev.call(Method::DELETE, &path, Some(second.1), None, 204)
        .await;
    dev.get(ME, third.1, 401).await;
    let path = "/api/auth/user/logout-all";
    dev.call(Method::DELETE, path, Some(second.1), None, 204)
        .await;
    dev.get(ME, second.1, 401).await;
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
