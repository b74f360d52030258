//! How far the stream was read, and what was given up.

use std::sync::{Arc, Mutex, PoisonError};

use aws_lambda_events::event::dynamodb::EventRecord;
use jiff::Timestamp;
use latchkey_shared::clock::Clock;
use serde::{Deserialize, Serialize};

use crate::clock::DevClock;
use crate::data_dir::{DataDir, DataDirError};

const CHECKPOINT_FILE: &str = "stream-checkpoint";
const DEAD_LETTERS_FILE: &str = "dead-letters.jsonl";

/// Why progress was not kept.
#[derive(Debug, thiserror::Error)]
pub enum ProgressError {
    /// The file of dead letters holds something else.
    #[error("a line of the kept dead letters can't be read")]
    Unreadable(#[from] serde_json::Error),
    /// A file can't be read or written.
    #[error(transparent)]
    Data(#[from] DataDirError),
}

/// A record that was given up after all retries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetter {
    /// When it was given up, by the service's clock.
    pub at: Timestamp,
    /// How the last try ended.
    pub reason: String,
    /// The record as the function got it.
    pub record: EventRecord,
}

/// Kept in the data directory where there is one, in memory where not.
pub(crate) struct Progress {
    checkpoint: Mutex<Option<String>>,
    dead: Mutex<Vec<DeadLetter>>,
    clock: Arc<DevClock>,
    data: Option<Arc<DataDir>>,
}

impl Progress {
    pub(crate) fn open(
        clock: Arc<DevClock>,
        data: Option<Arc<DataDir>>,
    ) -> Result<Self, ProgressError> {
        let (checkpoint, lines) = match &data {
            Some(data) => (data.read(CHECKPOINT_FILE)?, data.lines(DEAD_LETTERS_FILE)?),
            None => (None, Vec::new()),
        };
        let dead = lines
            .iter()
            .map(|line| serde_json::from_str(line))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            checkpoint: Mutex::new(checkpoint),
            dead: Mutex::new(dead),
            clock,
            data,
        })
    }

    /// The sequence number of the last record that need not come again.
    pub(super) fn checkpoint(&self) -> Option<String> {
        self.checkpoint
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The records that were given up, oldest first.
    pub(crate) fn dead_letters(&self) -> Vec<DeadLetter> {
        self.dead
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Notes that everything up to this record is done.
    pub(super) fn done(&self, sequence_number: &str) -> Result<(), ProgressError> {
        let mut checkpoint = self
            .checkpoint
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(data) = &self.data {
            data.replace(CHECKPOINT_FILE, sequence_number)?;
        }
        *checkpoint = Some(sequence_number.to_owned());
        Ok(())
    }

    /// Keeps a record that was given up. To be called before [`Self::done`] passes it, so that
    /// none is lost between the two.
    pub(super) fn give_up(&self, record: EventRecord, reason: String) -> Result<(), ProgressError> {
        let letter = DeadLetter {
            at: self.clock.now(),
            reason,
            record,
        };
        let mut dead = self.dead.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(data) = &self.data {
            data.append(DEAD_LETTERS_FILE, &serde_json::to_string(&letter)?)?;
        }
        dead.push(letter);
        Ok(())
    }
}
