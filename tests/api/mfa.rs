//! Second factors: `/api/auth/mfa…`, `/api/auth/enable/mfa`, `/api/auth/disable/mfa`,
//! `/api/auth/trusted-devices…` and the second step of a sign-in.

mod admin;
mod away;
mod bodies;
mod claims;
mod disable;
mod enable;
mod gate;
mod messages;
mod not_me;
mod once;
mod recovery;
mod secrets;
mod sessions_without;
mod ticket;
mod tries;
mod trusted;

use latchkey_tests::{Answer, App, Device, Mail, Person, TotpApp};
use serde_json::{Value, json};

const EMAIL: &str = "ada@example.com";
const NUMBER: &str = "+46701740605";
const DISABLE: &str = "/api/auth/disable/mfa";

/// Ada, and a device that she is signed in on.
async fn app_with_ada() -> (App, Person, Device) {
    let app = App::start().await;
    let ada = app.person(EMAIL).await;
    let device = app.sign_in(&ada).await;
    (app, ada, device)
}

/// Ada, who signs in with an app.
struct Ada {
    app: App,
    person: Person,
    /// Where she set it up. Only her password was shown there.
    device: Device,
    totp: TotpApp,
    recovery: Vec<String>,
}

impl Ada {
    async fn start() -> Self {
        Self::on(App::start().await).await
    }

    async fn on(app: App) -> Self {
        let person = app.person(EMAIL).await;
        let device = app.sign_in(&person).await;
        let (totp, recovery) = app.enable_totp(&device).await;
        Self {
            app,
            person,
            device,
            totp,
            recovery,
        }
    }

    /// A device that she signed in on with both.
    async fn sign_in(&self) -> Device {
        let code = self.totp.next_code(&self.app).await;
        self.app.sign_in_with_code(EMAIL, &code).await
    }

    /// The first step and then the second with these fields.
    async fn try_second(&self, fields: Value) -> Answer {
        let first = self.app.first_step(EMAIL).await;
        self.app.second_step(&first, &fields).send().await
    }

    /// Somebody else with an app of their own.
    async fn eve(&self) -> (Device, TotpApp, Vec<String>) {
        let eve = self.app.person("eve@example.com").await;
        let device = self.app.sign_in(&eve).await;
        let (totp, recovery) = self.app.enable_totp(&device).await;
        (device, totp, recovery)
    }
}

/// Verifies a number of Ada's.
async fn verify_number(app: &App, device: &Device) {
    app.move_to_number(device, NUMBER).await;
    app.advance(61).await;
}

/// The types of what happened to somebody, newest first.
async fn events(app: &App, device: &Device) -> Vec<String> {
    let call = app.get("/api/auth/user/events").bearer(&device.access);
    let page = call.send().await.json(200);
    let events = page["events"].as_array().unwrap().iter();
    events
        .map(|event| event["type"].as_str().unwrap().to_owned())
        .collect()
}

/// The mails of this template to Ada.
async fn told(app: &App, template: &str) -> Vec<Mail> {
    let mut mails = app.mails_to(EMAIL).await;
    mails.retain(|mail| mail.template == template);
    mails
}

/// The cookies that an answer sets, as a browser sends them back.
fn cookie(answer: &Answer, name: &str) -> Option<String> {
    let cookies = answer.headers.get_all("set-cookie").iter();
    cookies
        .filter_map(|cookie| cookie.to_str().unwrap().split(';').next())
        .find(|cookie| cookie.starts_with(name))
        .map(ToOwned::to_owned)
}

/// The body of a sign-in with `code` as its second step.
fn code(code: &str) -> Value {
    json!({ "code": code })
}
