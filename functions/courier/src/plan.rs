//! What an event asks for, decided without asking anybody.

use jiff::Timestamp;
use latchkey_shared::cache::DenyMark;
use latchkey_shared::denylist::deny_marks;
use latchkey_shared::domain::event::{Event, EventKind};
use latchkey_shared::domain::factor::Method;
use latchkey_shared::domain::id::{TokenId, UserId};
use latchkey_shared::domain::lockout::BucketKind;
use latchkey_shared::domain::token::Token;
use latchkey_shared::domain::user::{Status, User};

/// What one event asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// The marks to write.
    pub(crate) deny: Vec<DenyMark>,
    /// The mails and SMS to send.
    pub(crate) letters: Vec<Letter>,
    /// Whether the cache is to be told where the account stands now.
    pub(crate) mark_status: bool,
    /// Whether the passkeys go that were registered while the account was a thief's.
    pub(crate) reject_passkeys: bool,
    /// Whether everything personal of the user goes.
    pub(crate) erase: bool,
}

/// A mail or SMS to send.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Letter {
    /// What makes two letters one: of equal keys one goes out.
    pub(crate) delivery: String,
    /// What it is about.
    pub(crate) subject: Subject,
}

/// What a letter is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    /// This token's code, and its link if it has one: to the token's own target.
    Code(TokenId),
    /// Somebody signed up with the user's address.
    SignUpRepeated,
    /// One of the user's sessions was ended.
    SessionEndedByReuse,
    /// The account moved away from the address that this token is for.
    EmailChanged(TokenId),
    /// The account moved to the address that it has now.
    EmailConfirmed,
    /// The account moved to another number: by mail, with this token's link.
    PhoneChanged(TokenId),
    /// The same, to the number that it moved away from.
    PhoneReplaced(TokenId),
    /// The password was changed; this token's link says that it was not the owner.
    PasswordChanged(TokenId),
    /// The account is held until a new password is set.
    AccountHeld,
    /// Wrong passwords locked the account for a while.
    AccountLocked,
    /// A passkey was registered.
    PasskeyAdded,
    /// A passkey was removed.
    PasskeyRemoved,
    /// A passkey was refused that may have been copied.
    PasskeyCloned,
    /// Sign-in asks for this second factor from now on.
    MfaEnabled(Method),
    /// Sign-in asks for second factors no more.
    MfaDisabled,
    /// The recovery codes were made anew.
    RecoveryCodesMade,
    /// A recovery code was used.
    RecoveryCodeUsed,
    /// Wrong second factors locked them for a while.
    SecondFactorLocked,
    /// The account was moved by an admin, or its block ended: where it stands, until when.
    StatusChanged(Status, Option<Timestamp>),
    /// The account is gone; this token has its address.
    AccountDeleted(TokenId),
}

/// What an event asks for.
pub(crate) fn of(event: &Event) -> Plan {
    let kind = &event.kind;
    let deny = deny_marks(event.user, kind.ended_sessions(), kind.all_until());
    Plan {
        deny,
        letters: letters(event),
        mark_status: matches!(kind, EventKind::StatusChanged { .. }),
        reject_passkeys: matches!(kind, EventKind::ChangeRejected { .. }),
        erase: matches!(kind, EventKind::Deleted { .. }),
    }
}

