//! The routes of codes, step-up, and what users do with their own account.

use latchkey_tests::{App, Call, Device, Mail, PASSWORD};
use serde_json::{Value, json};

use super::{Cost, cost_of, warm};

const NEW: &str = "lovelace@example.com";
const NUMBER: &str = "+46701740605";
const OTHER_PASSWORD: &str = "gravel umbrella seventeen hats";

/// Somebody's account, and what was measured of it so far.
struct Measured {
    app: App,
    device: Device,
    costs: Vec<(&'static str, Cost)>,
}

impl Measured {
    async fn cost(&mut self, route: &'static str, call: Call, status: u16) {
        let call = call.bearer(&self.device.access);
        let cost = cost_of(&self.app, call, status).await;
        self.costs.push((route, cost));
    }

    async fn edit(&mut self, route: &'static str, body: Value, status: u16) {
        let (_, path) = route.split_once(' ').unwrap();
        let path = path.split(' ').next().unwrap();
        let call = self.app.patch(path, &body);
        self.cost(route, call, status).await;
    }

    /// Without a session: for who has no password or is not signed in.
    async fn anonymous(&mut self, route: &'static str, call: Call, status: u16) {
        let cost = cost_of(&self.app, call, status).await;
        self.costs.push((route, cost));
    }

    async fn mail(&self, to: &str, template: &str) -> Mail {
        self.app.mail_to(to, template).await
    }
}

/// What each of them costs.
pub(super) async fn costs() -> Vec<(&'static str, Cost)> {
    let (app, ada, device) = warm().await;
    let mut m = Measured {
        app,
        device,
        costs: Vec::new(),
    };
    own_account(&mut m).await;
    changes(&mut m, &ada.email).await;
    passwords(&mut m).await;
    m.costs
}

async fn own_account(m: &mut Measured) {
    // The function reads the plans.
    let call = m.app.get("/api/auth/preferences").bearer(&m.device.access);
    call.send().await.expect(200);
    let call = m
        .app
        .post("/api/auth/step-up", &json!({ "password": PASSWORD }));
    m.cost("POST /api/auth/step-up", call, 200).await;
    let call = m.app.get("/api/auth/preferences");
    m.cost("GET /api/auth/preferences", call, 200).await;
    m.edit(
        "PATCH /api/auth/preferences",
        json!({ "locale": "de" }),
        200,
    )
    .await;
    let body = json!({ "name": "Ada", "username": "ada" });
    m.edit("PATCH /api/auth/edit/basic", body, 200).await;
    let call = m.app.get("/api/auth/user/events");
    m.cost("GET /api/auth/user/events", call, 200).await;
    let call = m.app.get("/api/auth/user/export");
    m.cost("GET /api/auth/user/export", call, 200).await;
}

async fn changes(m: &mut Measured, old: &str) {
    for (ask, confirm, field, to, template) in [
        (
            "PATCH /api/auth/edit/email",
            "PATCH /api/auth/edit/email (code)",
            "email",
            NEW,
            "change_email",
        ),
        (
            "PATCH /api/auth/edit/phone",
            "PATCH /api/auth/edit/phone (code)",
            "phoneNumber",
            NUMBER,
            "change_phone",
        ),
    ] {
        m.edit(ask, json!({ field: to }), 202).await;
        // The answer is gone with its cost: another one tells the token.
        m.app.advance(61).await;
        let token_id = m.app.ask_change(&m.device, field, to).await;
        let code = m.mail(to, template).await.code();
        let body = json!({ field: to, "tokenId": token_id, "code": code });
        m.edit(confirm, body, 200).await;
    }
    let body = json!({ "email": NEW });
    let call = m.app.post("/api/auth/generate-otp", &body);
    m.anonymous("POST /api/auth/generate-otp", call, 202).await;
    let body = json!({ "email": NEW, "otp": m.mail(NEW, "otp").await.code() });
    let call = m.app.post("/api/auth/verify-otp", &body);
    m.anonymous("POST /api/auth/verify-otp", call, 200).await;

    let body = json!({ "password": OTHER_PASSWORD, "currentPassword": PASSWORD });
    m.edit("PATCH /api/auth/edit/password", body, 200).await;
    let body = json!({ "token": m.mail(old, "email_changed").await.link_token() });
    let call = m.app.post("/api/auth/security/not-me", &body);
    m.anonymous("POST /api/auth/security/not-me", call, 200)
        .await;
}

async fn passwords(m: &mut Measured) {
    let ada = json!({ "email": "ada@example.com" });
    let path = "/api/auth/forgot/password";
    let call = m.app.patch(path, &ada);
    m.anonymous("PATCH /api/auth/forgot/password", call, 202)
        .await;
    let token = m
        .mail("ada@example.com", "reset_password")
        .await
        .link_token();
    let call = m
        .app
        .patch(path, &json!({ "password": PASSWORD, "token": token }));
    m.anonymous("PATCH /api/auth/forgot/password (link)", call, 200)
        .await;

    let signed_in = m.app.try_sign_in(ada, PASSWORD).await.json(200);
    m.device = Device::from(&signed_in);
    let body = json!({ "currentPassword": PASSWORD });
    let call = m.app.delete("/api/auth/user").json(&body);
    m.cost("DELETE /api/auth/user", call, 204).await;
}
