//! What happened: the audit log and the outbox in one.
//!
//! Each change of state writes its event in the same transaction. The stream of events feeds
//! `courier`, which sends the mail and repeats the deny marks. An event holds ids, never a code,
//! a token or an address.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::factor::Method;
use super::id::{DeviceId, EventId, SessionId, TokenId, UserId};
use super::lockout::BucketKind;
use super::passkey::PasskeyId;
use super::plan::PlanId;
use super::session::Source;
use super::status::Status;
use super::token::Purpose;

/// One thing that happened to one user.
#[derive(Debug, Clone)]
pub struct Event {
    /// Its id; consumers act once for each.
    pub id: EventId,
    /// Whom it happened to.
    pub user: UserId,
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: EventKind,
    /// Where the request came from that made it happen.
    pub source: Source,
    /// The id of that request.
    pub request_id: String,
}

/// What happened. The tag is the event's public type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum EventKind {
    /// A sign-up waits for its address to be verified.
    #[serde(rename = "user.signed_up", rename_all = "camelCase")]
    SignedUp {
        /// The token whose code and link are mailed.
        token_id: TokenId,
        /// Whether they are: an address gets no more than a few such mails an hour.
        mailed: bool,
    },
    /// Somebody signed up with the address of this user, who is told.
    #[serde(rename = "user.sign_up_repeated")]
    SignUpRepeated,
    /// A password was set, and whoever knows the breached ones could not be asked about it.
    #[serde(rename = "password.breach_check_skipped")]
    BreachCheckSkipped,
    /// The verification mail was asked for again.
    #[serde(rename = "user.verification_requested", rename_all = "camelCase")]
    VerificationRequested {
        /// The token whose code and link are mailed.
        token_id: TokenId,
    },
    /// The address was verified and the account is active.
    #[serde(rename = "user.email_verified", rename_all = "camelCase")]
    EmailVerified {
        /// Whether the user became the first admin by it.
        became_admin: bool,
    },
    /// A code or link was asked for.
    #[serde(rename = "challenge.requested", rename_all = "camelCase")]
    ChallengeRequested {
        /// What for.
        purpose: Purpose,
        /// The token whose code and link are sent.
        token_id: TokenId,
    },
    /// The phone number was verified.
    #[serde(rename = "user.phone_verified")]
    PhoneVerified,
    /// Name, picture, username or preferences were changed.
    #[serde(rename = "user.profile_changed", rename_all = "camelCase")]
    ProfileChanged {
        /// The fields that were sent, by their names in the request.
        fields: Vec<String>,
    },
    /// The account moved to another address; the old one is told.
    #[serde(rename = "user.email_changed", rename_all = "camelCase")]
    EmailChanged {
        /// The token whose link takes it back.
        token_id: TokenId,
    },
    /// The account moved to another phone number; the owner is told.
    #[serde(rename = "user.phone_changed", rename_all = "camelCase")]
    PhoneChanged {
        /// The token whose link takes it back.
        token_id: TokenId,
    },
    /// The password was changed; the owner is told.
    #[serde(rename = "user.password_changed", rename_all = "camelCase")]
    PasswordChanged {
        /// Whether it was reset by somebody who could not sign in.
        reset: bool,
        /// The token whose link says that it was not the owner.
        token_id: TokenId,
        /// The sessions that ended with it.
        session_ids: Vec<SessionId>,
        /// The session that it was changed from, which goes on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kept: Option<SessionId>,
        /// Every session that began at this moment or before ended too, listed or not.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        all_until: Option<Timestamp>,
    },
    /// The owner said that a change was not theirs: it is undone, every session ended, and the
    /// account held until they set a new password.
    #[serde(rename = "user.change_rejected", rename_all = "camelCase")]
    ChangeRejected {
        /// Every session that began at this moment or before ended.
        all_until: Timestamp,
    },
    /// The user confirmed who they are in a session that was on.
    #[serde(rename = "session.stepped_up", rename_all = "camelCase")]
    SteppedUp {
        /// The session.
        session_id: SessionId,
        /// How they did (RFC 8176).
        amr: Vec<String>,
    },
    /// Everything that is held of the user was handed out to them.
    #[serde(rename = "user.exported")]
    Exported,
    /// The account is gone, and the personal data in other places goes with it.
    #[serde(rename = "user.deleted", rename_all = "camelCase")]
    Deleted {
        /// The tokens that carry the addresses to the mails that say so.
        token_ids: Vec<TokenId>,
        /// Every session that began at this moment or before ended.
        all_until: Timestamp,
    },
    /// So many wrong passwords were tried that the next have to wait; the owner is told.
    #[serde(rename = "user.locked", rename_all = "camelCase")]
    Locked {
        /// When the next may come.
        until: Timestamp,
        /// Where from they came.
        bucket: BucketKind,
    },
    /// The account was moved to another status; the owner is told.
    #[serde(rename = "user.status_changed", rename_all = "camelCase")]
    StatusChanged {
        /// Where it stood.
        from: Status,
        /// Where it stands.
        to: Status,
        /// Why, in an admin's words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// When it is active again by itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
        /// Which state of the account this is. Of two events the later version tells of the later.
        version: u64,
        /// The admin who moved it; nobody where its time had run out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<UserId>,
        /// The sessions that ended with it.
        session_ids: Vec<SessionId>,
        /// Every session that began at this moment or before ended too, listed or not.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        all_until: Option<Timestamp>,
    },
    /// An admin ended the lock that failed sign-ins had put on the account.
    #[serde(rename = "user.unlocked", rename_all = "camelCase")]
    Unlocked {
        /// The admin.
        by: UserId,
    },
    /// The user was given another plan, or theirs ended.
    #[serde(rename = "user.plan_changed", rename_all = "camelCase")]
    PlanChanged {
        /// The name of the plan before.
        from: String,
        /// The name of the plan from now on.
        to: PlanId,
        /// When it ends.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
        /// The admin who gave it; nobody where the one before had ended.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<UserId>,
    },
    /// This admin made or changed a plan.
    #[serde(rename = "plan.defined", rename_all = "camelCase")]
    PlanDefined {
        /// The plan.
        plan: PlanId,
    },
    /// This admin deleted a plan.
    #[serde(rename = "plan.deleted", rename_all = "camelCase")]
    PlanDeleted {
        /// The plan.
        plan: PlanId,
    },
    /// A passkey was registered; the owner is told.
    #[serde(rename = "passkey.added", rename_all = "camelCase")]
    PasskeyAdded {
        /// The passkey.
        passkey_id: PasskeyId,
    },
    /// A passkey was given another name.
    #[serde(rename = "passkey.renamed", rename_all = "camelCase")]
    PasskeyRenamed {
        /// The passkey.
        passkey_id: PasskeyId,
    },
    /// A passkey was removed; the owner is told.
    #[serde(rename = "passkey.removed", rename_all = "camelCase")]
    PasskeyRemoved {
        /// The passkey.
        passkey_id: PasskeyId,
    },
    /// A passkey was refused because its counter went back, as that of a copied one would; the
    /// owner is told.
    #[serde(rename = "passkey.clone_suspected", rename_all = "camelCase")]
    PasskeyCloneSuspected {
        /// The passkey.
        passkey_id: PasskeyId,
    },
    /// Sign-in asks for this second factor from now on; the owner is told.
    #[serde(rename = "mfa.enabled", rename_all = "camelCase")]
    MfaEnabled {
        /// The factor.
        method: Method,
    },
    /// Sign-in asks for these second factors no more; the owner is told.
    #[serde(rename = "mfa.disabled", rename_all = "camelCase")]
    MfaDisabled {
        /// The factors.
        methods: Vec<Method>,
    },
    /// The recovery codes were made anew, and those of before died; the owner is told.
    #[serde(rename = "mfa.recovery_codes_made")]
    RecoveryCodesMade,
    /// A recovery code stood in for a second factor; the owner is told.
    #[serde(rename = "mfa.recovery_code_used")]
    RecoveryCodeUsed,
    /// A device is asked for no second factor for a while.
    #[serde(rename = "device.trusted", rename_all = "camelCase")]
    DeviceTrusted {
        /// The device.
        device_id: DeviceId,
    },
    /// A device is asked for the second factor again.
    #[serde(rename = "device.untrusted", rename_all = "camelCase")]
    DeviceUntrusted {
        /// The device.
        device_id: DeviceId,
    },
    /// A session began.
    #[serde(rename = "session.started", rename_all = "camelCase")]
    SessionStarted {
        /// The session that began.
        session_id: SessionId,
        /// How the user proved who they are (RFC 8176).
        amr: Vec<String>,
        /// The sessions that ended because the plan allows no more.
        evicted: Vec<SessionId>,
    },
    /// Sessions ended.
    #[serde(rename = "session.ended", rename_all = "camelCase")]
    SessionsEnded {
        /// The sessions that ended.
        session_ids: Vec<SessionId>,
        /// Why.
        reason: EndReason,
        /// Every session that began at this moment or before ended too, listed or not.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        all_until: Option<Timestamp>,
    },
    /// A refresh token that was used up came again: the session ended, the owner is told.
    #[serde(rename = "session.refresh_token_reused", rename_all = "camelCase")]
    RefreshTokenReused {
        /// The session that ended.
        session_id: SessionId,
    },
}

