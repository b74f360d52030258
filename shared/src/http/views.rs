//! What clients see of users, sessions and challenges. Only what is named here leaves the house.

use std::net::IpAddr;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::Serialize;
use webauthn_rs_proto::AuthenticatorTransport;

use crate::domain::device;
use crate::domain::email::EmailAddress;
use crate::domain::event::{Event, EventKind};
use crate::domain::id::{DeviceId, EventId, SessionId, TokenId, UserId};
use crate::domain::passkey::PasskeyId;
use crate::domain::phone::PhoneNumber;
use crate::domain::session::Session;
use crate::domain::token::{RESEND_AFTER, Target, Token};
use crate::domain::user::{Former, Status, User};
use crate::store::passkeys::Passkey;
use crate::store::trusted_devices::TrustedDevice;

/// A user, as they and admins see them.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UserView {
    id: UserId,
    name: String,
    email: String,
    email_verified: bool,
    username: Option<String>,
    phone_number: Option<String>,
    phone_verified: bool,
    image_url: Option<String>,
    status: Status,
    roles: Vec<String>,
    plan: String,
    mfa_enabled: bool,
    created_at: Timestamp,
}

impl UserView {
    /// The user at `now`, from when on their plan may have ended.
    pub fn at(user: &User, now: Timestamp) -> Self {
        Self {
            id: user.id,
            name: user.name.to_string(),
            email: user.email.to_string(),
            email_verified: user.email_verified,
            username: user.username.as_ref().map(ToString::to_string),
            phone_number: user.phone_number.as_ref().map(ToString::to_string),
            phone_verified: user.phone_verified,
            image_url: user.image_url.as_ref().map(ToString::to_string),
            status: user.status,
            roles: user.roles.clone(),
            plan: user.plan_at(now).to_owned(),
            mfa_enabled: !user.mfa.is_empty(),
            created_at: user.created_at,
        }
    }
}

/// A session, as its user sees it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionView {
    id: SessionId,
    current: bool,
    ip: Option<IpAddr>,
    location: Option<String>,
    user_agent: Option<String>,
    device: Option<String>,
    created_at: Timestamp,
    last_used_at: Timestamp,
    expires_at: Timestamp,
}

impl SessionView {
    /// The session, seen from the session `current`.
    pub fn seen_from(current: SessionId, session: &Session) -> Self {
        Self {
            id: session.id,
            current: session.id == current,
            ip: session.source.ip,
            location: None,
            user_agent: session.source.user_agent.clone(),
            device: session.source.user_agent.as_deref().and_then(device::name),
            created_at: session.created_at,
            last_used_at: session.last_used_at,
            expires_at: session.expires_at,
        }
    }
}

/// A passkey, as its user sees it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PasskeyView {
    id: PasskeyId,
    credential_id: String,
    name: String,
    synced: bool,
    backed_up: bool,
    transports: Vec<AuthenticatorTransport>,
    created_at: Timestamp,
    last_used_at: Option<Timestamp>,
}

impl From<&Passkey> for PasskeyView {
    fn from(passkey: &Passkey) -> Self {
        Self {
            id: passkey.id,
            credential_id: BASE64_URL_SAFE_NO_PAD.encode(passkey.credential_id()),
            name: passkey.name.to_string(),
            synced: passkey.is_synced(),
            backed_up: passkey.is_backed_up(),
            transports: passkey.transports().unwrap_or_default(),
            created_at: passkey.created_at,
            last_used_at: passkey.last_used_at,
        }
    }
}

/// A device that is asked for no second factor, as its user sees it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TrustedDeviceView {
    id: DeviceId,
    current: bool,
    user_agent: Option<String>,
    device: Option<String>,
    created_at: Timestamp,
    last_used_at: Option<Timestamp>,
    expires_at: Timestamp,
}

impl TrustedDeviceView {
    /// The device, seen from the device `current`, where that is known.
    pub fn seen_from(current: Option<DeviceId>, trusted: &TrustedDevice) -> Self {
        Self {
            id: trusted.id,
            current: current == Some(trusted.id),
            device: trusted.user_agent.as_deref().and_then(device::name),
            user_agent: trusted.user_agent.clone(),
            created_at: trusted.created_at,
            last_used_at: trusted.last_used_at,
            expires_at: trusted.expires_at,
        }
    }
}

/// Something that happened to a user, as they see it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EventView {
    id: EventId,
    at: Timestamp,
    /// `type` and, where there is more to say, `data`.
    #[serde(flatten)]
    kind: EventKind,
    ip: Option<IpAddr>,
    user_agent: Option<String>,
    request_id: String,
}

impl From<&Event> for EventView {
    fn from(event: &Event) -> Self {
        Self {
            id: event.id,
            at: event.at,
            kind: event.kind.clone(),
            ip: event.source.ip,
            user_agent: event.source.user_agent.clone(),
            request_id: event.request_id.clone(),
        }
    }
}

/// An address or number that was a user's, as they see it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FormerView {
    #[serde(flatten)]
    target: Option<Target>,
    given_up_at: Option<Timestamp>,
}

impl From<&Former> for FormerView {
    fn from(former: &Former) -> Self {
        Self {
            target: former.target.clone(),
            given_up_at: Timestamp::from_millisecond(former.given_up_at).ok(),
        }
    }
}

/// A code that is on its way to somebody.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChallengeView {
    token_id: TokenId,
    channel: &'static str,
    sent_to: String,
    expires_at: Timestamp,
    resend_after: i64,
}

impl ChallengeView {
    /// The challenge of a token that is mailed. The address is shown as the caller typed it, which
    /// tells nothing of how it is stored, or whether it is.
    pub fn by_email(token: &Token, typed: &EmailAddress) -> Self {
        Self::of(token, "email", typed.masked())
    }

    /// The challenge of a token that goes to this number by SMS.
    pub fn by_sms(token: &Token, typed: &PhoneNumber) -> Self {
        Self::of(token, "sms", typed.masked())
    }

    /// The challenge of a token that is mailed to the address of an account which was named
    /// otherwise. Whoever asked may be anybody, so nothing of the address is shown.
    pub fn by_hidden_email(token: &Token) -> Self {
        Self::of(token, "email", "***@***".to_owned())
    }

    /// The token that it is the challenge of.
    pub fn token_id(&self) -> TokenId {
        self.token_id
    }

    fn of(token: &Token, channel: &'static str, sent_to: String) -> Self {
        Self {
            token_id: token.id,
            channel,
            sent_to,
            expires_at: token.code_expires_at,
            resend_after: RESEND_AFTER.as_secs(),
        }
    }
}
