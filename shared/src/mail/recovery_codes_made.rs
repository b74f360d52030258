//! News for the owner of an account: it has new recovery codes.

use jiff::Timestamp;

use super::letter::Letter;
use super::{Mail, Message, Site, WriteError};
use crate::domain::locale::Language;
use crate::domain::session::Source;

/// Tells the owner of an account that its recovery codes were made anew, and where the request came
/// from.
#[derive(Debug)]
pub struct RecoveryCodesMade {
    /// When the request came.
    pub at: Timestamp,
    /// Where it came from.
    pub source: Source,
}

impl Mail for RecoveryCodesMade {
    fn template(&self) -> &'static str {
        "recovery_codes_made"
    }

    fn write(&self, site: &Site, language: Language) -> Result<Message, WriteError> {
        Letter::new(site, language, self.template())
            .paragraph("made")
            .origin(self.at, &self.source)
            .paragraph("yours")
            .paragraph("stranger")
            .finish()
    }
}