/// Why sessions ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// The user signed out of this session.
    Logout,
    /// The user signed out everywhere.
    LogoutAll,
    /// The user ended one session from another.
    EndedByUser,
}

impl EventKind {
    /// The event's public type, as it is written.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::SignedUp { .. } => "user.signed_up",
            Self::SignUpRepeated => "user.sign_up_repeated",
            Self::BreachCheckSkipped => "password.breach_check_skipped",
            Self::VerificationRequested { .. } => "user.verification_requested",
            Self::EmailVerified { .. } => "user.email_verified",
            Self::ChallengeRequested { .. } => "challenge.requested",
            Self::PhoneVerified => "user.phone_verified",
            Self::ProfileChanged { .. } => "user.profile_changed",
            Self::EmailChanged { .. } => "user.email_changed",
            Self::PhoneChanged { .. } => "user.phone_changed",
            Self::PasswordChanged { .. } => "user.password_changed",
            Self::ChangeRejected { .. } => "user.change_rejected",
            Self::SteppedUp { .. } => "session.stepped_up",
            Self::Exported => "user.exported",
            Self::Deleted { .. } => "user.deleted",
            Self::Locked { .. } => "user.locked",
            Self::StatusChanged { .. } => "user.status_changed",
            Self::Unlocked { .. } => "user.unlocked",
            Self::PlanChanged { .. } => "user.plan_changed",
            Self::PlanDefined { .. } => "plan.defined",
            Self::PlanDeleted { .. } => "plan.deleted",
            Self::PasskeyAdded { .. } => "passkey.added",
            Self::PasskeyRenamed { .. } => "passkey.renamed",
            Self::PasskeyRemoved { .. } => "passkey.removed",
            Self::PasskeyCloneSuspected { .. } => "passkey.clone_suspected",
            Self::MfaEnabled { .. } => "mfa.enabled",
            Self::MfaDisabled { .. } => "mfa.disabled",
            Self::RecoveryCodesMade => "mfa.recovery_codes_made",
            Self::RecoveryCodeUsed => "mfa.recovery_code_used",
            Self::DeviceTrusted { .. } => "device.trusted",
            Self::DeviceUntrusted { .. } => "device.untrusted",
            Self::SessionStarted { .. } => "session.started",
            Self::SessionsEnded { .. } => "session.ended",
            Self::RefreshTokenReused { .. } => "session.refresh_token_reused",
        }
    }

    /// Up to when every session of the user ended with this event. A change of status is not among
    /// them: what it means depends on whether a later one has come, which only the user's row says.
    pub fn all_until(&self) -> Option<Timestamp> {
        match self {
            Self::SessionsEnded { all_until, .. } | Self::PasswordChanged { all_until, .. } => {
                *all_until
            }
            Self::ChangeRejected { all_until } | Self::Deleted { all_until, .. } => {
                Some(*all_until)
            }
            _ => None,
        }
    }

    /// The sessions that this event ended by name.
    pub fn ended_sessions(&self) -> &[SessionId] {
        match self {
            Self::SessionStarted { evicted, .. } => evicted,
            Self::SessionsEnded { session_ids, .. }
            | Self::PasswordChanged { session_ids, .. }
            | Self::StatusChanged { session_ids, .. } => session_ids,
            Self::RefreshTokenReused { session_id } => std::slice::from_ref(session_id),
            _ => &[],
        }
    }

    /// The tokens that this event made.
    pub fn tokens(&self) -> &[TokenId] {
        match self {
            Self::SignedUp { token_id, .. }
            | Self::VerificationRequested { token_id }
            | Self::ChallengeRequested { token_id, .. }
            | Self::EmailChanged { token_id }
            | Self::PhoneChanged { token_id }
            | Self::PasswordChanged { token_id, .. } => std::slice::from_ref(token_id),
            Self::Deleted { token_ids, .. } => token_ids,
            _ => &[],
        }
    }
}
