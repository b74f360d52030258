//! News for the owner of an account: a passkey of theirs is gone.

use jiff::Timestamp;

use super::letter::Letter;
use super::{Mail, Message, Site, WriteError};
use crate::domain::locale::Language;
use crate::domain::session::Source;

/// Tells the owner of an account that a passkey of theirs is gone, and where the request came from. What the
/// passkey is called stays out of it: whoever registered it chose that.
#[derive(Debug)]
pub struct PasskeyRemoved {
    /// When the request came.
    pub at: Timestamp,
    /// Where it came from.
    pub source: Source,
}

impl Mail for PasskeyRemoved {
    fn template(&self) -> &'static str {
        "passkey_removed"
    }

    fn write(&self, site: &Site, language: Language) -> Result<Message, WriteError> {
        Letter::new(site, language, self.template())
            .paragraph("removed")
            .origin(self.at, &self.source)
            .paragraph("yours")
            .paragraph("stranger")
            .finish()
    }
}
