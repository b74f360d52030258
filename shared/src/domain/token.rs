//! One-time tokens: a code that a person types and a link that they open, good for one purpose.
//!
//! A row holds no secret. Code and link are MACs of the token's id (see [`crate::keys`]), so that
//! a stolen table, stream or queue gives nobody a code, and a mail can be sent again with the
//! same one.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::email::EmailAddress;
use super::id::{SessionId, TokenId, UserId};
use super::locale::Locale;
use super::phone::PhoneNumber;
use super::user::Kind;

/// Wrong codes that end a code.
pub const MAX_TRIES: u32 = 5;
/// Tries in a day of codes that anybody can ask for with nothing but an address: 50 of a million
/// codes are a chance of one in 20,000 (NIST SP 800-63B section 3.2.2 allows 100 in a row).
pub const MAX_TRIES_A_DAY: u32 = 50;
/// How long a client should wait before it asks for another message.
pub const RESEND_AFTER: SignedDuration = SignedDuration::from_secs(60);

/// What a token is good for. One that was made for one purpose never serves another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Shows that the address of a sign-up is its owner's.
    VerifyEmail,
    /// Shows that an address or number of an account is its owner's, for whoever asks.
    Otp,
    /// Sets a new password for somebody who has forgotten theirs.
    ResetPassword,
    /// Sets a new password for somebody who is signed in.
    ChangePassword,
    /// Moves an account to a new address.
    ChangeEmail,
    /// Moves an account to a new phone number.
    ChangePhone,
    /// Shows that who is signed in is still the same person.
    StepUp,
    /// Lets somebody who has shown one factor show the other: the ticket between the two steps of a
    /// sign-in.
    SignIn,
    /// Is the second factor of a sign-in.
    SecondFactor,
    /// Shows that a second factor works before it is asked for.
    EnableFactor,
    /// Ends second factors, or makes recovery codes anew.
    ManageMfa,
    /// Says that a change was not the owner's: undoes it and holds the account.
    NotMe,
    /// Carries the address of an account that is gone to the mail that says so. Opens nothing.
    Farewell,
}

impl Purpose {
    /// Every purpose.
    pub const ALL: [Self; 13] = [
        Self::VerifyEmail,
        Self::Otp,
        Self::ResetPassword,
        Self::ChangePassword,
        Self::ChangeEmail,
        Self::ChangePhone,
        Self::StepUp,
        Self::SignIn,
        Self::SecondFactor,
        Self::EnableFactor,
        Self::ManageMfa,
        Self::NotMe,
        Self::Farewell,
    ];

