//! One-time tokens: a code that a person types and a link that they open, good for one purpose.
//!
//! A row holds no secret. Code and link are MACs of the token's id (see [`crate::keys`]), so that
//! a stolen table, stream or queue gives nobody a code, and a mail can be sent again with the
//! same one.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::email::EmailAddress;
use super::id::{TokenId, UserId};

/// Wrong codes that end a code.
pub const MAX_TRIES: u32 = 5;
/// How long a client should wait before it asks for another mail.
pub const RESEND_AFTER: SignedDuration = SignedDuration::from_secs(60);

/// What a token is good for. One that was made for one purpose never serves another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Shows that the address of a sign-up is its owner's.
    VerifyEmail,
}

impl Purpose {
    /// The name in tables and in the MAC's input.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verify_email",
        }
    }

    /// How long the code lives (ASVS 6.5.5: 10 minutes at most).
    pub fn code_life(self) -> SignedDuration {
        match self {
            Self::VerifyEmail => SignedDuration::from_mins(10),
        }
    }

    /// How long the link lives.
    pub fn link_life(self) -> SignedDuration {
        match self {
            Self::VerifyEmail => SignedDuration::from_hours(24),
        }
    }
}

/// A one-time token.
#[derive(Debug, Clone)]
pub struct Token {
    /// Its id, which clients see.
    pub id: TokenId,
    /// What it is good for.
    pub purpose: Purpose,
    /// Whose it is. For a decoy nobody has this id.
    pub user: UserId,
    /// The one address it is sent to and speaks for.
    pub email: EmailAddress,
    /// When its code ends.
    pub code_expires_at: Timestamp,
    /// When its link ends.
    pub link_expires_at: Timestamp,
    /// Whether it has been used.
    pub consumed: bool,
    /// Made so that an answer looks the same where there is nothing to verify: it is never sent,
    /// and no code is right.
    pub decoy: bool,
}

impl Token {
    /// A fresh token of this purpose.
    pub fn new(
        id: TokenId,
        purpose: Purpose,
        user: UserId,
        email: EmailAddress,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            purpose,
            user,
            email,
            code_expires_at: now + purpose.code_life(),
            link_expires_at: now + purpose.link_life(),
            consumed: false,
            decoy: false,
        }
    }

    /// Whether its code may still be tried.
    pub fn code_is_alive(&self, purpose: Purpose, now: Timestamp) -> bool {
        self.purpose == purpose && !self.consumed && now < self.code_expires_at
    }

    /// Whether its link may still be followed.
    pub fn link_is_alive(&self, purpose: Purpose, now: Timestamp) -> bool {
        self.purpose == purpose && !self.consumed && now < self.link_expires_at
    }
}
