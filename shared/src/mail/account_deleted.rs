//! The last news of an account.

use super::letter::Letter;
use super::{Mail, Message, Site, WriteError};
use crate::domain::locale::Language;

/// Tells somebody that their account is gone.
#[derive(Debug)]
pub struct AccountDeleted;

impl Mail for AccountDeleted {
    fn template(&self) -> &'static str {
        "account_deleted"
    }

    fn write(&self, site: &Site, language: Language) -> Result<Message, WriteError> {
        Letter::new(site, language, self.template())
            .paragraph("gone")
            .quiet("stolen")
            .finish()
    }
}
