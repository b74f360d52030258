//! News for the owner of an account on which wrong passwords were tried.

use jiff::Timestamp;

use super::letter::Letter;
use super::{Mail, Message, Site, WriteError};
use crate::domain::locale::Language;
use crate::domain::session::Source;

/// Tells the owner of an account that wrong passwords locked it for a while, and where the last
/// of them came from.
#[derive(Debug)]
pub struct AccountLocked {
    /// When the last wrong password came.
    pub at: Timestamp,
    /// Where it came from.
    pub source: Source,
}

impl Mail for AccountLocked {
    fn template(&self) -> &'static str {
        "account_locked"
    }

    fn write(&self, site: &Site, language: Language) -> Result<Message, WriteError> {
        Letter::new(site, language, self.template())
            .paragraph("locked")
            .origin(self.at, &self.source)
            .paragraph("yours")
            .paragraph("stranger")
            .finish()
    }
}
