//! News for the owner of a session that was ended because its refresh token came back.

use jiff::Timestamp;

use super::letter::Letter;
use super::{Mail, Message, Site, WriteError};
use crate::domain::locale::Language;
use crate::domain::session::Source;

/// Tells the owner of a session that it was ended, and what came with the used-up token.
#[derive(Debug)]
pub struct SessionEndedByReuse {
    /// When the token came.
    pub at: Timestamp,
    /// Where it came from.
    pub source: Source,
}

impl Mail for SessionEndedByReuse {
    fn template(&self) -> &'static str {
        "session_ended_by_reuse"
    }

    fn write(&self, site: &Site, language: Language) -> Result<Message, WriteError> {
        Letter::new(site, language, self.template())
            .paragraph("reused")
            .origin(self.at, &self.source)
            .paragraph("yours")
            .paragraph("stolen")
            .finish()
    }
}
