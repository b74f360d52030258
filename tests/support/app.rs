//! The whole service, for one test.

use std::ops::Deref;
use std::path::Path;

use latchkey_local::{Options, Stack};
use reqwest::Method;
use serde_json::Value;
use tokio::task::JoinSet;

use crate::answer::Answer;

/// The service, with nobody on it yet.
#[expect(
    missing_debug_implementations,
    reason = "nobody prints a whole service"
)]
pub struct App {
    /// The service and all it runs on.
    pub stack: Stack,
    client: Client,
}

/// What speaks to a service, wherever that runs.
#[derive(Debug, Clone)]
pub struct Client {
    url: String,
    http: reqwest::Client,
}

/// A mail or SMS that the service sent.
#[derive(Debug, Clone)]
pub struct Mail {
    /// Its id in the inbox.
    pub id: String,
    /// Who got it.
    pub to: String,
    /// The template it was made from.
    pub template: String,
    /// Its subject.
    pub subject: String,
    /// Its text part.
    pub text: String,
    /// Its HTML part.
    pub html: String,
}

impl Mail {
    /// The six digits in its text.
    pub fn code(&self) -> String {
        self.text
            .split(|c: char| !c.is_ascii_alphanumeric())
            .find(|word| word.len() == 6 && word.bytes().all(|byte| byte.is_ascii_digit()))
            .expect("a code in the mail")
            .to_owned()
    }

    /// The link in its text.
    pub fn link(&self) -> String {
        self.text
            .split_whitespace()
            .find(|word| word.contains("?token="))
            .expect("a link in the mail")
            .to_owned()
    }

    /// The token of its link.
    pub fn link_token(&self) -> String {
        let link = self.link();
        let (_, token) = link.split_once("?token=").expect("a token in the link");
        token.to_owned()
    }
}

impl App {
    /// A fresh service in memory.
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// A fresh service in memory with these settings.
    pub async fn with(settings: &[(&str, &str)]) -> Self {
        Self::of(Options {
            settings: owned(settings),
            ..Options::default()
        })
        .await
    }

    /// A service with these settings that keeps everything in this directory, and finds there
    /// what an earlier one kept.
    pub async fn kept(data: &Path, settings: &[(&str, &str)]) -> Self {
        Self::of(Options {
            data: Some(data.to_owned()),
            settings: owned(settings),
            ..Options::default()
        })
        .await
    }

    /// A service of these options.
    pub async fn of(options: Options) -> Self {
        let stack = Stack::start(options).await.expect("the stack starts");
        let client = Client::of(&stack.url());
        Self { stack, client }
    }

    /// Ends the service. What it keeps in a directory is there for the next.
    pub async fn stop(self) {
        self.stack.stop().await;
    }
}

fn owned(settings: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    settings.iter().map(owned).collect()
}

impl Deref for App {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Client {
    /// A client of the service at this address.
    pub fn of(url: &str) -> Self {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .expect("a client");
        Self {
            url: url.to_owned(),
            http,
        }
    }

    /// The address of the service, without a slash at its end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A `GET` of this path.
    pub fn get(&self, path: &str) -> Call {
        self.call(Method::GET, path)
    }

    /// A `POST` of this body.
    pub fn post(&self, path: &str, body: &Value) -> Call {
        self.call(Method::POST, path).json(body)
    }

    /// A `PATCH` of this body.
    pub fn patch(&self, path: &str, body: &Value) -> Call {
        self.call(Method::PATCH, path).json(body)
    }

    /// A `PUT` of this body.
    pub fn put(&self, path: &str, body: &Value) -> Call {
        self.call(Method::PUT, path).json(body)
    }

    /// A `DELETE` of this path.
    pub fn delete(&self, path: &str) -> Call {
        self.call(Method::DELETE, path)
    }

    /// A request without a body.
    pub fn call(&self, method: Method, path: &str) -> Call {
        Call(self.http.request(method, format!("{}{path}", self.url)))
    }

    /// Moves the service's clock.
    pub async fn advance(&self, seconds: i64) {
        let body = serde_json::json!({ "advance": seconds });
        self.post("/dev/clock", &body).send().await.expect(200);
    }

    /// Every mail and SMS sent so far, newest last.
    pub async fn inbox(&self) -> Vec<Mail> {
        let body = self
            .get("/dev/inbox")
            .header("accept", "application/json")
            .send()
            .await
            .json(200);
        let text =
            |message: &Value, member: &str| message[member].as_str().unwrap_or_default().to_owned();
        body["messages"]
            .as_array()
            .expect("a list of messages")
            .iter()
            .map(|message| Mail {
                id: text(message, "id"),
                to: text(message, "to"),
                template: text(message, "template"),
                subject: text(message, "subject"),
                text: text(message, "text"),
                html: text(message, "html"),
            })
            .collect()
    }

    /// Everything sent to this address, however its letters are cased.
    pub async fn mails_to(&self, to: &str) -> Vec<Mail> {
        let mut mails = self.inbox().await;
        mails.retain(|mail| mail.to.eq_ignore_ascii_case(to));
        mails
    }

    /// The newest mail of this template to this address.
    pub async fn mail_to(&self, to: &str, template: &str) -> Mail {
        let mut mails = self.mails_to(to).await;
        mails.retain(|mail| mail.template == template);
        mails.pop().expect("such a mail")
    }
}

/// A request in the making.
#[derive(Debug)]
#[must_use]
pub struct Call(reqwest::RequestBuilder);

impl Call {
    /// With this JSON body.
    pub fn json(self, body: &Value) -> Self {
        Self(self.0.json(body))
    }

    /// With this body and content type.
    pub fn body(self, content_type: &str, body: impl Into<reqwest::Body>) -> Self {
        Self(self.0.header("content-type", content_type).body(body))
    }

    /// With this header.
    pub fn header(self, name: &str, value: &str) -> Self {
        Self(self.0.header(name, value))
    }

    /// With this access token.
    pub fn bearer(self, token: &str) -> Self {
        Self(self.0.bearer_auth(token))
    }

    /// With this refresh token in the cookie.
    pub fn refresh_cookie(self, token: &str) -> Self {
        self.header("cookie", &format!("__Host-refresh_token={token}"))
    }

    /// Sends it and reads the whole answer.
    pub async fn send(self) -> Answer {
        let response = self.0.send().await.expect("an answer");
        Answer {
            status: response.status(),
            headers: response.headers().clone(),
            text: response.text().await.expect("a whole body"),
        }
    }
}

/// Sends them all before any is answered, and gives the answers in no order.
pub async fn at_once(calls: impl IntoIterator<Item = Call>) -> Vec<Answer> {
    let sent: JoinSet<Answer> = calls.into_iter().map(Call::send).collect();
    sent.join_all().await
}