    /// The name in tables and in the MAC's input.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verify_email",
            Self::Otp => "otp",
            Self::ResetPassword => "reset_password",
            Self::ChangePassword => "change_password",
            Self::ChangeEmail => "change_email",
            Self::ChangePhone => "change_phone",
            Self::StepUp => "step_up",
            Self::SignIn => "sign_in",
            Self::SecondFactor => "second_factor",
            Self::EnableFactor => "enable_factor",
            Self::ManageMfa => "manage_mfa",
            Self::NotMe => "not_me",
            Self::Farewell => "farewell",
        }
    }

    /// How long the code lives (ASVS 6.5.5: 10 minutes at most); nothing where there is none.
    pub fn code_life(self) -> SignedDuration {
        match self {
            Self::Otp | Self::SecondFactor => SignedDuration::from_mins(5),
            Self::VerifyEmail
            | Self::ResetPassword
            | Self::ChangePassword
            | Self::ChangeEmail
            | Self::ChangePhone
            | Self::StepUp
            | Self::EnableFactor
            | Self::ManageMfa => SignedDuration::from_mins(10),
            Self::SignIn | Self::NotMe | Self::Farewell => SignedDuration::ZERO,
        }
    }

    /// How long the link lives; nothing where there is none.
    pub fn link_life(self) -> SignedDuration {
        match self {
            // A farewell has none; this is how long its mail may be tried.
            Self::VerifyEmail | Self::Farewell => SignedDuration::from_hours(24),
            Self::ResetPassword => SignedDuration::from_mins(30),
            Self::NotMe => SignedDuration::from_hours(7 * 24),
            Self::SignIn => SignedDuration::from_mins(5),
            Self::Otp
            | Self::ChangePassword
            | Self::ChangeEmail
            | Self::ChangePhone
            | Self::StepUp
            | Self::SecondFactor
            | Self::EnableFactor
            | Self::ManageMfa => SignedDuration::ZERO,
        }
    }

    /// Whether anybody can ask for such a code, knowing nothing but an address.
    pub fn is_anybodys(self) -> bool {
        matches!(self, Self::Otp | Self::ResetPassword)
    }

    /// Whether only the newest code of a line is good.
    ///
    /// Not for what a stranger can ask for as often as once a minute with nothing but an address:
    /// by asking again they would keep the owner's code from ever working.
    pub fn newest_wins(self) -> bool {
        match self {
            Self::VerifyEmail
            | Self::ResetPassword
            | Self::SignIn
            | Self::NotMe
            | Self::Farewell => false,
            Self::Otp
            | Self::ChangePassword
            | Self::ChangeEmail
            | Self::ChangePhone
            | Self::StepUp
            | Self::SecondFactor
            | Self::EnableFactor
            | Self::ManageMfa => true,
        }
    }
}

/// Where a token is sent, and what it speaks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Target {
    /// An email address.
    Email(EmailAddress),
    /// A phone number, by SMS.
    Phone(PhoneNumber),
}

impl Target {
    /// Whether it is an address or a number.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Email(_) => Kind::Email,
            Self::Phone(_) => Kind::Phone,
        }
    }

    /// The address, if it is one.
    pub fn email(&self) -> Option<&EmailAddress> {
        match self {
            Self::Email(email) => Some(email),
            Self::Phone(_) => None,
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
    /// The one address or number that it is sent to and speaks for. A decoy may have none.
    pub target: Option<Target>,
    /// For whom tries of its code are counted: the same text for all codes of one account, or of
    /// one address where no account may be told from none.
    pub line: String,
    /// The user's epoch when it was made: it dies with the next one.
    pub epoch: u32,
    /// The session that asked for it, where none other may use it.
    pub session: Option<SessionId>,
    /// What was shown before it was given out (RFC 8176), where it lets on to a second step.
    pub amr: Vec<String>,
    /// Whether it was asked for again by nothing but an address, so that of several sign-ups for
    /// it nobody knows which one is meant.
    pub resent: bool,
    /// The language of its mail, where its user is gone and can't say.
    pub locale: Option<Locale>,
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
    /// A fresh token of this purpose, whose tries are counted for its user.
    pub fn new(
        id: TokenId,
        purpose: Purpose,
        user: UserId,
        target: Option<Target>,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            purpose,
            user,
            target,
            line: user.to_string(),
            epoch: 0,
            session: None,
            amr: Vec::new(),
            resent: false,
            locale: None,
            code_expires_at: now + purpose.code_life(),
            link_expires_at: now + purpose.link_life(),
            consumed: false,
            decoy: false,
        }
    }

    /// The address that it is sent to, if it is mailed.
    pub fn email(&self) -> Option<&EmailAddress> {
        self.target.as_ref().and_then(Target::email)
    }

    /// Whether its code may still be tried.
    pub fn code_is_alive(&self, purpose: Purpose, now: Timestamp) -> bool {
        self.purpose == purpose && !self.consumed && now < self.code_expires_at
    }

    /// Whether its link may still be followed.
    pub fn link_is_alive(&self, purpose: Purpose, now: Timestamp) -> bool {
        self.purpose == purpose && !self.consumed && now < self.link_expires_at
    }

    /// When it is of no more use to anybody.
    pub fn expires_at(&self) -> Timestamp {
        self.code_expires_at.max(self.link_expires_at)
    }
}
