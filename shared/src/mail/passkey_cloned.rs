//! News for the owner of an account: a passkey of theirs may have been copied.

use jiff::Timestamp;

use super::letter::Letter;
use super::{Mail, Message, Site, WriteError};
use crate::domain::locale::Language;
use crate::domain::session::Source;

/// Tells the owner of an account that a passkey of theirs may have been copied, and where the request came from. What the
/// passkey is called stays out of it: whoever registered it chose that.
#[derive(Debug)]
pub struct PasskeyCloned {
    /// When the request came.
    pub at: Timestamp,
    /// Where it came from.
    pub source: Source,
}

impl Mail for PasskeyCloned {
    fn template(&self) -> &'static str {
        "passkey_cloned"
    }

    fn write(&self, site: &Site, language: Language) -> Result<Message, WriteError> {
        Letter::new(site, language, self.template())
            .paragraph("refused")
            .origin(self.at, &self.source)
            .paragraph("yours")
            .paragraph("stranger")
            .finish()
    }
}
