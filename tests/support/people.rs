//! People on the service, and the devices that they sign in on.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::app::Client;

/// A password that no rule has anything against.
pub const PASSWORD: &str = "correct horse battery staple";
/// Another such password.
pub const NEW_PASSWORD: &str = "violet anvils sing at noon";

/// Somebody who signed up and has not verified yet.
#[derive(Debug, Clone)]
pub struct Pending {
    /// Their address.
    pub email: String,
    /// Their id, or a decoy's.
    pub user_id: String,
    /// The id of the token whose code was mailed.
    pub token_id: String,
}

/// Somebody with an active account.
#[derive(Debug, Clone)]
pub struct Person {
    /// Their address.
    pub email: String,
    /// Their id.
    pub id: String,
}

/// A device that somebody is signed in on.
#[derive(Debug, Clone)]
pub struct Device {
    /// The access token.
    pub access: String,
    /// The refresh token.
    pub refresh: String,
    /// The session's id.
    pub session_id: String,
}

impl Device {
    /// What the access token says, unchecked.
    pub fn claims(&self) -> Value {
        let payload = self.access.split('.').nth(1).expect("a JWT");
        let json = URL_SAFE_NO_PAD.decode(payload).expect("base64url");
        serde_json::from_slice(&json).expect("JSON claims")
    }
}

impl From<&Value> for Device {
    fn from(signed_in: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Self {
            access: text(&signed_in["accessToken"]),
            refresh: text(&signed_in["refreshToken"]),
            session_id: text(&signed_in["session"]["id"]),
        }
    }
}

impl Client {
    /// Signs somebody up and leaves it at that.
    pub async fn sign_up(&self, email: &str) -> Pending {
        self.sign_up_with(email, &json!({})).await
    }

    /// Signs somebody up with more fields than the required ones.
    pub async fn sign_up_with(&self, email: &str, more: &Value) -> Pending {
        let mut body = json!({ "name": "Ada Lovelace", "email": email, "password": PASSWORD });
        for (name, value) in more.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        let answer = self.post("/api/auth/sign-up", &body).send().await.json(202);
        let text = |value: &Value| value.as_str().expect("an id").to_owned();
        Pending {
            email: email.to_owned(),
            user_id: text(&answer["userId"]),
            token_id: text(&answer["verification"]["tokenId"]),
        }
    }

    /// Tries a code for a sign-up.
    pub async fn try_code(&self, pending: &Pending, code: &str) -> Answer {
        let body = json!({
            "code": code,
            "userId": pending.user_id,
            "tokenId": pending.token_id,
            "email": pending.email,
        });
        self.post("/api/auth/verify/email", &body).send().await
    }

    /// The code that was mailed to a sign-up.
    pub async fn code_of(&self, pending: &Pending) -> String {
        self.mail_to(&pending.email, "verify_email").await.code()
    }

    /// Signs somebody up and verifies their address.
    pub async fn person(&self, email: &str) -> Person {
        self.person_with(email, &json!({})).await
    }

    /// Signs somebody up with more fields, and verifies their address.
    pub async fn person_with(&self, email: &str, more: &Value) -> Person {
        let pending = self.sign_up_with(email, more).await;
        let code = self.code_of(&pending).await;
        self.try_code(&pending, &code).await.expect(200);
        Person {
            email: pending.email,
            id: pending.user_id,
        }
    }

    /// Tries to sign in with this body; the refresh token comes in the answer's.
    pub async fn try_sign_in(&self, identity: Value, password: &str) -> Answer {
        let mut body = identity;
        body["password"] = json!(password);
        body["tokenDelivery"] = json!("body");
        self.post("/api/auth/sign-in", &body).send().await
    }

    /// Signs somebody in on a new device.
    pub async fn sign_in(&self, person: &Person) -> Device {
        let identity = json!({ "email": person.email });
        let signed_in = self.try_sign_in(identity, PASSWORD).await.json(200);
        Device::from(&signed_in)
    }

    /// The first admin, with a device that they are signed in on.
    pub async fn first_admin(&self) -> (Person, Device) {
        let admin = self.person("admin@latchkey.local").await;
        let device = self.sign_in(&admin).await;
        (admin, device)
    }

    /// Moves somebody to another status, as this admin.
    pub async fn set_status(&self, admin: &Device, person: &Person, status: &str) -> Answer {
        let body = json!({ "status": status, "reason": "For a test." });
        self.put(&format!("/api/admin/users/{}/status", person.id), &body)
            .bearer(&admin.access)
            .send()
            .await
    }

    /// Refreshes with this token.
    pub async fn refresh(&self, token: &str) -> Answer {
        self.patch("/api/auth/user/refresh", &json!({ "refreshToken": token }))
            .send()
            .await
    }

    /// Asks who is signed in with this access token.
    pub async fn me(&self, access: &str) -> Answer {
        self.get("/api/auth/user/me").bearer(access).send().await
    }
}
