//! Codes and links: asked for, read from the inbox, and tried.

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::app::{Client, Mail};
use crate::people::Device;

/// A code that is on its way to somebody, as they and the client have it.
#[derive(Debug, Clone)]
pub struct Mailed {
    /// The id of the token, from the answer.
    pub token_id: String,
    /// The mail or SMS.
    pub mail: Mail,
}

impl Mailed {
    /// The code.
    pub fn code(&self) -> String {
        self.mail.code()
    }

    /// These fields, with the token's id and this code.
    pub fn with_code(&self, code: &str, mut fields: Value) -> Value {
        fields["tokenId"] = json!(self.token_id);
        fields["code"] = json!(code);
        fields
    }

    /// These fields, with the token's id and its code.
    pub fn with(&self, fields: Value) -> Value {
        self.with_code(&self.code(), fields)
    }
}

/// A code that is not this one.
pub fn other_than(code: &str) -> &'static str {
    if code == "111111" { "222222" } else { "111111" }
}

impl Client {
    /// What the newest message of this template to this address or number says, for the challenge
    /// of an answer.
    pub async fn mailed(&self, challenge: Answer, to: &str, template: &str) -> Mailed {
        let challenge = challenge.json(202);
        Mailed {
            token_id: challenge["tokenId"].as_str().expect("an id").to_owned(),
            mail: self.mail_to(to, template).await,
        }
    }

    /// Asks for a one-time code by this name of an account.
    pub async fn ask_otp(&self, name: &Value) -> Answer {
        self.post("/api/auth/generate-otp", name).send().await
    }

    /// Tries a one-time code for this name of an account.
    pub async fn try_otp(&self, name: &Value, otp: &str) -> Answer {
        let mut body = name.clone();
        body["otp"] = json!(otp);
        self.post("/api/auth/verify-otp", &body).send().await
    }

    /// Sends this to where a forgotten password is replaced.
    pub async fn forgot_password(&self, body: &Value) -> Answer {
        let call = self.patch("/api/auth/forgot/password", body);
        call.send().await
    }

    /// Asks for a reset of the account that has this address, and reads its mail.
    pub async fn mailed_reset(&self, email: &str) -> Mailed {
        let asked = self.forgot_password(&json!({ "email": email })).await;
        self.mailed(asked, email, "reset_password").await
    }

    /// Steps up; the refresh token comes in the answer's body.
    pub async fn step_up(&self, device: &Device, proof: &Value) -> Answer {
        let mut body = proof.clone();
        body["tokenDelivery"] = json!("body");
        let call = self.post("/api/auth/step-up", &body);
        call.bearer(&device.access).send().await
    }

    /// Whether somebody of this address gets in with this password.
    pub async fn opens(&self, email: &str, password: &str) -> bool {
        let answer = self.try_sign_in(json!({ "email": email }), password).await;
        if answer.status != 200 {
            answer.problem(401, "invalid_credentials");
            return false;
        }
        true
    }

    /// Claims that neither token of a device is good for anything.
    pub async fn claim_over(&self, device: &Device) {
        self.me(&device.access)
            .await
            .problem(401, "unauthenticated");
        self.refresh(&device.refresh)
            .await
            .problem(401, "session_expired");
    }
}
