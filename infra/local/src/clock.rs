//! The service's clock: the machine's, moved forward by `POST /dev/clock`.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use latchkey_shared::clock::{Clock, SystemClock};

use crate::data_dir::{DataDir, DataDirError};

/// The furthest that one call moves the clock, in seconds: ten years, longer than anything lives
/// here.
pub const MAX_ADVANCE: i64 = 10 * 366 * 24 * 60 * 60;

/// The furthest that the clock can be from the machine's, in seconds: a thousand years, so that
/// no sum of a time and a life leaves the calendar.
const MAX_OFFSET: i64 = 100 * MAX_ADVANCE;

const FILE: &str = "clock-offset-seconds";

/// Why the clock was not moved.
#[derive(Debug, thiserror::Error)]
pub enum ClockError {
    /// It only goes forward, and not without end.
    #[error("the clock moves forward by 1 to {MAX_ADVANCE} seconds")]
    OutOfRange,
    /// What the data directory has as the offset is no number of seconds.
    #[error("the clock's offset in the data directory can't be read")]
    Unreadable,
    /// The offset could not be kept.
    #[error(transparent)]
    Data(#[from] DataDirError),
}

/// The machine's clock and an offset that only grows. It is kept, so that a restart does not go
/// back in time.
#[derive(Debug)]
pub struct DevClock {
    offset_seconds: AtomicI64,
    moving: Mutex<()>,
    data: Option<Arc<DataDir>>,
}

impl DevClock {
    /// The clock as the data directory has it, or the machine's.
    pub fn open(data: Option<Arc<DataDir>>) -> Result<Self, ClockError> {
        let kept = match &data {
            Some(data) => data.read(FILE)?,
            None => None,
        };
        let offset = match kept {
            Some(text) => text.trim().parse().map_err(|_| ClockError::Unreadable)?,
            None => 0,
        };
        if !(0..=MAX_OFFSET).contains(&offset) {
            return Err(ClockError::Unreadable);
        }
        Ok(Self {
            offset_seconds: AtomicI64::new(offset),
            moving: Mutex::new(()),
            data,
        })
    }

    /// Moves the clock forward by this many seconds and tells the new time.
    pub fn advance(&self, seconds: i64) -> Result<Timestamp, ClockError> {
        if !(1..=MAX_ADVANCE).contains(&seconds) {
            return Err(ClockError::OutOfRange);
        }
        let _alone = self.moving.lock().unwrap_or_else(PoisonError::into_inner);
        let offset = self.offset_seconds.load(Ordering::SeqCst) + seconds;
        if offset > MAX_OFFSET {
            return Err(ClockError::OutOfRange);
        }
        if let Some(data) = &self.data {
            data.replace(FILE, &offset.to_string())?;
        }
        self.offset_seconds.store(offset, Ordering::SeqCst);
        Ok(self.now())
    }
}

impl Clock for DevClock {
    fn now(&self) -> Timestamp {
        let offset = SignedDuration::from_secs(self.offset_seconds.load(Ordering::SeqCst));
        SystemClock.now() + offset
    }
}

/// The clock of another instance, which does not agree.
#[derive(Debug)]
pub(crate) struct SkewedClock {
    pub(crate) clock: Arc<DevClock>,
    /// How far it is ahead; behind, where that is negative.
    pub(crate) ahead: SignedDuration,
}

impl Clock for SkewedClock {
    fn now(&self) -> Timestamp {
        self.clock.now() + self.ahead
    }
}

/// The same clock for the embedded database, whose streams and TTL tell the time too.
impl dynoxide::storage_backend::Clock for DevClock {
    fn now_unix_secs(&self) -> u64 {
        self.now().as_second().unsigned_abs()
    }

    fn now_unix_secs_f64(&self) -> f64 {
        self.now().as_duration().as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_moves_forward_only_and_not_too_far() {
        let clock = DevClock::open(None).unwrap();
        let before = clock.now();
        for seconds in [0, -1, MAX_ADVANCE + 1, i64::MIN] {
            assert!(matches!(
                clock.advance(seconds),
                Err(ClockError::OutOfRange)
            ));
        }
        assert!(clock.now() < before + SignedDuration::from_mins(1));
        assert!(clock.advance(3600).unwrap() >= before + SignedDuration::from_hours(1));
    }

    #[test]
    fn a_restart_does_not_go_back_in_time() {
        let path = tempfile::tempdir().unwrap();
        let open = || {
            let data = DataDir::open(path.path()).unwrap();
            DevClock::open(Some(Arc::new(data))).unwrap()
        };
        let then = open().advance(86_400).unwrap();
        assert!(open().now() >= then);
    }

    #[test]
    fn an_offset_that_makes_no_sense_is_refused() {
        let path = tempfile::tempdir().unwrap();
        let data = Arc::new(DataDir::open(path.path()).unwrap());
        for text in ["", "-5", "soon"] {
            data.replace(FILE, text).unwrap();
            assert!(matches!(
                DevClock::open(Some(data.clone())),
                Err(ClockError::Unreadable)
            ));
        }
    }
}
