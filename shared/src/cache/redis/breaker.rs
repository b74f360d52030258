//! Spares calls the wait for a Redis that does not answer.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

/// How many calls in a row fail before it opens: one can be a single lost packet.
const THRESHOLD: u32 = 3;

/// How long it stays open at first, in milliseconds. Twice as long after each probe that fails.
const REST: i64 = 1_000;

/// How many times that doubles: the longest is 8 s.
const DOUBLINGS: u32 = 3;

/// Closed it lets every call pass. Open it lets none but one pass now and then, the probe, which is
/// a call like any other and closes it if it gets an answer.
#[derive(Default)]
pub(super) struct Breaker(Mutex<State>);

#[derive(Default)]
struct State {
    /// In a row.
    failures: u32,
    /// In a row.
    probes: u32,
    /// When the next probe may pass, if it is open. Unix milliseconds.
    probe_at: i64,
}

/// The breaker is open.
#[derive(Debug, thiserror::Error)]
#[error("it has failed several times in a row and is left alone for now")]
pub(super) struct Open;

impl Breaker {
    /// Whether a call may be made.
    pub(super) fn pass(&self, now: Timestamp) -> Result<(), Open> {
        let mut state = self.state();
        if state.failures < THRESHOLD {
            return Ok(());
        }
        let now = now.as_millisecond();
        // Farther ahead than it was ever set: the clock has been turned back.
        let turned_back = state.probe_at - now > rest(DOUBLINGS, 999);
        if now < state.probe_at && !turned_back {
            return Err(Open);
        }
        // Set before the probe and not after it, which its caller may give up.
        state.probes += 1;
        state.probe_at = now + rest(state.probes, now);
        Ok(())
    }

    /// A call got an answer.
    pub(super) fn succeeded(&self) {
        *self.state() = State::default();
    }

    /// A call got none.
    pub(super) fn failed(&self, now: Timestamp) {
        let mut state = self.state();
        state.failures = state.failures.saturating_add(1);
        if state.failures == THRESHOLD {
            let now = now.as_millisecond();
            state.probe_at = now + rest(0, now);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // It is three numbers, each of which is right by itself.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long it stays open after this many probes, in milliseconds: up to half as long again, by the
/// last three digits of the moment, so that functions that failed together do not probe together.
fn rest(probes: u32, now: i64) -> i64 {
    let rest = REST << probes.min(DOUBLINGS);
    rest + rest / 2 * now.rem_euclid(1000) / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(milliseconds).unwrap()
    }

    fn open(now: i64) -> Breaker {
        let breaker = Breaker::default();
        for _ in 0..THRESHOLD {
            breaker.pass(at(now)).unwrap();
            breaker.failed(at(now));
        }
        breaker
    }

    #[test]
    fn failures_that_are_not_in_a_row_do_not_open_it() {
        let breaker = Breaker::default();
        for _ in 0..10 {
            for _ in 1..THRESHOLD {
                breaker.failed(at(0));
            }
            breaker.pass(at(0)).unwrap();
            breaker.succeeded();
        }
    }

    #[test]
    fn open_it_lets_one_probe_pass_at_longer_and_longer_intervals() {
        let breaker = open(0);
        let mut now = 0;
        for rest in [1000, 2000, 4000, 8000, 8000] {
            breaker.pass(at(now)).unwrap_err();
            breaker.pass(at(now + rest - 1)).unwrap_err();
            now += rest;
            breaker.pass(at(now)).unwrap();
            breaker.failed(at(now));
        }
    }

    #[test]
    fn a_probe_that_succeeds_closes_it_and_one_that_is_given_up_does_not_block_it() {
        let breaker = open(0);
        breaker.pass(at(1000)).unwrap();
        breaker.pass(at(1001)).unwrap_err();
        breaker.pass(at(3000)).unwrap();
        breaker.succeeded();
        for _ in 0..10 {
            breaker.pass(at(3000)).unwrap();
        }
    }

    #[test]
    fn those_that_fail_together_do_not_probe_together() {
        assert_eq!(rest(0, 0), 1000);
        assert_eq!(rest(0, 7_500), 1250);
        assert_eq!(rest(9, 999), 11_996);
    }

    #[test]
    fn a_clock_that_is_turned_back_does_not_keep_it_open() {
        let breaker = open(1_000_000);
        breaker.pass(at(0)).unwrap();
    }
}
