//! Where an account stands, who may move it, and what each place does to its owner.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};

use super::invalid::{self, Invalid};

/// Where an account stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
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

/// Who moves an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mover {
    /// Somebody with the permission `users:status`, and never on their own account.
    Admin,
    /// The service itself, when a time has come.
    System,
    /// The account's owner, by a mailed code or link or their password.
    Owner,
}

/// A move that is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Move {
    from: &'static [Status],
    to: Status,
    by: &'static [Mover],
    /// Whether whoever makes it must say why.
    pub needs_reason: bool,
    /// Whether it may be for a while, after which the account is active again.
    pub may_end: bool,
}

/// What a status does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effect {
    /// Whether the owner may sign in and refresh.
    pub lets_in: bool,
    /// Whether coming here ends every session, and with it every access token. They stay ended
    /// when the account comes back.
    pub ends_sessions: bool,
    /// Whether the owner is told by mail that an admin or the end of a block brought them here.
    pub is_told: bool,
}

use Mover::{Admin, Owner, System};
use Status::{Active, Banned, Blocked, Deactivated, Deleted, Paused, Pending, SecurityIssue};

/// Every move that is allowed. What is not here can't be done by anybody.
///
/// An account that is held for its safety does not get away from that by a block that ends: from
/// there it can only be let back by an admin or its owner, or be closed.
const MOVES: &[Move] = &[
    by(&[Owner], &[Pending], Active),
    by(&[Owner], &[Active], SecurityIssue),
    by(&[Owner], &[SecurityIssue], Active),
    by(&[Owner], &[Active], Deleted),
    by(&[System], &[Pending], Deleted),
    by(&[System], &[Blocked, Paused], Active),
    by(
        &[Admin],
        &[Blocked, Paused, Deactivated, Banned, SecurityIssue],
        Active,
    )
    .with_reason(),
    by(
        &[Admin],
        &[Active, Blocked, Paused, Deactivated, Banned],
        Blocked,
    )
    .with_reason()
    .for_a_while(),
    by(
        &[Admin],
        &[Active, Blocked, Paused, Deactivated, Banned],
        Paused,
    )
    .with_reason()
    .for_a_while(),
    by(
        &[Admin],
        &[Active, Blocked, Paused, Deactivated, Banned, SecurityIssue],
        Deactivated,
    )
    .with_reason(),
    by(
        &[Admin],
        &[Active, Blocked, Paused, Deactivated, Banned, SecurityIssue],
        Banned,
    )
    .with_reason(),
    by(
        &[Admin],
        &[Active, Blocked, Paused, Deactivated, Banned, SecurityIssue],
        SecurityIssue,
    )
    .with_reason(),
];

const fn by(by: &'static [Mover], from: &'static [Status], to: Status) -> Move {
    Move {
        from,
        to,
        by,
        needs_reason: false,
        may_end: false,
    }
}

impl Move {
    const fn with_reason(mut self) -> Self {
        self.needs_reason = true;
        self
    }

    const fn for_a_while(mut self) -> Self {
        self.may_end = true;
        self
    }

    /// The move from here to there by this mover, if it is allowed.
    pub fn find(from: Status, to: Status, by: Mover) -> Option<&'static Self> {
        MOVES
            .iter()
            .find(|known| known.to == to && known.from.contains(&from) && known.by.contains(&by))
    }
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 8] = [
        Pending,
        Active,
        Blocked,
        Paused,
        Deactivated,
        Banned,
        SecurityIssue,
        Deleted,
    ];

    /// The name in tables and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Blocked => "blocked",
            Self::Paused => "paused",
            Self::Deactivated => "deactivated",
            Self::Banned => "banned",
            Self::SecurityIssue => "security_issue",
            Self::Deleted => "deleted",
        }
    }

    /// What it does.
    pub fn effect(self) -> Effect {
        let (lets_in, ends_sessions, is_told) = match self {
            Self::Active => (true, false, true),
            // Nobody has a session, nor an address that is known to be theirs.
            Self::Pending => (false, false, false),
            Self::Blocked
            | Self::Paused
            | Self::Deactivated
            | Self::Banned
            | Self::SecurityIssue => (false, true, true),
            // Told by a mail of its own, to an address that is in no row any more.
            Self::Deleted => (false, true, false),
        };
        Effect {
            lets_in,
            ends_sessions,
            is_told,
        }
    }

    /// Whether an account that was in good standing is kept out: these are in the index from which
    /// the denylist is rebuilt.
    pub fn is_shut_out(self) -> bool {
        let effect = self.effect();
        effect.ends_sessions && self != Self::Deleted
    }
}

impl TryFrom<String> for Status {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        let found = Self::ALL.into_iter().find(|status| status.as_str() == text);
        found.ok_or_else(|| Invalid::new("invalid_choice", "There is no status of this name."))
    }
}

impl<'de> Deserialize<'de> for Status {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        invalid::deserialize(deserializer, "a status")
    }
}

/// Why an account was moved, in an admin's words: 1 to 500 characters. It stands in the audit log,
/// which the owner can read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason(String);

/// The longest reason, in characters.
const MAX_REASON: usize = 500;

