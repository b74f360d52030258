//! A user, and what their roles allow.

use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::email::EmailAddress;
use super::factor::Method;
use super::id::{SessionId, UserId};
use super::image_url::ImageUrl;
use super::locale::Locale;
use super::name::DisplayName;
use super::phone::PhoneNumber;
pub use super::plan::FREE_PLAN;
use super::plan::Subscription;
use super::session::Cutoff;
pub use super::status::Status;
use super::status::StatusDetail;
use super::token::Target;
use super::username::Username;

/// How long a sign-up that nobody verifies holds its username and phone number: long enough for a
/// mail that is asked for again some days later. After it anyone may sign up with them. Its address
/// it never holds against another sign-up: whoever verifies first has it.
pub const PENDING_LIFE: jiff::SignedDuration = jiff::SignedDuration::from_hours(7 * 24);

/// How long a change of address or number can be undone.
pub const UNDO_LIFE: jiff::SignedDuration = jiff::SignedDuration::from_hours(7 * 24);

/// The role that every user has.
pub const USER_ROLE: &str = "user";
/// The role that may do everything.
pub const ADMIN_ROLE: &str = "admin";

/// Everything the service knows of a user but their sessions.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, as the contract has it"
)]
pub struct User {
    /// The user's id.
    pub id: UserId,
    /// The name they go by.
    pub name: DisplayName,
    /// The address they sign in with and get mail at.
    pub email: EmailAddress,
    /// Whether they have shown that the address is theirs.
    pub email_verified: bool,
    /// Their public handle, if they took one.
    pub username: Option<Username>,
    /// Their phone number, if they gave one.
    pub phone_number: Option<PhoneNumber>,
    /// Whether they have shown that the number is theirs.
    pub phone_verified: bool,
    /// Whether they can sign in by that number. It was free when they signed up, or they have
    /// verified it since.
    pub holds_phone: bool,
    /// A picture of them.
    pub image_url: Option<ImageUrl>,
    /// Where the account stands.
    pub status: Status,
    /// Since which version, why and until when it stands there.
    pub status_detail: StatusDetail,
    /// The names of their roles.
    pub roles: Vec<String>,
    /// The name of the plan that they were given. What they have now is [`User::plan_at`].
    pub plan: String,
    /// Since when and until when they have it.
    pub subscription: Subscription,
    /// The second factors that sign-in asks for one of.
    pub mfa: Vec<Method>,
    /// Since when it asks for any without a break. Devices that were trusted before are strangers.
    pub mfa_since: Option<Timestamp>,
    /// Their password as a PHC string; none for those who never set one.
    pub password_hash: Option<SecretString>,
    /// The last end of all their sessions.
    pub cutoff: Option<Cutoff>,
    /// The session that began last: of many sign-ins at once each counts those before it.
    pub last_session: Option<SessionId>,
    /// How often password or address changed. Tokens of an earlier epoch are dead.
    pub epoch: u32,
    /// The addresses and numbers that they had in the last days, and can have back.
    pub former: Vec<Former>,
    /// The spans of time whose changes they have taken back. Links of such changes are dead.
    pub rejected: Vec<Rejected>,
    /// What they want to be told, and in which language.
    pub preferences: Preferences,
    /// A sign-up for an address that somebody else holds: it looks like any other from outside,
    /// and can never be verified.
    pub shadow: bool,
    /// When a sign-up that nobody verified lapses.
    pub lapses_at: Option<Timestamp>,
    /// When they signed up.
    pub created_at: Timestamp,
}

/// An address or number that was a user's before a change which can still be taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Former {
    /// Whether it was an address or a number.
    pub kind: Kind,
    /// What it was. Before the first number there was none.
    pub target: Option<Target>,
    /// Whether it had been shown to be theirs.
    pub verified: bool,
    /// Whether they alone could have it. It is then held for them.
    pub held: bool,
    /// When it was given up, in milliseconds since 1970.
    pub given_up_at: i64,
}

/// What an account has one of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// An email address.
    Email,
    /// A phone number.
    Phone,
}

impl Former {
    /// Whether the change can still be taken back at `now`.
    pub fn is_open(&self, now: Timestamp) -> bool {
        now.as_millisecond() < self.given_up_at + UNDO_LIFE.as_secs() * 1000
    }
}

/// A span of time whose changes the owner has said were not theirs, in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rejected {
    /// From the change that the owner pointed at.
    pub from: i64,
    /// To when they did.
    pub until: i64,
}

/// What a user wants to be told, and in which language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Preferences {
    /// Whether to tell them of a sign-in on a device that they have not used before.
    pub notify_new_device: bool,
    /// Whether to tell them of a sign-in from a place that they have not been at before.
    pub notify_new_location: bool,
    /// The language of what is written to them.
    pub locale: Locale,
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            notify_new_device: true,
            notify_new_location: true,
            locale: Locale::default(),
        }
    }
}

impl User {
    /// Whether a sign-up has run out of time to be verified. Such a user is as good as gone.
    pub fn has_lapsed(&self, now: Timestamp) -> bool {
        self.lapses_at.is_some_and(|at| at <= now)
    }

    /// The address or number as it is now, which a change at `now` could go back to.
    pub fn present(&self, kind: Kind, now: Timestamp) -> Former {
        let (target, verified, held) = match kind {
            Kind::Email => (
                Some(Target::Email(self.email.clone())),
                self.email_verified,
                !self.shadow,
            ),
            Kind::Phone => (
                self.phone_number.clone().map(Target::Phone),
                self.phone_verified,
                self.holds_phone,
            ),
        };
        Former {
            kind,
            target,
            verified,
            held,
            given_up_at: now.as_millisecond(),
        }
    }

    /// Whether a change made at this moment has been taken back already.
    pub fn has_rejected(&self, millis: i64) -> bool {
        let mut spans = self.rejected.iter();
        spans.any(|span| span.from <= millis && millis <= span.until)
    }

    /// The name of the plan that they have at `now`: theirs until it ends, then [`FREE_PLAN`].
    pub fn plan_at(&self, now: Timestamp) -> &str {
        if self.subscription.has_ended(now) {
            FREE_PLAN
        } else {
            &self.plan
        }
    }

    /// Since when the periods of their plan at `now` are counted.
    pub fn subscribed_at(&self, now: Timestamp) -> Timestamp {
        self.subscription.at(now).since.unwrap_or(self.created_at)
    }

    /// Whether their roles allow this.
    pub fn may(&self, permission: &str) -> bool {
        self.permissions().contains(&permission)
    }

    /// Whether they have the role that may do everything.
    pub fn is_admin(&self) -> bool {
        self.roles.iter().any(|role| role == ADMIN_ROLE)
    }

    /// What the user's roles allow, for the access token.
    pub fn permissions(&self) -> Vec<&'static str> {
        if self.is_admin() {
            ADMIN_PERMISSIONS.to_vec()
        } else {
            USER_PERMISSIONS.to_vec()
        }
    }
}

/// What role `user` may do.
const USER_PERMISSIONS: [&str; 4] = [
    "profile:read",
    "profile:write",
    "sessions:read",
    "sessions:write",
];

/// What role `admin` may do: all of the service's own permissions.
const ADMIN_PERMISSIONS: [&str; 19] = [
    "profile:read",
    "profile:write",
    "sessions:read",
    "sessions:write",
    "users:read",
    "users:write",
    "users:status",
    "roles:read",
    "roles:write",
    "plans:read",
    "plans:write",
    "keys:read",
    "keys:write",
    "clients:read",
    "clients:write",
    "webhooks:read",
    "webhooks:write",
    "events:read",
    "stats:read",
];
