//! What browsers answer options with: `RegistrationResponseJSON` and `AuthenticationResponseJSON`
//! of WebAuthn L3 section 5.1, as `@simplewebauthn/browser` sends them.
//!
//! Members inside that are not known are left alone, since browsers keep adding some. What is read
//! is bytes in base64url; whether they are any good, the ceremony finds out.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer};
use webauthn_rs::prelude::{PublicKeyCredential, RegisterPublicKeyCredential};
use webauthn_rs_proto::{
    AuthenticationExtensionsClientOutputs, AuthenticatorAssertionResponseRaw,
    AuthenticatorAttestationResponseRaw, AuthenticatorTransport,
    RegistrationExtensionsClientOutputs,
};

use crate::domain::invalid::{self, Invalid};
use crate::http::Fields;

/// The only type of credential that there is.
const TYPE: &str = "public-key";
/// Bytes of a challenge.
const CHALLENGE_LENGTH: usize = 32;
/// The most ways to reach an authenticator that are kept: as many as there are.
const MAX_TRANSPORTS: usize = 6;
/// The most bytes of a credential id (WebAuthn L3 section 6.5.1).
const MAX_CREDENTIAL_ID: usize = 1023;

/// A browser's answer to options for a new passkey.
#[derive(Debug, Clone)]
pub struct RegistrationResponse {
    id: CredentialId,
    response: Attestation,
}

/// A browser's answer to options for a proof.
#[derive(Debug, Clone)]
pub struct AuthenticationResponse {
    id: CredentialId,
    response: Assertion,
}

#[derive(Debug, Clone, Deserialize)]
struct Attestation {
    #[serde(rename = "clientDataJSON")]
    client_data: Bytes,
    #[serde(rename = "attestationObject")]
    object: Bytes,
    #[serde(default)]
    transports: Option<Vec<AuthenticatorTransport>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Assertion {
    #[serde(rename = "clientDataJSON")]
    client_data: Bytes,
    authenticator_data: Bytes,
    signature: Bytes,
    #[serde(default)]
    user_handle: Option<Bytes>,
}

/// An `AuthenticationResponseJSON` in one member of a request.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Nested {
    id: CredentialId,
    raw_id: CredentialId,
    r#type: PublicKey,
    response: Assertion,
}

/// What of the client data says which ceremony it belongs to.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientData {
    challenge: String,
    #[serde(default)]
    cross_origin: Option<bool>,
    #[serde(default)]
    top_origin: Option<String>,
}

/// Bytes in base64url without padding.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Bytes(Vec<u8>);

/// The id that an authenticator gave a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
struct CredentialId(Vec<u8>);

/// `public-key`.
struct PublicKey;

impl RegistrationResponse {
    /// Reads the members of an answer that is the request itself.
    pub fn read(fields: &mut Fields) -> Option<Self> {
        let id = CredentialId::read(fields);
        let response = fields.required("response");
        Some(Self {
            id: id?,
            response: response?,
        })
    }

    /// The id that the browser says the credential has.
    pub fn credential_id(&self) -> &[u8] {
        &self.id.0
    }

    pub(super) fn challenge(&self) -> Option<String> {
        challenge(&self.response.client_data)
    }

    /// How the authenticator can be reached. One way that nobody knows helps nobody to find it.
    pub(super) fn transports(&self) -> Vec<AuthenticatorTransport> {
        let mut transports = self.response.transports.clone().unwrap_or_default();
        transports.retain(|transport| *transport != AuthenticatorTransport::Unknown);
        transports.truncate(MAX_TRANSPORTS);
        transports
    }

    pub(super) fn to_credential(&self) -> RegisterPublicKeyCredential {
        RegisterPublicKeyCredential {
            id: encoded(&self.id.0),
            raw_id: self.id.0.clone(),
            response: AuthenticatorAttestationResponseRaw {
                attestation_object: self.response.object.0.clone(),
                client_data_json: self.response.client_data.0.clone(),
                transports: None,
            },
            type_: TYPE.to_owned(),
            extensions: RegistrationExtensionsClientOutputs::default(),
        }
    }
}

impl AuthenticationResponse {
    /// Reads the members of an answer that is the request itself.
    pub fn read(fields: &mut Fields) -> Option<Self> {
        let id = CredentialId::read(fields);
        let response = fields.required("response");
        Some(Self {
            id: id?,
            response: response?,
        })
    }

