//! Things that change together or not at all.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    CancellationReason, ConditionCheck, Delete, Put, TransactWriteItem, Update,
};

use super::StoreError;

/// How often a transaction that met another on the same rows is tried in all.
const ATTEMPTS: u32 = 4;
/// The longest wait before the second attempt; each further wait may be twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(30);
/// Why DynamoDB cancels a transaction that may succeed when it comes again.
const PASSING: [&str; 3] = [
    "TransactionConflict",
    "ThrottlingError",
    "ProvisionedThroughputExceeded",
];

/// Why a transaction changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum CommitError<L: std::fmt::Debug> {
    /// These writes found their conditions not met.
    #[error("conditions not met: {0:?}")]
    Refused(Vec<L>),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A transaction in the making. Each write has a label of the caller's, by which the caller
/// learns whose condition was not met.
pub(crate) struct Transaction<L> {
    labels: Vec<L>,
    items: Vec<TransactWriteItem>,
}

impl<L: Copy + std::fmt::Debug> Transaction<L> {
    pub(crate) fn new() -> Self {
        Self {
            labels: Vec::new(),
            items: Vec::new(),
        }
    }

    #[must_use]
    pub(crate) fn put(self, label: L, put: Put) -> Self {
        self.add(label, TransactWriteItem::builder().put(put).build())
    }

    #[must_use]
    pub(crate) fn update(self, label: L, update: Update) -> Self {
        self.add(label, TransactWriteItem::builder().update(update).build())
    }

    #[must_use]
    pub(crate) fn delete(self, label: L, delete: Delete) -> Self {
        self.add(label, TransactWriteItem::builder().delete(delete).build())
    }

    #[must_use]
    pub(crate) fn check(self, label: L, check: ConditionCheck) -> Self {
        let item = TransactWriteItem::builder().condition_check(check).build();
        self.add(label, item)
    }

    fn add(mut self, label: L, item: TransactWriteItem) -> Self {
        self.labels.push(label);
        self.items.push(item);
        self
    }

    /// Commits it. A repeat of the same call by the SDK, whose answer was lost, carries the same
    /// client token and so is answered as the first was, and not refused for what that one wrote.
    /// What was cancelled for a conflict with another transaction, or for want of throughput, is
    /// tried again here, since the SDK does not.
    pub(crate) async fn commit(self, client: &Client) -> Result<(), CommitError<L>> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let Err(error) = client
                .transact_write_items()
                .set_transact_items(Some(self.items.clone()))
                .send()
                .await
            else {
                return Ok(());
            };
            let reasons = reasons(&error);
            let refused = self.labelled(reasons, "ConditionalCheckFailed");
            if !refused.is_empty() {
                return Err(CommitError::Refused(refused));
            }
            let passing = reasons
                .iter()
                .any(|reason| reason.code().is_some_and(|code| PASSING.contains(&code)));
            if !passing || attempt == ATTEMPTS {
                return Err(StoreError::from(error).into());
            }
            wait(attempt).await;
        }
    }

    fn labelled(&self, reasons: &[CancellationReason], code: &str) -> Vec<L> {
        self.labels
            .iter()
            .zip(reasons)
            .filter(|(_, reason)| reason.code() == Some(code))
            .map(|(label, _)| *label)
            .collect()
    }
}

fn reasons<R>(error: &SdkError<TransactWriteItemsError, R>) -> &[CancellationReason] {
    match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
            cancelled.cancellation_reasons()
        }
        _ => &[],
    }
}

/// Waits before the attempt after this one.
#[expect(
    clippy::disallowed_methods,
    reason = "two transactions that met must not meet again at once"
)]
pub(crate) async fn wait(attempt: u32) {
    // Two that wait equally long would meet again. Nobody gains by guessing this number, and no
    // test hangs on it, so it comes from the standard library's hasher.
    let drawn = RandomState::new().hash_one(attempt) % 1000;
    let share = u32::try_from(drawn).unwrap_or_default();
    tokio::time::sleep(FIRST_WAIT * 2_u32.pow(attempt - 1) * share / 1000).await;
}
