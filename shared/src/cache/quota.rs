//! Rate limits as pure rules.
//!
//! A quota that comes back bit by bit follows the generic cell rate algorithm (GCRA). Each key has one
//! number, the moment at which all that it has spent will have come back. Whatever is admitted moves it
//! one interval further, and it may lie no further ahead than the whole burst takes to come back. So
//! there is no window whose edge lets two bursts pass, and nothing to count up. The number is in Unix
//! microseconds and the clock in milliseconds: an interval need not be whole milliseconds, and what a
//! caller is told to wait is exact all the same.
//!
//! A quota of a period, as plans have them, is a count that ends at a moment.

use std::time::Duration;

use jiff::Timestamp;

use super::{Key, LONGEST, duration, milliseconds};

/// A limit that one attempt is held to. A key that has not been seen has the whole of it.
#[derive(Clone, Copy)]
pub struct Quota<'a> {
    /// Whose quota it is. A key belongs to one burst and window.
    pub key: &'a Key,
    /// How many are admitted at once, and in each window. None at all for 0.
    pub burst: u32,
    /// When they come back.
    pub window: Window,
}

/// When what a quota has admitted comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// Evenly, the whole burst in so long. Ten years at most.
    Rolling(Duration),
    /// All of it at this moment. The key names the period that ends there, since the next one is
    /// another quota.
    Until(Timestamp),
}

/// What a quota says of one attempt. Times are in whole milliseconds, rounded up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// Whether this quota had room. The attempt was counted if all of its quotas had.
    pub admitted: bool,
    /// How many more this quota would admit now.
    pub remaining: u32,
    /// Time until the whole burst is there again, if nothing more is admitted.
    pub resets_in: Duration,
    /// Time until this quota has room, if nothing more is admitted; nothing if it had room.
    pub retry_in: Duration,
}

/// The farthest ahead of now that a stored number can be. Microseconds.
pub(super) const FARTHEST: i64 = LONGEST * 1000 * 2;

/// A quota at a moment: what its stored number is held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Measure {
    /// The number says how far ahead of now the key is, in microseconds.
    Pace(Pace),
    /// The number is a count.
    Tally {
        /// How high it may be.
        most: i64,
        /// When it ends. Unix milliseconds.
        end: i64,
        /// In how long that is. Milliseconds.
        ends_in: i64,
    },
}

/// A quota in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pace {
    /// What one attempt takes to come back. Rounded up, so that no window admits too much.
    pub(super) interval: i64,
    /// What the burst takes to come back.
    pub(super) capacity: i64,
}

impl Quota<'_> {
    /// `now` in Unix milliseconds.
    pub(super) fn measure(&self, now: i64) -> Measure {
        let burst = i64::from(self.burst);
        match self.window {
            Window::Rolling(window) => Measure::Pace(Pace::of(burst, window)),
            Window::Until(end) => {
                let end = end.as_millisecond();
                Measure::Tally {
                    most: burst,
                    end,
                    ends_in: (end - now).max(0),
                }
            }
        }
    }
}

impl Pace {
    fn of(burst: i64, window: Duration) -> Self {
        let window = milliseconds(window) * 1000;
        let interval = match burst {
            0 => window,
            burst => (window + burst - 1) / burst,
        };
        Self {
            interval,
            capacity: interval * burst,
        }
    }

    fn verdict(self, ahead: i64, admitted: bool, counted: bool) -> Verdict {
        let spent = if counted {
            ahead + self.interval
        } else {
            ahead
        };
        let remaining = (self.capacity - spent).max(0) / self.interval;
        let wait = (ahead + self.interval - self.capacity).max(0);
        Verdict {
            admitted,
            remaining: u32::try_from(remaining).unwrap_or(u32::MAX),
            resets_in: duration(round_up(spent)),
            retry_in: duration(round_up(wait)),
        }
    }
}

impl Measure {
    /// The key's number, which is never more than all of it: a clock that is behind the one that
    /// counted last would else see it come back later than the whole takes.
    pub(super) fn at_most_all(self, number: i64) -> i64 {
        match self {
            Self::Pace(pace) => number.min(pace.capacity),
            Self::Tally { .. } => number,
        }
    }

    /// Whether there is room for one more, given the key's number.
    fn has_room(self, number: i64) -> bool {
        match self {
            Self::Pace(pace) => number + pace.interval <= pace.capacity,
            Self::Tally { most, .. } => number < most,
        }
    }

    fn verdict(self, number: i64, counted: bool) -> Verdict {
        let admitted = self.has_room(number);
        match self {
            Self::Pace(pace) => pace.verdict(number, admitted, counted),
            Self::Tally { most, ends_in, .. } => {
                let count = number + i64::from(counted);
                let in_full = |full: bool| if full { 0 } else { ends_in };
                Verdict {
                    admitted,
                    remaining: u32::try_from((most - count).max(0)).unwrap_or(u32::MAX),
                    resets_in: duration(in_full(count == 0)),
                    retry_in: duration(in_full(admitted)),
                }
            }
        }
    }
}

/// Judges one attempt by its quotas, given the number of each. It counts, in all of them, if all of
/// them have room.
pub(super) fn judge(measures: &[Measure], numbers: &[i64]) -> Vec<Verdict> {
    let all = || measures.iter().zip(numbers);
    let counted = all().all(|(measure, number)| measure.has_room(*number));
    all()
        .map(|(measure, number)| measure.verdict(*number, counted))
        .collect()
}