    /// The id of the credential that signed.
    pub fn credential_id(&self) -> &[u8] {
        &self.id.0
    }

    /// Whose credential it is, by what the authenticator keeps with it.
    pub fn user_handle(&self) -> Option<&[u8]> {
        let handle = self.response.user_handle.as_ref();
        handle.map(|handle| handle.0.as_slice())
    }

    pub(super) fn challenge(&self) -> Option<String> {
        challenge(&self.response.client_data)
    }

    /// Whether the page was in a frame of another site's, where a user can't see whom they let in.
    pub(super) fn is_framed(&self) -> bool {
        ClientData::of(&self.response.client_data)
            .is_none_or(|data| data.cross_origin == Some(true) || data.top_origin.is_some())
    }

    pub(super) fn to_credential(&self) -> PublicKeyCredential {
        PublicKeyCredential {
            id: encoded(&self.id.0),
            raw_id: self.id.0.clone(),
            response: AuthenticatorAssertionResponseRaw {
                authenticator_data: self.response.authenticator_data.0.clone(),
                client_data_json: self.response.client_data.0.clone(),
                signature: self.response.signature.0.clone(),
                user_handle: self.user_handle().map(ToOwned::to_owned),
            },
            extensions: AuthenticationExtensionsClientOutputs::default(),
            type_: TYPE.to_owned(),
        }
    }
}

impl<'de> Deserialize<'de> for AuthenticationResponse {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let nested = Nested::deserialize(deserializer)?;
        let PublicKey = nested.r#type;
        if nested.id != nested.raw_id {
            return Err(two_ids().into_serde());
        }
        Ok(Self {
            id: nested.id,
            response: nested.response,
        })
    }
}

impl CredentialId {
    /// Reads the members beside `response` that both kinds of answers have.
    fn read(fields: &mut Fields) -> Option<Self> {
        let id = fields.required::<Self>("id");
        let raw_id = fields.required::<Self>("rawId");
        let public_key = fields.required::<PublicKey>("type");
        // Nothing here asks for extensions or cares where the authenticator is.
        for ignored in ["clientExtensionResults", "authenticatorAttachment"] {
            fields.discard(ignored);
        }
        let (id, raw_id) = id.zip(raw_id)?;
        if id != raw_id {
            fields.refuse_invalid("rawId", two_ids());
            return None;
        }
        public_key.map(|PublicKey| id)
    }
}

impl ClientData {
    fn of(bytes: &Bytes) -> Option<Self> {
        serde_json::from_slice(&bytes.0).ok()
    }
}

fn two_ids() -> Invalid {
    Invalid::new("invalid_choice", "id and rawId are the same.")
}

/// The challenge that client data names, in the one spelling that it has.
fn challenge(client_data: &Bytes) -> Option<String> {
    let data = ClientData::of(client_data)?;
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(data.challenge).ok()?;
    (bytes.len() == CHALLENGE_LENGTH).then(|| encoded(&bytes))
}

/// Bytes as WebAuthn writes them in JSON.
pub(super) fn encoded(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

impl TryFrom<String> for Bytes {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        BASE64_URL_SAFE_NO_PAD
            .decode(text)
            .map(Self)
            .map_err(|_| Invalid::new("invalid_encoding", "Send base64url without padding."))
    }
}

impl TryFrom<String> for CredentialId {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        let Bytes(bytes) = text.try_into()?;
        match bytes.len() {
            0 => Err(Invalid::new("empty", "A credential has an id.")),
            1..=MAX_CREDENTIAL_ID => Ok(Self(bytes)),
            _ => Err(Invalid::new(
                "too_long",
                format!("The id of a credential has at most {MAX_CREDENTIAL_ID} bytes."),
            )),
        }
    }
}

impl TryFrom<String> for PublicKey {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        (text == TYPE)
            .then_some(Self)
            .ok_or_else(|| Invalid::new("invalid_choice", "Send \"public-key\"."))
    }
}

macro_rules! from_text {
    ($($name:ident, $expected:literal;)*) => {
        $(impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                invalid::deserialize(deserializer, $expected)
            }
        })*
    };
}

from_text! {
    Bytes, "base64url as a string";
    CredentialId, "base64url as a string";
    PublicKey, "\"public-key\"";
}
