//! Second factors: an authenticator app in software, and the calls that take what it makes.

use aws_lc_rs::hmac;
use latchkey_shared::clock::Clock;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::app::{App, Call, Client};
use crate::people::{Device, PASSWORD};

/// Seconds in a step of time.
const STEP: i64 = 30;

/// An authenticator app with one account in it.
#[derive(Debug, Clone)]
pub struct TotpApp {
    secret: Vec<u8>,
}

impl TotpApp {
    /// The app after its owner typed in the secret of this answer.
    pub fn of(begun: &Value) -> Self {
        let text = begun["secret"].as_str().expect("a secret");
        Self {
            secret: base32(text),
        }
    }

    /// The code of a step of time (RFC 4226 section 5.3).
    pub fn code_of(&self, step: i64) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.secret);
        let tag = hmac::sign(&key, &step.to_be_bytes());
        let bytes = tag.as_ref();
        let offset = usize::from(bytes[19] & 0x0f);
        let four = bytes[offset..offset + 4].try_into().expect("four bytes");
        let number = u32::from_be_bytes(four) & 0x7fff_ffff;
        format!("{:06}", number % 1_000_000)
    }

    /// The code that it shows now.
    pub fn code(&self, app: &App) -> String {
        self.code_of(app.step())
    }

    /// The code that it shows once the one of now is over, so that it has been used by nobody.
    pub async fn next_code(&self, app: &App) -> String {
        app.advance(STEP).await;
        self.code(app)
    }

    /// Six digits that it shows neither now nor soon.
    pub fn wrong_code(&self, app: &App) -> String {
        let step = app.step();
        let near: Vec<String> = (step - 3..step + 4)
            .map(|step| self.code_of(step))
            .collect();
        let mut wrong = (0..).map(|number| format!("{number:06}"));
        wrong
            .find(|code| !near.contains(code))
            .expect("a code that is none")
    }
}

fn base32(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let (mut held, mut bits) = (0_u32, 0);
    for letter in text.bytes() {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'2'..=b'7' => letter - b'2' + 26,
            _ => unreachable!("no base32: {text}"),
        };
        held = (held << 5 | u32::from(value)) & 0xffff;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(held >> bits & 0xff).expect("a byte"));
        }
    }
    bytes
}

impl App {
    /// The step of time that the service is in.
    pub fn step(&self) -> i64 {
        self.stack.clock().now().as_second() / STEP
    }

    /// Moves the clock to the beginning of a step, so that it stays in it for the whole of a test.
    pub async fn begin_step(&self) {
        let seconds = self.stack.clock().now().as_second();
        self.advance(STEP - seconds % STEP).await;
    }

    /// Sets an app up as second factor. Its next code is good at once. The recovery codes, if there
    /// are new ones.
    pub async fn enable_totp(&self, device: &Device) -> (TotpApp, Vec<String>) {
        let begun = self.enable(device, &json!({ "method": "totp" })).await;
        let begun = begun.json(200);
        let totp = TotpApp::of(&begun);
        let body = json!({ "token": begun["token"], "code": totp.code(self) });
        let enabled = self.enable(device, &body).await.json(200);
        self.advance(STEP).await;
        (totp, recovery_codes(&enabled))
    }

    /// Sets mail or SMS up as second factor, and waits until another message may be asked for.
    pub async fn enable_by_message(
        &self,
        device: &Device,
        method: &str,
        to: &str,
        template: &str,
    ) -> Vec<String> {
        let asked = self.enable(device, &json!({ "method": method })).await;
        let asked = asked.json(202);
        let code = self.mail_to(to, template).await.code();
        let body = json!({ "token": asked["token"], "code": code });
        let enabled = self.enable(device, &body).await.json(200);
        self.advance(61).await;
        recovery_codes(&enabled)
    }
}

impl Client {
    /// Sends this to where second factors are set up.
    pub async fn enable(&self, device: &Device, body: &Value) -> Answer {
        let call = self.post("/api/auth/enable/mfa", body);
        call.bearer(&device.access).send().await
    }

    /// Sends this to where second factors end.
    pub async fn disable(&self, device: &Device, body: &Value) -> Answer {
        let call = self.post("/api/auth/disable/mfa", body);
        call.bearer(&device.access).send().await
    }

    /// Makes the recovery codes anew with this proof.
    pub async fn renew_recovery_codes(&self, device: &Device, body: &Value) -> Answer {
        let call = self.post("/api/auth/mfa/recovery-codes", body);
        call.bearer(&device.access).send().await
    }

    /// The second factors as their user sees them.
    pub async fn factors(&self, device: &Device) -> Value {
        let call = self.get("/api/auth/mfa").bearer(&device.access);
        call.send().await.json(200)
    }

    /// The first step of a sign-in, which must be asked for a second one.
    pub async fn first_step(&self, email: &str) -> Value {
        let answer = self.try_sign_in(json!({ "email": email }), PASSWORD);
        let step = answer.await.json(200);
        assert_eq!(step["status"], "mfa_required", "{step}");
        step
    }

    /// The second step of a sign-in: the ticket of the first with these fields. The refresh token
    /// comes in the answer's body.
    pub fn second_step(&self, first: &Value, fields: &Value) -> Call {
        let mut body = fields.clone();
        body["token"] = first["token"].clone();
        body["tokenDelivery"] = json!("body");
        self.post("/api/auth/sign-in", &body)
    }

    /// Signs somebody in by password and this code.
    pub async fn sign_in_with_code(&self, email: &str, code: &str) -> Device {
        let first = self.first_step(email).await;
        let answer = self.second_step(&first, &json!({ "code": code }));
        Device::from(&answer.send().await.json(200))
    }
}

/// The recovery codes of an answer.
fn recovery_codes(enabled: &Value) -> Vec<String> {
    let codes = enabled["recoveryCodes"].as_array().expect("a list");
    let codes = codes.iter().map(|code| code.as_str().expect("a code"));
    codes.map(ToOwned::to_owned).collect()
}
