//! A browser and its authenticator in software, which does to a ceremony whatever a test wants.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::{SystemRandom, fill};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::app::{Call, Client};
use crate::people::Device;

/// The user was there.
pub const PRESENT: u8 = 0x01;
/// The user was verified.
pub const VERIFIED: u8 = 0x04;
/// The passkey may be on several devices.
pub const BACKUP_ELIGIBLE: u8 = 0x08;
/// The passkey is on several devices.
pub const BACKED_UP: u8 = 0x10;
/// A new credential comes with it.
const ATTESTED: u8 = 0x40;

/// How a ceremony goes.
#[derive(Debug, Clone)]
pub struct Ceremony {
    /// The page that asks.
    pub origin: String,
    /// The domain that the authenticator signs for.
    pub rp_id: String,
    /// What the authenticator says of the user and itself.
    pub flags: u8,
    /// What it has counted to.
    pub counter: u32,
    /// The type in the client data, if it is not the right one.
    pub kind: Option<&'static str>,
    /// Whether the page is in a frame of another site's.
    pub cross_origin: bool,
    /// The user whose passkey it says it is; its own where nothing is said.
    pub user: Option<Vec<u8>>,
    /// The credential that it says it is; its own where nothing is said.
    pub credential: Option<Vec<u8>>,
    /// The algorithm that it says its key is for (COSE).
    pub algorithm: i8,
}

impl Default for Ceremony {
    fn default() -> Self {
        Self {
            origin: "http://localhost:3000".to_owned(),
            rp_id: "localhost".to_owned(),
            flags: PRESENT | VERIFIED,
            counter: 0,
            kind: None,
            cross_origin: false,
            user: None,
            credential: None,
            algorithm: -7,
        }
    }
}

impl Ceremony {
    /// With this count.
    pub fn counting(counter: u32) -> Self {
        Self {
            counter,
            ..Self::default()
        }
    }

    fn client_data(&self, kind: &str, options: &Value) -> Vec<u8> {
        json!({
            "type": self.kind.unwrap_or(kind),
            "challenge": options["challenge"],
            "origin": self.origin,
            "crossOrigin": self.cross_origin,
        })
        .to_string()
        .into_bytes()
    }

    fn authenticator_data(&self, flags: u8) -> Vec<u8> {
        let mut data = digest(&SHA256, self.rp_id.as_bytes()).as_ref().to_vec();
        data.push(flags);
        data.extend(self.counter.to_be_bytes());
        data
    }
}

/// A passkey on somebody's device.
#[derive(Debug)]
pub struct Passkey {
    /// The credential's id.
    pub credential: Vec<u8>,
    /// The handle of its user.
    pub user: Vec<u8>,
    key: EcdsaKeyPair,
}

impl Passkey {
    /// Makes a passkey by these options, and what the browser sends of it.
    pub fn make(options: &Value) -> (Self, Value) {
        Self::make_with(options, &Ceremony::default())
    }

    /// Makes a passkey in this ceremony.
    pub fn make_with(options: &Value, ceremony: &Ceremony) -> (Self, Value) {
        let mut credential = vec![0; 32];
        fill(&mut credential).expect("random bytes");
        let passkey = Self {
            credential: ceremony.credential.clone().unwrap_or(credential),
            user: decoded(&options["user"]["id"]),
            key: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key"),
        };
        let mut data = ceremony.authenticator_data(ceremony.flags | ATTESTED);
        // No AAGUID: nobody attests.
        data.extend([0; 16]);
        let length = u16::try_from(passkey.credential.len()).expect("a short id");
        data.extend(length.to_be_bytes());
        data.extend(&passkey.credential);
        data.extend(passkey.cose_key(ceremony.algorithm));
        let client_data = ceremony.client_data("webauthn.create", options);
        let answer = json!({
            "id": encoded(&passkey.credential),
            "rawId": encoded(&passkey.credential),
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": { "credProps": { "rk": true } },
            "response": {
                "clientDataJSON": encoded(&client_data),
                "attestationObject": encoded(&attestation_object(&data)),
                "authenticatorData": encoded(&data),
                "publicKeyAlgorithm": ceremony.algorithm,
                "transports": ["internal", "hybrid", "telepathy"],
            },
        });
        (passkey, answer)
    }

    /// What the browser sends of a proof by these options.
    pub fn sign(&self, options: &Value) -> Value {
        self.sign_with(options, &Ceremony::default())
    }

