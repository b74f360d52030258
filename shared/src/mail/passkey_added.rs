//! News for the owner of an account: another passkey opens their account.

use jiff::Timestamp;

use super::letter::Letter;
use super::{Mail, Message, Site, WriteError};
use crate::domain::locale::Language;
use crate::domain::session::Source;

/// Tells the owner of an account that another passkey opens their account, and where the request came from. What the
/// passkey is called stays out of it: whoever registered it chose that.
#[derive(Debug)]
pub struct PasskeyAdded {
    /// When the request came.
    pub at: Timestamp,
    /// Where it came from.
    pub source: Source,
}

impl Mail for PasskeyAdded {
    fn template(&self) -> &'static str {
        "passkey_added"
    }

    fn write(&self, site: &Site, language: Language) -> Result<Message, WriteError> {
        Letter::new(site, language, self.template())
            .paragraph("added")
            .origin(self.at, &self.source)
            .paragraph("yours")
            .paragraph("stranger")
            .finish()
    }
}
