//! Reads the stream to its end, hands it over, and waits to be woken.

use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_dynamodbstreams::Client;
use aws_sdk_dynamodbstreams::error::DisplayErrorContext;
use aws_sdk_dynamodbstreams::types::{Record, ShardIteratorType};
use tokio::time::timeout;

use super::batches::Rules;
use super::delivery::deliver;
use super::progress::{Progress, ProgressError};
use super::{Bell, Handler, pause, record};

/// How long the reader waits without being woken: only what was written past the service's own
/// routes needs it.
const IDLE: Duration = Duration::from_millis(500);
/// How long it waits where it has just read something, and more may follow at once.
const BUSY: Duration = Duration::from_millis(50);
/// How long it waits after the stream could not be read.
const TROUBLE: Duration = Duration::from_millis(500);

/// How long the bell is left to fade: the answer of the request that rang it goes out first. On AWS
/// a stream is polled some four times a second, and no answer waits for what courier does.
const BREATH: Duration = Duration::from_millis(10);
/// The most records that one read brings, which is the API's own limit.
const PAGE: i32 = 1000;

/// Why the stream could not be read further.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error("the stream can't be read: {0}")]
    Stream(String),
    #[error("the table {0} has no stream")]
    NoStream(String),
    #[error("a record of the stream can't be understood")]
    Record(#[from] serde_json::Error),
    #[error(transparent)]
    Progress(#[from] ProgressError),
}

/// Reads one table's stream, which here has one shard.
pub(crate) struct Reader {
    client: Client,
    table: String,
    handler: Handler,
    progress: Arc<Progress>,
    bell: Bell,
}

/// Where in the stream the reader is.
struct Position {
    stream_arn: String,
    iterator: String,
}

impl Reader {
    pub(crate) fn new(
        aws: &SdkConfig,
        table: String,
        handler: Handler,
        progress: Arc<Progress>,
        bell: Bell,
    ) -> Self {
        Self {
            client: Client::new(aws),
            table,
            handler,
            progress,
            bell,
        }
    }

    /// Reads for as long as it is polled. Between two batches it can be dropped without loss.
    pub(crate) async fn run(self) {
        loop {
            if let Err(error) = self.read().await {
                tracing::warn!(%error, "the event stream stumbled; reading it again");
                pause(TROUBLE).await;
            }
        }
    }

    async fn read(&self) -> Result<(), ReadError> {
        let mut position = self.position().await?;
        let mut idle = IDLE;
        loop {
            // Asked before reading: what was written before the question is in this page or an
            // earlier one.
            let asked = self.bell.asked();
            let page = self
                .client
                .get_records()
                .shard_iterator(&position.iterator)
                .limit(PAGE)
                .send()
                .await
                .map_err(|error| ReadError::Stream(DisplayErrorContext(error).to_string()))?;
            let records = page.records.unwrap_or_default();
            let at_end = records.is_empty();
            self.hand_over(records, &position.stream_arn).await?;
            position.iterator = page
                .next_shard_iterator
                .ok_or_else(|| ReadError::Stream("its shard was closed".to_owned()))?;
            if at_end {
                self.bell.settled(asked);
                let _ = timeout(idle, self.bell.rung()).await;
                if self.bell.asked() == asked {
                    pause(BREATH).await;
                }
                idle = IDLE;
            } else {
                idle = BUSY;
            }
        }
    }

    async fn position(&self) -> Result<Position, ReadError> {
        let broken = |error| ReadError::Stream(error);
        let streams = self
            .client
            .list_streams()
            .table_name(&self.table)
            .send()
            .await
            .map_err(|error| broken(DisplayErrorContext(error).to_string()))?;
        let stream_arn = streams
            .streams()
            .first()
            .and_then(|stream| stream.stream_arn.clone())
            .ok_or_else(|| ReadError::NoStream(self.table.clone()))?;
        let described = self
            .client
            .describe_stream()
            .stream_arn(&stream_arn)
            .send()
            .await
            .map_err(|error| broken(DisplayErrorContext(error).to_string()))?;
        let shard = described
            .stream_description
            .and_then(|stream| stream.shards?.into_iter().next()?.shard_id)
            .ok_or_else(|| ReadError::NoStream(self.table.clone()))?;
        let checkpoint = self.progress.checkpoint();
        let iterator = self
            .client
            .get_shard_iterator()
            .stream_arn(&stream_arn)
            .shard_id(shard)
            .shard_iterator_type(match &checkpoint {
                Some(_) => ShardIteratorType::AfterSequenceNumber,
                None => ShardIteratorType::TrimHorizon,
            })
            .set_sequence_number(checkpoint)
            .send()
            .await
            .map_err(|error| broken(DisplayErrorContext(error).to_string()))?
            .shard_iterator
            .ok_or_else(|| ReadError::Stream("it gave no iterator".to_owned()))?;
        Ok(Position {
            stream_arn,
            iterator,
        })
    }

    async fn hand_over(&self, records: Vec<Record>, stream_arn: &str) -> Result<(), ReadError> {
        let Some(last) = records.last() else {
            return Ok(());
        };
        let last = last
            .dynamodb
            .as_ref()
            .and_then(|change| change.sequence_number.clone());
        let records = records
            .into_iter()
            .map(|record| record::to_event(record, stream_arn))
            // The template's `FilterCriteria`.
            .filter(|event| {
                event
                    .as_ref()
                    .map_or(true, |event| event.event_name == "INSERT")
            })
            .collect::<Result<Vec<_>, _>>()?;
        deliver(&self.handler, &self.progress, Rules::TEMPLATE, records).await?;
        match last {
            Some(last) => Ok(self.progress.done(&last)?),
            None => Ok(()),
        }
    }
}
