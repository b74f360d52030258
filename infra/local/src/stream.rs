//! Hands the `events` table's stream to `courier`, as Lambda's event source mapping does.
//!
//! The stream is read through the real client of DynamoDB Streams. Batches, partial responses,
//! retries with backoff, bisection and dead letters follow the mapping in `template.yaml`. What
//! was done is kept, so a killed process goes on where it stopped; a batch whose answer was lost
//! comes again, as it can on AWS.

mod batches;
mod delivery;
mod progress;
mod reader;
mod record;

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_lambda_events::event::dynamodb::Event;
use aws_lambda_events::event::streams::DynamoDbEventResponse;
use tokio::sync::{Notify, watch};

pub(crate) use self::progress::Progress;
pub use self::progress::{DeadLetter, ProgressError};
pub(crate) use self::reader::Reader;

/// How long one batch may take (the function's `Timeout` on AWS is of this order).
const HANDLER_TIMEOUT: Duration = Duration::from_secs(30);

/// What a function that panicked, timed out or failed as a whole leaves behind.
pub(crate) type HandlerError = Box<dyn std::error::Error + Send + Sync>;

/// What the handler promises to answer.
pub(crate) type Answer =
    Pin<Box<dyn Future<Output = Result<DynamoDbEventResponse, HandlerError>> + Send>>;

/// The function behind the stream.
pub(crate) type Handler = Arc<dyn Fn(Event) -> Answer + Send + Sync>;

/// Wakes the reader, and waits for it.
#[derive(Clone)]
pub(crate) struct Bell {
    shared: Arc<Shared>,
}

struct Shared {
    rung: Notify,
    /// How many have asked the reader to catch up.
    asked: AtomicU64,
    /// The number of asks that the reader had seen when it last found the stream read to its end.
    settled: watch::Sender<u64>,
}

impl Bell {
    pub(crate) fn new() -> Self {
        Self {
            shared: Arc::new(Shared {
                rung: Notify::new(),
                asked: AtomicU64::new(0),
                settled: watch::Sender::new(0),
            }),
        }
    }

    /// Says that there may be something to read.
    pub(crate) fn ring(&self) {
        self.shared.rung.notify_one();
    }

    /// Returns when every record written before this call was handled or is a dead letter.
    pub(crate) async fn settle(&self) {
        let mine = self.shared.asked.fetch_add(1, Ordering::SeqCst) + 1;
        let mut settled = self.shared.settled.subscribe();
        self.ring();
        // The sender lives as long as this bell, so the wait can't end early.
        let _ = settled.wait_for(|seen| *seen >= mine).await;
    }

    fn asked(&self) -> u64 {
        self.shared.asked.load(Ordering::SeqCst)
    }

    fn settled(&self, asked: u64) {
        self.shared.settled.send_replace(asked);
    }

    async fn rung(&self) {
        self.shared.rung.notified().await;
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this process is the poller that Lambda runs for us, and a poller waits"
)]
async fn pause(duration: Duration) {
    tokio::time::sleep(duration).await;
}

#[cfg(test)]
mod tests;