/// Microseconds in whole milliseconds.
pub(super) fn round_up(microseconds: i64) -> i64 {
    (microseconds + 999).div_euclid(1000)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// One key by the rule alone.
    struct Alone {
        pace: Pace,
        /// Unix microseconds.
        next: i64,
    }

    impl Alone {
        fn new(burst: u32, window: u64) -> Self {
            Self {
                pace: Pace::of(i64::from(burst), Duration::from_millis(window)),
                next: 0,
            }
        }

        fn look(&self, now: i64) -> Verdict {
            let ahead = (self.next - now * 1000).max(0);
            Measure::Pace(self.pace).verdict(ahead, false)
        }

        /// `now` in milliseconds.
        fn attempt(&mut self, now: i64) -> Verdict {
            let ahead = (self.next - now * 1000).max(0);
            let verdict = judge(&[Measure::Pace(self.pace)], &[ahead])[0];
            if verdict.admitted {
                self.next = now * 1000 + ahead + self.pace.interval;
            }
            verdict
        }
    }

    fn millis(duration: Duration) -> i64 {
        i64::try_from(duration.as_millis()).unwrap()
    }

    #[test]
    fn a_fresh_key_has_its_burst_and_then_one_an_interval() {
        let mut key = Alone::new(3, 60_000);
        let verdicts = [0, 0, 0, 0, 20_000, 20_000].map(|now| key.attempt(now));
        let admitted = verdicts.map(|verdict| verdict.admitted);
        assert_eq!(admitted, [true, true, true, false, true, false]);
        let remaining = verdicts.map(|verdict| verdict.remaining);
        assert_eq!(remaining, [2, 1, 0, 0, 0, 0]);
        let resets_in = verdicts.map(|verdict| verdict.resets_in.as_secs());
        assert_eq!(resets_in, [20, 40, 60, 60, 60, 60]);
        let retry_in = verdicts.map(|verdict| verdict.retry_in.as_secs());
        assert_eq!(retry_in, [0, 0, 0, 20, 0, 20]);
    }

    #[test]
    fn a_burst_of_none_admits_none() {
        let verdict = Alone::new(0, 1000).attempt(0);
        assert!(!verdict.admitted);
        assert_eq!(verdict.remaining, 0);
        assert_eq!(verdict.retry_in, Duration::from_secs(1));
    }

    #[test]
    fn one_full_quota_keeps_all_from_counting() {
        let pace = Alone::new(2, 1000).pace;
        let paces = [Measure::Pace(pace); 2];
        let verdicts = judge(&paces, &[0, pace.capacity]);
        assert!(verdicts[0].admitted && !verdicts[1].admitted);
        assert_eq!(verdicts[0].remaining, 2);
        assert_eq!(verdicts[0].resets_in, Duration::ZERO);
    }

    #[test]
    fn a_period_admits_its_number_and_says_when_it_ends() {
        let tally = Measure::Tally {
            most: 2,
            end: 5000,
            ends_in: 1500,
        };
        let end = Duration::from_millis(1500);
        let verdict = |count| judge(&[tally], &[count])[0];
        for (count, remaining) in [(0, 1), (1, 0)] {
            let admitted = Verdict {
                admitted: true,
                remaining,
                resets_in: end,
                retry_in: Duration::ZERO,
            };
            assert_eq!(verdict(count), admitted);
        }
        let refused = Verdict {
            admitted: false,
            remaining: 0,
            resets_in: end,
            retry_in: end,
        };
        // Also where the limit was lowered in mid-period.
        assert_eq!([verdict(2), verdict(9)], [refused; 2]);
    }

    #[test]
    fn the_largest_numbers_are_exact_in_a_double() {
        let year_2100 = 4_102_444_800_000_000;
        let pace = Alone::new(u32::MAX, u64::MAX).pace;
        assert!(year_2100 + pace.capacity + pace.interval < 1 << 53);
        assert!(pace.capacity <= FARTHEST);
    }

    proptest! {
        #[test]
        fn no_window_admits_more_than_the_burst_and_what_comes_back(
            burst in 0..20_u32,
            window in 1..5000_u64,
            pauses in prop::collection::vec(prop_oneof![Just(0), 0..50_i64, 0..2000_i64], 1..200),
        ) {
            let mut key = Alone::new(burst, window);
            let mut now = 0;
            let mut admitted = Vec::new();
            for pause in pauses {
                now += pause;
                if key.attempt(now).admitted {
                    admitted.push(now);
                }
            }
            for (first, from) in admitted.iter().enumerate() {
                for (last, to) in admitted.iter().enumerate().skip(first) {
                    let count = i64::try_from(last - first + 1).unwrap();
                    // Without division: count <= burst + (to - from) × burst / window.
                    let (burst, window) = (i64::from(burst), i64::try_from(window).unwrap());
                    prop_assert!(count * window <= burst * window + (to - from) * burst);
                }
            }
        }

        #[test]
        fn what_is_told_is_what_happens(
            burst in 1..20_u32,
            window in 1..5000_u64,
            pauses in prop::collection::vec(0..400_i64, 1..60),
        ) {
            let mut key = Alone::new(burst, window);
            let mut now = 0;
            for pause in pauses {
                now += pause;
                let verdict = key.attempt(now);
                if verdict.admitted {
                    prop_assert_eq!(verdict.retry_in, Duration::ZERO);
                } else {
                    let retry = now + millis(verdict.retry_in);
                    prop_assert!(retry > now && !key.look(retry - 1).admitted);
                    prop_assert!(key.look(retry).admitted);
                }
                let mut left = Alone { ..key };
                let remaining = (0..=verdict.remaining).filter(|_| left.attempt(now).admitted);
                prop_assert_eq!(u32::try_from(remaining.count()).unwrap(), verdict.remaining);
                let whole = now + millis(verdict.resets_in);
                prop_assert_eq!(key.look(whole).remaining, burst);
                prop_assert!(whole == now || key.look(whole - 1).resets_in > Duration::ZERO);
            }
        }
    }
}
