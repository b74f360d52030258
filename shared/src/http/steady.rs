//! Answers that come after the same time, whatever was found.

use std::time::Duration;

/// How long an answer takes at least that must not tell whether somebody has an account. The work
/// behind it takes some ten milliseconds and is the same but for the size of the rows that are read;
/// this hides what is left of a difference, and is no wait that a person notices.
const FLOOR: Duration = Duration::from_millis(100);

/// Does the work, and answers no sooner than after [`FLOOR`].
#[expect(
    clippy::disallowed_methods,
    reason = "how long this takes is what it is for; no clock of the service is asked"
)]
pub async fn steady<T>(work: impl Future<Output = T>) -> T {
    let (done, ()) = tokio::join!(work, tokio::time::sleep(FLOOR));
    done
}

/// Does the work, and refuses no sooner than after [`FLOOR`]. Who gets what they came for does not
/// wait: they know what was found.
#[expect(
    clippy::disallowed_methods,
    reason = "how long this takes is what it is for; no clock of the service is asked"
)]
pub async fn steady_refusal<T, E>(work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    // Counted from here.
    let floor = tokio::time::sleep(FLOOR);
    let done = work.await;
    if done.is_err() {
        floor.await;
    }
    done
}
