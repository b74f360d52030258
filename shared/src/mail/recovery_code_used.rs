//! News for the owner of an account: a recovery code was used.

use jiff::Timestamp;

use super::letter::Letter;
use super::{Mail, Message, Site, WriteError};
use crate::domain::locale::Language;
use crate::domain::session::Source;

/// Tells the owner of an account that a recovery code stood in for a second factor, and where the
/// request came from.
#[derive(Debug)]
pub struct RecoveryCodeUsed {
    /// When the request came.
    pub at: Timestamp,
    /// Where it came from.
    pub source: Source,
}

impl Mail for RecoveryCodeUsed {
    fn template(&self) -> &'static str {
        "recovery_code_used"
    }

    fn write(&self, site: &Site, language: Language) -> Result<Message, WriteError> {
        Letter::new(site, language, self.template())
            .paragraph("used")
            .origin(self.at, &self.source)
            .paragraph("yours")
            .paragraph("stranger")
            .finish()
    }
}
