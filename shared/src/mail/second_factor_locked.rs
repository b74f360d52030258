//! News for the owner of an account on which wrong second factors were tried.

use jiff::Timestamp;

use super::letter::Letter;
use super::{Mail, Message, Site, WriteError};
use crate::domain::locale::Language;
use crate::domain::session::Source;

/// Tells the owner of an account that wrong second factors locked them for a while, and where the
/// last of them came from. Who gets so far knows the password, or has a session of the owner.
#[derive(Debug)]
pub struct SecondFactorLocked {
    /// When the last wrong one came.
    pub at: Timestamp,
    /// Where it came from.
    pub source: Source,
}

impl Mail for SecondFactorLocked {
    fn template(&self) -> &'static str {
        "second_factor_locked"
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