fn letters(event: &Event) -> Vec<Letter> {
    let once = |subject| Letter {
        delivery: event.id.to_string(),
        subject,
    };
    let also = |subject| Letter {
        delivery: format!("{}#2", event.id),
        subject,
    };
    let once_an_hour = |name, subject| Letter {
        delivery: hourly(name, event.user, event.at),
        subject,
    };
    match &event.kind {
        EventKind::SignedUp {
            token_id,
            mailed: true,
        }
        | EventKind::VerificationRequested { token_id }
        | EventKind::ChallengeRequested { token_id, .. } => vec![once(Subject::Code(*token_id))],
        EventKind::SignUpRepeated => {
            vec![once_an_hour("sign_up_repeated", Subject::SignUpRepeated)]
        }
        EventKind::Locked { bucket, .. } => vec![match bucket {
            BucketKind::UnknownDevice | BucketKind::KnownDevice | BucketKind::Session => {
                once_an_hour("account_locked", Subject::AccountLocked)
            }
            BucketKind::SecondFactor => {
                once_an_hour("second_factor_locked", Subject::SecondFactorLocked)
            }
        }],
        EventKind::PasskeyAdded { .. } => vec![once(Subject::PasskeyAdded)],
        EventKind::PasskeyRemoved { .. } => vec![once(Subject::PasskeyRemoved)],
        EventKind::PasskeyCloneSuspected { .. } => {
            vec![once_an_hour("passkey_cloned", Subject::PasskeyCloned)]
        }
        EventKind::MfaEnabled { method } => vec![once(Subject::MfaEnabled(*method))],
        EventKind::MfaDisabled { .. } => vec![once(Subject::MfaDisabled)],
        EventKind::RecoveryCodesMade => vec![once(Subject::RecoveryCodesMade)],
        EventKind::RecoveryCodeUsed => vec![once(Subject::RecoveryCodeUsed)],
        EventKind::RefreshTokenReused { .. } => vec![once(Subject::SessionEndedByReuse)],
        EventKind::EmailChanged { token_id } => vec![
            once(Subject::EmailChanged(*token_id)),
            also(Subject::EmailConfirmed),
        ],
        EventKind::PhoneChanged { token_id } => vec![
            once(Subject::PhoneChanged(*token_id)),
            also(Subject::PhoneReplaced(*token_id)),
        ],
        EventKind::PasswordChanged { token_id, .. } => {
            vec![once(Subject::PasswordChanged(*token_id))]
        }
        EventKind::ChangeRejected { .. } => vec![once(Subject::AccountHeld)],
        EventKind::Deleted { token_ids, .. } => token_ids
            .iter()
            .map(|token| Letter {
                delivery: format!("{}#{token}", event.id),
                subject: Subject::AccountDeleted(*token),
            })
            .collect(),
        EventKind::StatusChanged { to, until, .. } => {
            vec![once(Subject::StatusChanged(*to, *until))]
        }
        EventKind::SignedUp { mailed: false, .. }
        | EventKind::BreachCheckSkipped
        | EventKind::EmailVerified { .. }
        | EventKind::PhoneVerified
        | EventKind::ProfileChanged { .. }
        | EventKind::SteppedUp { .. }
        | EventKind::Exported
        | EventKind::Unlocked { .. }
        | EventKind::PlanChanged { .. }
        | EventKind::PlanDefined { .. }
        | EventKind::PlanDeleted { .. }
        | EventKind::PasskeyRenamed { .. }
        | EventKind::DeviceTrusted { .. }
        | EventKind::DeviceUntrusted { .. }
        | EventKind::SessionStarted { .. }
        | EventKind::SessionsEnded { .. } => Vec::new(),
    }
}

/// The delivery of what anybody can make happen to the owner of an address as often as they like.
/// Each time the owner would get a mail that they can do nothing about; one in an hour says it all.
pub(crate) fn hourly(name: &str, user: UserId, at: Timestamp) -> String {
    let hour = at.as_second().div_euclid(60 * 60);
    format!("{name}#{user}#{hour}")
}

/// Whether a token's code or link is any use to who gets it at `now`. One that leads nowhere is
/// worse than no mail.
pub(crate) fn is_worth_sending(token: &Token, now: Timestamp) -> bool {
    !token.decoy && !token.consumed && now < token.expires_at()
}

/// Whether the user is somebody to write to at `now`, at an address that they have verified.
pub(crate) fn can_be_told(user: &User, now: Timestamp) -> bool {
    let stands = !matches!(user.status, Status::Pending | Status::Deleted);
    stands && !user.shadow && !user.has_lapsed(now)
}

#[cfg(test)]
mod tests;
