//! News for the owner of an account that an admin moved, or whose block has ended.

use jiff::Timestamp;

use super::letter::Letter;
use super::{Mail, Message, Site, WriteError};
use crate::domain::locale::Language;
use crate::domain::status::Status;

/// Tells the owner of an account where it stands now, and what they can do about it. Why it was
/// moved is not said: the words are an admin's, and a mail can be read by others.
#[derive(Debug)]
pub struct StatusChanged {
    template: &'static str,
    until: Option<Timestamp>,
}

impl StatusChanged {
    /// The mail of an account that stands there now, until then; none where nobody is told.
    pub fn of(status: Status, until: Option<Timestamp>) -> Option<Self> {
        let template = match status {
            Status::Active => "account_active",
            Status::Blocked => "account_blocked",
            Status::Paused => "account_paused",
            Status::Deactivated => "account_deactivated",
            Status::Banned => "account_banned",
            Status::SecurityIssue => "account_secured",
            Status::Pending | Status::Deleted => return None,
        };
        status.effect().is_told.then_some(Self { template, until })
    }
}

impl Mail for StatusChanged {
    fn template(&self) -> &'static str {
        self.template
    }

    fn write(&self, site: &Site, language: Language) -> Result<Message, WriteError> {
        let letter = Letter::new(site, language, self.template).paragraph("now");
        let letter = match self.until {
            Some(until) => letter.until(until),
            None => letter,
        };
        letter.paragraph("next").finish()
    }
}
