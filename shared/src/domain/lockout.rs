//! When wrong passwords shut an account, and for how long.
//!
//! A try is counted before its password is looked at, so that many at once are no more than many
//! in a row. The count of a bucket goes on until a right password or a long quiet ends it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::id::DeviceId;

/// Tries that are free: the last of them locks, if it fails. (OWASP asks for few; NIST SP 800-63B
/// section 3.2.2 allows a hundred.)
pub const FREE_TRIES: u32 = 5;
/// How long the first lock lasts. Each further failure doubles it.
pub const FIRST_WAIT: SignedDuration = SignedDuration::from_secs(60);
/// No lock lasts longer, or a stranger could keep an owner out for as long as they like.
pub const LONGEST_WAIT: SignedDuration = SignedDuration::from_mins(15);
/// How long nobody may have tried for the count to begin anew.
pub const QUIET: SignedDuration = SignedDuration::from_hours(12);

/// What tries are counted together. Those of a device that its user has signed in on before count
/// apart from those of strangers, who can't lock it out then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bucket {
    /// All devices that are not known.
    Unknown,
    /// A browser with a cookie of ours, see [`crate::http::device_cookie`].
    Device(DeviceId),
    /// A client in a network that the user has signed in from, by its hash.
    Place(String),
    /// Who is signed in, and is asked for the password again.
    Session,
    /// Who has shown a first factor: all second ones together.
    SecondFactor,
}

/// What a bucket is, for the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BucketKind {
    /// [`Bucket::Unknown`].
    UnknownDevice,
    /// [`Bucket::Device`] or [`Bucket::Place`].
    KnownDevice,
    /// [`Bucket::Session`].
    Session,
    /// [`Bucket::SecondFactor`].
    SecondFactor,
}

impl Bucket {
    /// What it is, without saying which.
    pub fn kind(&self) -> BucketKind {
        match self {
            Self::Unknown => BucketKind::UnknownDevice,
            Self::Device(_) | Self::Place(_) => BucketKind::KnownDevice,
            Self::Session => BucketKind::Session,
            Self::SecondFactor => BucketKind::SecondFactor,
        }
    }
}

/// What has been counted in a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// Tries since the last right password, the ones that are being looked at among them.
    pub tries: u32,
    /// When the last of them was counted.
    pub last_at: Timestamp,
    /// Whether the last of them is known to have failed. Until it is, the lock may still end with
    /// a right password.
    pub settled: bool,
}

/// What becomes of one more try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It counts as this many in a row.
    Count(u32),
    /// It has to wait, and does not count.
    Locked {
        /// When the next one may come.
        until: Timestamp,
    },
}

impl Tally {
    /// Whether it locks and nobody was told: its last try is still being looked at, or has died.
    pub fn is_untold(&self) -> bool {
        self.tries >= FREE_TRIES && !self.settled
    }

    /// What becomes of one more try at `now`.
    pub fn next(&self, now: Timestamp) -> Next {
        let until = self.last_at + wait_after(self.tries);
        if now < until {
            Next::Locked { until }
        } else if now >= self.last_at + QUIET {
            Next::Count(1)
        } else {
            Next::Count(self.tries.saturating_add(1))
        }
    }
}

/// How long the bucket is locked once this many tries have been counted.
pub fn wait_after(tries: u32) -> SignedDuration {
    let Some(doublings) = tries.checked_sub(FREE_TRIES) else {
        return SignedDuration::ZERO;
    };
    let factor = 2_i32.checked_pow(doublings).unwrap_or(i32::MAX);
    FIRST_WAIT
        .checked_mul(factor)
        .map_or(LONGEST_WAIT, |wait| wait.min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(1_800_000_000_000 + millis).unwrap()
    }

    #[test]
    fn waits_double_from_a_minute_to_a_quarter_of_an_hour() {
        let waits: Vec<i64> = (0..12).map(|tries| wait_after(tries).as_secs()).collect();
        let expected = [0, 0, 0, 0, 0, 60, 120, 240, 480, 900, 900, 900];
        assert_eq!(waits, expected);
        assert_eq!(wait_after(u32::MAX), LONGEST_WAIT);
    }

    #[test]
    fn a_lock_ends_to_the_millisecond_and_lets_one_in() {
        let tally = Tally {
            tries: 5,
            last_at: at(0),
            settled: true,
        };
        let until = at(60_000);
        assert_eq!(tally.next(at(0)), Next::Locked { until });
        assert_eq!(tally.next(at(59_999)), Next::Locked { until });
        assert_eq!(tally.next(until), Next::Count(6));
    }

    #[test]
    fn twelve_quiet_hours_forget_everything() {
        let tally = Tally {
            tries: 40,
            last_at: at(0),
            settled: true,
        };
        let quiet = i64::try_from(QUIET.as_millis()).unwrap();
        assert_eq!(tally.next(at(quiet - 1)), Next::Count(41));
        assert_eq!(tally.next(at(quiet)), Next::Count(1));
    }

    proptest! {
        /// However somebody spaces wrong tries, no more than five are looked at before a wait, and
        /// from then on one in each wait, as long as they are never quiet.
        #[test]
        fn wrong_tries_are_never_looked_at_faster_than_the_waits_allow(
            gaps in prop::collection::vec(0_i64..4_000_000, 1..60),
        ) {
            let mut tally: Option<Tally> = None;
            let mut looked_at = Vec::new();
            let mut now = 0;
            for gap in gaps {
                now += gap;
                let tries = match tally.map_or(Next::Count(1), |tally| tally.next(at(now))) {
                    Next::Locked { until } => {
                        prop_assert!(until > at(now));
                        prop_assert!(until.duration_since(at(now)) <= LONGEST_WAIT);
                        continue;
                    }
                    Next::Count(tries) => tries,
                };
                prop_assert_eq!(tries as usize, looked_at.len() + 1);
                if let Some(last) = looked_at.last() {
                    let rest = at(now).duration_since(at(*last));
                    prop_assert!(rest >= wait_after(tries - 1));
                }
                looked_at.push(now);
                tally = Some(Tally { tries, last_at: at(now), settled: true });
            }
        }
    }
}