impl Reason {
    /// The words.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Reason {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        if text.trim().is_empty() {
            return Err(Invalid::new("empty", "Say why."));
        }
        if text.chars().count() > MAX_REASON {
            return Err(Invalid::new(
                "too_long",
                format!("Use at most {MAX_REASON} characters."),
            ));
        }
        if text.chars().any(|c| c.is_control() && c != '\n') {
            return Err(Invalid::new(
                "control_character",
                "Leave control characters away.",
            ));
        }
        Ok(Self(text.trim().to_owned()))
    }
}

impl<'de> Deserialize<'de> for Reason {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        invalid::deserialize(deserializer, "a reason as a string")
    }
}

/// What goes with a status.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StatusDetail {
    /// Which state of the account this is: it grows with every move, and of two marks or events
    /// the one of the later version holds. 0 where the account was never moved.
    pub version: u64,
    /// Why, where somebody said so.
    pub reason: Option<String>,
    /// When the account is active again by itself.
    pub until: Option<Timestamp>,
}

impl StatusDetail {
    /// What goes with the next status.
    ///
    /// Versions are the time in milliseconds, so that they compare with the marks of sessions
    /// that were ended; and later than the version before whatever this instance's clock says.
    pub fn next(&self, reason: Option<String>, until: Option<Timestamp>, now: Timestamp) -> Self {
        let now = u64::try_from(now.as_millisecond()).unwrap_or(0);
        Self {
            version: now.max(self.version + 1),
            reason,
            until,
        }
    }

    /// Whether the time of the status has run out at `now`.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| until <= now)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MOVERS: [Mover; 3] = [Admin, System, Owner];

    /// The whole table once more, as a person reads it: who may move from the row to the column.
    const DECIDED: [(Status, [&str; 8]); 8] = [
        //              pend  active  blocked paused  deact.  banned  secur.  deleted
        (Pending, ["", "O", "", "", "", "", "", "S"]),
        (Active, ["", "", "A", "A", "A", "A", "AO", "O"]),
        (Blocked, ["", "AS", "A", "A", "A", "A", "A", ""]),
        (Paused, ["", "AS", "A", "A", "A", "A", "A", ""]),
        (Deactivated, ["", "A", "A", "A", "A", "A", "A", ""]),
        (Banned, ["", "A", "A", "A", "A", "A", "A", ""]),
        (SecurityIssue, ["", "AO", "", "", "A", "A", "A", ""]),
        (Deleted, ["", "", "", "", "", "", "", ""]),
    ];

    #[test]
    fn every_pair_is_decided_once() {
        for (from, row) in DECIDED {
            for (to, expected) in Status::ALL.into_iter().zip(row) {
                for (mover, letter) in MOVERS.into_iter().zip(['A', 'S', 'O']) {
                    let found = MOVES
                        .iter()
                        .filter(|known| known.to == to)
                        .filter(|known| known.from.contains(&from) && known.by.contains(&mover))
                        .count();
                    let expected = usize::from(expected.contains(letter));
                    assert_eq!(found, expected, "{from:?} to {to:?} by {mover:?}");
                }
            }
        }
    }

    #[test]
    fn an_admin_always_says_why_and_only_some_moves_end() {
        for from in Status::ALL {
            for to in Status::ALL {
                if let Some(found) = Move::find(from, to, Admin) {
                    assert!(found.needs_reason);
                    assert_eq!(found.may_end, matches!(to, Blocked | Paused));
                    // What ends by itself can be ended by the service.
                    assert_eq!(found.may_end, Move::find(to, Active, System).is_some());
                }
            }
        }
    }

    #[test]
    fn only_who_is_active_is_let_in() {
        for status in Status::ALL {
            assert_eq!(status.effect().lets_in, status == Active);
            let kept_out = !matches!(status, Pending | Active | Deleted);
            assert_eq!(status.is_shut_out(), kept_out);
        }
    }

    #[test]
    fn a_reason_says_something() {
        let reason = |text: &str| Reason::try_from(text.to_owned());
        assert_eq!(reason(" Spam.\nTwice. ").unwrap().as_str(), "Spam.\nTwice.");
        assert_eq!(reason(" \n").unwrap_err().code, "empty");
        assert_eq!(reason(&"x".repeat(501)).unwrap_err().code, "too_long");
        assert_eq!(reason("a\u{7}").unwrap_err().code, "control_character");
        assert!(reason(&"ß".repeat(500)).is_ok());
    }

    proptest! {
        #[test]
        fn no_way_leads_back_from_deleted_nor_out_of_a_block_by_the_owner(
            way in prop::collection::vec((0_usize..8, 0_usize..3), 0..40),
        ) {
            let mut at = Pending;
            for (to, mover) in way {
                let (to, mover) = (Status::ALL[to], MOVERS[mover]);
                if Move::find(at, to, mover).is_some() {
                    prop_assert_ne!(at, Deleted);
                    prop_assert_ne!(to, Pending);
                    if at.is_shut_out() && at != SecurityIssue {
                        prop_assert_ne!(mover, Owner);
                    }
                    at = to;
                }
            }
        }

        #[test]
        fn versions_grow_whatever_the_clock_says(
            times in prop::collection::vec(0_i64..4_000_000_000_000, 1..20),
        ) {
            let mut detail = StatusDetail::default();
            for time in times {
                let now = Timestamp::from_millisecond(time).unwrap();
                let next = detail.next(None, None, now);
                prop_assert!(next.version > detail.version);
                prop_assert!(next.version >= time.unsigned_abs());
                detail = next;
            }
        }
    }
}
