//! Every email and SMS that the service sent, kept instead of delivered.

pub(crate) mod page;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use latchkey_shared::clock::Clock;
use latchkey_shared::random::Random;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::clock::DevClock;
use crate::data_dir::{DataDir, DataDirError};

const FILE: &str = "inbox.jsonl";

/// Why a message was not kept.
#[derive(Debug, thiserror::Error)]
pub enum InboxError {
    /// The file of messages holds something else.
    #[error("a line of the kept inbox can't be read")]
    Unreadable(#[from] serde_json::Error),
    /// The file can't be read or written.
    #[error(transparent)]
    Data(#[from] DataDirError),
}

/// How a message travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// By SES.
    Email,
    /// By SNS.
    Sms,
}

/// A message as it would have been delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Its id, which the sender was told.
    pub id: Uuid,
    /// How it travels.
    pub channel: Channel,
    /// The address or phone number it is for.
    pub to: String,
    /// The subject of an email.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The text, or the text part of an email.
    pub text: String,
    /// The HTML part of an email.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub html: Option<String>,
    /// What kind of message it is: the tag `template` of an email or the attribute of an
    /// SMS, empty without one.
    pub template: String,
    /// When it was sent, by the service's clock.
    pub at: Timestamp,
}

/// What a sender says of a message; the inbox adds the id and the time.
#[derive(Debug, Clone, Default)]
pub(crate) struct Draft {
    pub(crate) to: String,
    pub(crate) subject: Option<String>,
    pub(crate) text: String,
    pub(crate) html: Option<String>,
    pub(crate) template: String,
}

/// The messages sent so far, oldest first. With a data directory they outlive the process.
pub struct Inbox {
    messages: Mutex<Vec<Message>>,
    clock: Arc<DevClock>,
    random: Arc<dyn Random>,
    data: Option<Arc<DataDir>>,
}

impl Inbox {
    /// The inbox with what the data directory has of it.
    pub(crate) fn open(
        clock: Arc<DevClock>,
        random: Arc<dyn Random>,
        data: Option<Arc<DataDir>>,
    ) -> Result<Self, InboxError> {
        let lines = match &data {
            Some(data) => data.lines(FILE)?,
            None => Vec::new(),
        };
        let messages = lines
            .iter()
            .map(|line| serde_json::from_str(line))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            messages: Mutex::new(messages),
            clock,
            random,
            data,
        })
    }

    /// The messages, newest last.
    pub fn messages(&self) -> Vec<Message> {
        self.lock().clone()
    }

    /// Forgets all messages.
    pub fn empty(&self) -> Result<(), InboxError> {
        let mut messages = self.lock();
        if let Some(data) = &self.data {
            data.replace(FILE, "")?;
        }
        messages.clear();
        Ok(())
    }

    /// Keeps a message and tells its id. With a data directory it is written when this returns.
    pub(crate) fn keep(&self, channel: Channel, draft: Draft) -> Result<Uuid, InboxError> {
        let mut messages = self.lock();
        let at = self.clock.now();
        let millis = at.as_millisecond().unsigned_abs();
        let id = uuid::Builder::from_unix_timestamp_millis(millis, &self.random.bytes());
        let message = Message {
            id: id.into_uuid(),
            channel,
            to: draft.to,
            subject: draft.subject,
            text: draft.text,
            html: draft.html,
            template: draft.template,
            at,
        };
        if let Some(data) = &self.data {
            data.append(FILE, &serde_json::to_string(&message)?)?;
        }
        let id = message.id;
        messages.push(message);
        Ok(id)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Message>> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use latchkey_shared::random::SystemEntropy;

    use super::*;

    fn inbox(path: &std::path::Path) -> Inbox {
        let data = Arc::new(DataDir::open(path).unwrap());
        let clock = Arc::new(DevClock::open(None).unwrap());
        Inbox::open(clock, Arc::new(SystemEntropy::default()), Some(data)).unwrap()
    }

    #[test]
    fn messages_outlive_the_process_until_they_are_emptied() {
        let path = tempfile::tempdir().unwrap();
        let draft = Draft {
            to: "a@example.com".into(),
            text: "two\nlines".into(),
            ..Draft::default()
        };
        let first = inbox(path.path());
        first.keep(Channel::Email, draft.clone()).unwrap();
        first.keep(Channel::Sms, draft).unwrap();
        let kept = first.messages();
        drop(first);

        let second = inbox(path.path());
        assert_eq!(second.messages(), kept);
        assert_eq!(kept[1].channel, Channel::Sms);
        second.empty().unwrap();
        drop(second);
        assert_eq!(inbox(path.path()).messages(), []);
    }
}
