//! News for one who said that a change was not theirs.

use super::letter::Letter;
use super::{Mail, Message, Site, WriteError};
use crate::domain::locale::Language;

/// Tells the owner of an account that everybody was signed out, and how to get in again.
#[derive(Debug)]
pub struct AccountHeld;

impl Mail for AccountHeld {
    fn template(&self) -> &'static str {
        "account_held"
    }

    fn write(&self, site: &Site, language: Language) -> Result<Message, WriteError> {
        Letter::new(site, language, self.template())
            .paragraph("held")
            .paragraph("next")
            .finish()
    }
}