    /// What the browser sends of a proof in this ceremony.
    pub fn sign_with(&self, options: &Value, ceremony: &Ceremony) -> Value {
        let data = ceremony.authenticator_data(ceremony.flags);
        let client_data = ceremony.client_data("webauthn.get", options);
        let mut signed = data.clone();
        signed.extend(digest(&SHA256, &client_data).as_ref());
        let signature = self
            .key
            .sign(&SystemRandom::new(), &signed)
            .expect("a signature");
        let credential = ceremony.credential.as_ref().unwrap_or(&self.credential);
        let user = ceremony.user.as_ref().unwrap_or(&self.user);
        json!({
            "id": encoded(credential),
            "rawId": encoded(credential),
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": {
                "clientDataJSON": encoded(&client_data),
                "authenticatorData": encoded(&data),
                "signature": encoded(signature.as_ref()),
                "userHandle": encoded(user),
            },
        })
    }

    /// The public key as COSE has it (RFC 9053 section 7.1.1).
    fn cose_key(&self, algorithm: i8) -> Vec<u8> {
        let point = self.key.public_key().as_ref();
        let algorithm = u8::try_from(-1 - i16::from(algorithm)).expect("a negative number");
        let mut key = vec![0xa5, 0x01, 0x02, 0x03, 0x20 | algorithm, 0x20, 0x01];
        key.extend([0x21, 0x58, 0x20]);
        key.extend(&point[1..33]);
        key.extend([0x22, 0x58, 0x20]);
        key.extend(&point[33..65]);
        key
    }
}

/// CBOR of an attestation of format `none` about this authenticator data.
fn attestation_object(data: &[u8]) -> Vec<u8> {
    let mut object = vec![0xa3];
    object.extend(b"\x63fmt\x64none");
    object.extend(b"\x67attStmt\xa0");
    object.extend(b"\x68authData\x59");
    let length = u16::try_from(data.len()).expect("short data");
    object.extend(length.to_be_bytes());
    object.extend(data);
    object
}

fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn decoded(value: &Value) -> Vec<u8> {
    let text = value.as_str().expect("base64url");
    URL_SAFE_NO_PAD.decode(text).expect("base64url")
}

impl Client {
    /// Asks for something of passkeys without a body, as somebody or as nobody.
    pub fn ask_passkey(&self, path: &str, device: Option<&Device>) -> Call {
        let call = self.call(reqwest::Method::POST, &format!("/api/auth/{path}"));
        match device {
            Some(device) => call.bearer(&device.access),
            None => call,
        }
    }

    /// Options for a new passkey.
    pub async fn passkey_creation(&self, device: &Device) -> Value {
        let call = self.ask_passkey("passkeys/register/options", Some(device));
        call.send().await.json(200)
    }

    /// Sends what a browser made of such options.
    pub async fn try_register(&self, device: &Device, made: &Value) -> Answer {
        let call = self.post("/api/auth/passkeys/register/verify", made);
        call.bearer(&device.access).send().await
    }

    /// Registers a passkey in this ceremony.
    pub async fn register_with(&self, device: &Device, ceremony: &Ceremony) -> Passkey {
        let options = self.passkey_creation(device).await;
        let (passkey, made) = Passkey::make_with(&options, ceremony);
        self.try_register(device, &made).await.expect(201);
        passkey
    }

    /// Registers a passkey.
    pub async fn register_passkey(&self, device: &Device) -> Passkey {
        self.register_with(device, &Ceremony::default()).await
    }

    /// Options for a sign-in.
    pub async fn passkey_request(&self) -> Value {
        let call = self.ask_passkey("sign-in/passkey/options", None);
        call.send().await.json(200)
    }

    /// A sign-in with what a browser made of such options; the refresh token comes in the body.
    pub fn passkey_sign_in(&self, made: &Value) -> Call {
        let mut body = made.clone();
        body["tokenDelivery"] = json!("body");
        self.post("/api/auth/sign-in/passkey/verify", &body)
    }

    /// Tries to sign in by this passkey in this ceremony.
    pub async fn try_passkey(&self, passkey: &Passkey, ceremony: &Ceremony) -> Answer {
        let options = self.passkey_request().await;
        let made = passkey.sign_with(&options, ceremony);
        self.passkey_sign_in(&made).send().await
    }

    /// Signs in by this passkey.
    pub async fn sign_in_by(&self, passkey: &Passkey) -> Device {
        let answer = self.try_passkey(passkey, &Ceremony::default()).await;
        Device::from(&answer.json(200))
    }

    /// The list of somebody's passkeys.
    pub async fn passkeys(&self, device: &Device) -> Vec<Value> {
        let call = self.get("/api/auth/passkeys").bearer(&device.access);
        let list = call.send().await.json(200);
        list["passkeys"].as_array().expect("a list").clone()
    }
}
