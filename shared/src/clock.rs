//! Time as a thing that is handed in, so that tests and `/dev/clock` can move it.

use jiff::Timestamp;

/// Tells the time. Everything that compares or records a time asks the one clock in its state.
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

/// The machine's clock, which every deployed function uses.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the machine's clock"
    )]
    fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        // Whole milliseconds, as tables keep them: a time reads the same before and after.
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }
}
