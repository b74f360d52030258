//! A user, and what each status lets them do.

use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::email::EmailAddress;
use super::id::UserId;
use super::name::DisplayName;
use super::phone::PhoneNumber;
use super::username::Username;

/// How long a sign-up that nobody verifies holds its username and phone number: long enough for a
/// mail that is asked for again some days later. After it anyone may sign up with them. Its address
/// it never holds against another sign-up: whoever verifies first has it.
pub const PENDING_LIFE: jiff::SignedDuration = jiff::SignedDuration::from_hours(7 * 24);

/// The role that every user has.
pub const USER_ROLE: &str = "user";
/// The role that may do everything.
pub const ADMIN_ROLE: &str = "admin";
/// The plan that every user starts with, and falls back to.
pub const FREE_PLAN: &str = "free";

/// Where an account stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Signed up, address not yet verified.
    Pending,
    /// In good standing.
    Active,
    /// Shut out for a while.
    Blocked,
    /// Resting by the owner's wish or an admin's.
    Paused,
    /// Closed, may come back.
    Deactivated,
    /// Shut out for good.
    Banned,
    /// Held until the owner has proved that it is theirs.
    SecurityIssue,
    /// Gone; what is left is the audit log.
    Deleted,
}

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
    pub image_url: Option<String>,
    /// Where the account stands.
    pub status: Status,
    /// The names of their roles.
    pub roles: Vec<String>,
    /// The name of their plan.
    pub plan: String,
    /// Whether sign-in asks for a second factor.
    pub mfa_enabled: bool,
    /// Their password as a PHC string; none for those who never set one.
    pub password_hash: Option<SecretString>,
    /// Sessions begun at this moment or before are over.
    pub tokens_valid_after: Option<Timestamp>,
    /// A sign-up for an address that somebody else holds: it looks like any other from outside,
    /// and can never be verified.
    pub shadow: bool,
    /// When a sign-up that nobody verified lapses.
    pub lapses_at: Option<Timestamp>,
    /// When they signed up.
    pub created_at: Timestamp,
}

impl User {
    /// Whether a sign-up has run out of time to be verified. Such a user is as good as gone.
    pub fn has_lapsed(&self, now: Timestamp) -> bool {
        self.lapses_at.is_some_and(|at| at <= now)
    }

    /// What the user's roles allow, for the access token.
    pub fn permissions(&self) -> Vec<&'static str> {
        if self.roles.iter().any(|role| role == ADMIN_ROLE) {
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

/// How many sessions a user of the plan may hold at once. One more ends the least recently used.
pub fn max_sessions(_plan: &str) -> usize {
    FREE_PLAN_MAX_SESSIONS
}

/// Sessions at once on [`FREE_PLAN`], the only plan as yet: the 20 that ASVS 7.1.2 asks to be
/// stated, enough for every device of one person.
const FREE_PLAN_MAX_SESSIONS: usize = 20;
