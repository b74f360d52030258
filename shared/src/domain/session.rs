//! A session: one sign-in on one device, kept alive by refresh tokens that are used once.

use jiff::{SignedDuration, Timestamp};

use super::id::{SessionId, UserId};

/// A session that nobody refreshes ends after 7 days.
pub const IDLE_LIFE: SignedDuration = SignedDuration::from_hours(7 * 24);
/// However often it is refreshed, a session ends after 30 days (NIST SP 800-63B AAL1).
pub const ABSOLUTE_LIFE: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How long the refresh token one step behind still gets the current one: a lost answer, or two
/// tabs that refresh at once, sign nobody out.
pub const REUSE_GRACE: SignedDuration = SignedDuration::from_secs(30);

/// Where a request came from, as API Gateway saw it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Source {
    /// The client's address.
    pub ip: Option<std::net::IpAddr>,
    /// What the client says it is.
    pub user_agent: Option<String>,
}

/// One sign-in on one device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The session's id.
    pub id: SessionId,
    /// Whose it is.
    pub user: UserId,
    /// The counter of the refresh token that is good now.
    pub counter: u64,
    /// When the counter last moved.
    pub rotated_at: Timestamp,
    /// How the user proved who they are (RFC 8176).
    pub amr: Vec<String>,
    /// When they proved it. Refreshing never moves it.
    pub auth_time: Timestamp,
    /// When the session began.
    pub created_at: Timestamp,
    /// When it was last refreshed.
    pub last_used_at: Timestamp,
    /// The user's epoch when it began: one that ends all sessions of before ends it, whatever the
    /// clocks say.
    pub epoch: u32,
    /// When it ends if nobody refreshes it.
    pub idle_expires_at: Timestamp,
    /// When it ends whatever happens.
    pub expires_at: Timestamp,
    /// Where it was last used from.
    pub source: Source,
}

impl Session {
    /// A session that begins now.
    pub fn begin(
        id: SessionId,
        user: UserId,
        epoch: u32,
        amr: Vec<String>,
        source: Source,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            user,
            counter: 1,
            rotated_at: now,
            amr,
            auth_time: now,
            created_at: now,
            last_used_at: now,
            epoch,
            idle_expires_at: now + IDLE_LIFE,
            expires_at: now + ABSOLUTE_LIFE,
            source,
        }
    }

    /// How much the proof behind the session is worth (NIST SP 800-63B): one factor or two.
    pub fn acr(&self) -> &'static str {
        if self.is_multi_factor() {
            "aal2"
        } else {
            "aal1"
        }
    }

    /// Whether two factors were shown in it.
    pub fn is_multi_factor(&self) -> bool {
        self.amr.iter().any(|method| method == "mfa")
    }

    /// Whether the session is still on at `now`, for a user whose sessions up to `cutoff` have
    /// been ended.
    pub fn is_alive(&self, now: Timestamp, cutoff: Option<Cutoff>) -> bool {
        now < self.expires_at
            && now < self.idle_expires_at
            && cutoff.is_none_or(|cutoff| cutoff.spares(self))
    }

    /// What a refresh token with an old counter means: `counter` is not the current one.
    pub fn judge_old_token(&self, counter: u64, now: Timestamp) -> OldToken {
        if now >= self.expires_at || now >= self.idle_expires_at || counter > self.counter {
            OldToken::Expired
        } else if counter + 1 == self.counter && now.duration_since(self.rotated_at) <= REUSE_GRACE
        {
            OldToken::Lost
        } else {
            OldToken::Stolen
        }
    }
}

/// An end of a user's sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cutoff {
    /// Sessions that began at this moment or before are over.
    pub at: Timestamp,
    /// Sessions of an earlier epoch are over.
    pub epoch: u32,
    /// All but this one, from which the others were ended.
    pub kept: Option<SessionId>,
}

impl Cutoff {
    fn spares(self, session: &Session) -> bool {
        let later = session.created_at > self.at && session.epoch >= self.epoch;
        later || self.kept == Some(session.id)
    }
}

/// What an old refresh token means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OldToken {
    /// The session is over, or never issued such a token.
    Expired,
    /// The answer to the last refresh was lost, or two refreshes ran at once.
    Lost,
    /// Somebody holds a token that was used up long ago.
    Stolen,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn session() -> Session {
        let mut session = Session::begin(
            SessionId::from_bytes([1; 16]),
            UserId::from_bytes([2; 16]),
            3,
            vec!["pwd".to_owned()],
            Source::default(),
            at(0),
        );
        session.counter = 5;
        session.rotated_at = at(100);
        session
    }

    #[test]
    fn one_step_behind_is_a_lost_answer_for_thirty_seconds() {
        assert_eq!(session().judge_old_token(4, at(130)), OldToken::Lost);
        assert_eq!(session().judge_old_token(4, at(131)), OldToken::Stolen);
    }

    #[test]
    fn two_steps_behind_is_theft_at_once() {
        assert_eq!(session().judge_old_token(3, at(100)), OldToken::Stolen);
    }

    #[test]
    fn a_token_from_the_future_or_of_a_dead_session_is_merely_expired() {
        assert_eq!(session().judge_old_token(6, at(100)), OldToken::Expired);
        let end = at(0) + IDLE_LIFE;
        assert_eq!(session().judge_old_token(3, end), OldToken::Expired);
    }

    #[test]
    fn a_session_ends_with_the_idle_life_the_absolute_life_or_all_the_others() {
        let session = session();
        assert!(session.is_alive(at(1), None));
        assert!(!session.is_alive(at(0) + IDLE_LIFE, None));
        assert!(!session.is_alive(at(0) + ABSOLUTE_LIFE, None));
        let cutoff = |kept| {
            Some(Cutoff {
                at: at(0),
                epoch: 3,
                kept,
            })
        };
        assert!(!session.is_alive(at(1), cutoff(None)));
        assert!(session.is_alive(at(1), cutoff(Some(session.id))));
        let other = SessionId::from_bytes([3; 16]);
        assert!(!session.is_alive(at(1), cutoff(Some(other))));
        let of_epoch = |epoch| {
            Some(Cutoff {
                at: at(-1),
                epoch,
                kept: None,
            })
        };
        assert!(session.is_alive(at(1), of_epoch(3)));
        assert!(!session.is_alive(at(1), of_epoch(4)));
    }
}
