//! What people change about their own account.

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::app::{Client, Mail};
use crate::people::{Device, Person};

impl Client {
    /// `PATCH /api/auth/edit/{what}` from this device.
    pub async fn edit(&self, device: &Device, what: &str, body: &Value) -> Answer {
        let call = self.patch(&format!("/api/auth/edit/{what}"), body);
        call.bearer(&device.access).send().await
    }

    /// Asks for a code to a new address or number, and gives the id of its token. `field` is the
    /// one that names it.
    pub async fn ask_change(&self, device: &Device, field: &str, to: &str) -> String {
        let answer = self.edit(device, what(field), &json!({ field: to })).await;
        let challenge = answer.json(202);
        challenge["tokenId"].as_str().expect("an id").to_owned()
    }

    /// Sends a code for a new address or number back.
    pub async fn try_change(
        &self,
        device: &Device,
        field: &str,
        to: &str,
        token_id: &str,
        code: &str,
    ) -> Answer {
        let body = json!({ field: to, "tokenId": token_id, "code": code });
        self.edit(device, what(field), &body).await
    }

    /// Moves the account to another address, as its owner does.
    pub async fn move_to(&self, device: &Device, email: &str) -> Value {
        let token_id = self.ask_change(device, "email", email).await;
        let code = self.mail_to(email, "change_email").await.code();
        let answer = self.try_change(device, "email", email, &token_id, &code);
        answer.await.json(200)
    }

    /// Moves the account to another number, as its owner does.
    pub async fn move_to_number(&self, device: &Device, number: &str) -> Value {
        let token_id = self.ask_change(device, "phoneNumber", number).await;
        let code = self.mail_to(number, "change_phone").await.code();
        let answer = self.try_change(device, "phoneNumber", number, &token_id, &code);
        answer.await.json(200)
    }

    /// Follows the link of a mail that told of a change: that was not me.
    pub async fn not_me(&self, mail: &Mail) -> Answer {
        let body = json!({ "token": mail.link_token() });
        self.post("/api/auth/security/not-me", &body).send().await
    }

    /// Sets a new password by the code that is mailed to this address.
    pub async fn reset_password(&self, person: &Person, password: &str) -> Answer {
        let path = "/api/auth/forgot/password";
        let asked = self.patch(path, &json!({ "email": person.email }));
        let challenge = asked.send().await.json(202);
        let body = json!({
            "email": person.email,
            "password": password,
            "tokenId": challenge["tokenId"],
            "code": self.mail_to(&person.email, "reset_password").await.code(),
        });
        self.patch(path, &body).send().await
    }

    /// The user as this device sees them.
    pub async fn user(&self, device: &Device) -> Value {
        self.me(&device.access).await.json(200)["user"].clone()
    }
}

fn what(field: &str) -> &'static str {
    if field == "email" { "email" } else { "phone" }
}

/// Six digits that are not this code.
pub fn other_code(code: &str) -> &'static str {
    if code == "111111" { "222222" } else { "111111" }
}
