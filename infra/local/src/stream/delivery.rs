//! Invokes the function until every record is done or given up.

use aws_lambda_events::event::dynamodb::{Event, EventRecord};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::batches::{Batches, Outcome, Rules};
use super::progress::{Progress, ProgressError};
use super::{HANDLER_TIMEOUT, Handler, pause};

/// Hands records to the function until each is done or given up.
pub(super) async fn deliver(
    handler: &Handler,
    progress: &Progress,
    rules: Rules,
    records: Vec<EventRecord>,
) -> Result<(), ProgressError> {
    let mut batches = Batches::new(records, rules);
    loop {
        let batch = batches.next();
        if batch.is_empty() {
            return Ok(());
        }
        let answer = invoke(handler, batch).await;
        let (outcome, reason) = match &answer {
            Ok(None) => (Outcome::Done, ""),
            Ok(Some(number)) => (
                Outcome::FailedFrom(number),
                "the function reported a failure",
            ),
            Err(reason) => (Outcome::Failed, reason.as_str()),
        };
        if outcome != Outcome::Done {
            tracing::warn!(reason, "a batch of events failed");
        }
        let consequence = batches.answered(outcome);
        if let Some(record) = consequence.dead {
            tracing::error!(event.id = record.event_id, reason, "an event was given up");
            progress.give_up(record, reason.to_owned())?;
        }
        if let Some(done) = consequence.done {
            progress.done(&done)?;
        }
        if let Some(wait) = consequence.wait {
            pause(wait).await;
        }
    }
}

/// One invocation: the lowest sequence number that failed, or what went wrong as a whole. A panic
/// is the function's failure, not this process's, as on Lambda.
async fn invoke(handler: &Handler, records: Vec<EventRecord>) -> Result<Option<String>, String> {
    let mut event = Event::default();
    event.records = records;
    let mut running = JoinSet::new();
    running.spawn(handler(event));
    let answer = match timeout(HANDLER_TIMEOUT, running.join_next()).await {
        Err(_) => return Err("the function timed out".to_owned()),
        Ok(Some(Ok(Ok(answer)))) => answer,
        Ok(Some(Ok(Err(error)))) => return Err(error.to_string()),
        Ok(Some(Err(_)) | None) => return Err("the function panicked".to_owned()),
    };
    let failed = answer
        .batch_item_failures
        .into_iter()
        .map(|failure| failure.item_identifier.unwrap_or_default());
    // Sequence numbers are decimal and here of one length; Lambda retries from the lowest.
    Ok(failed.min_by(|a, b| (a.len(), a).cmp(&(b.len(), b))))
}
