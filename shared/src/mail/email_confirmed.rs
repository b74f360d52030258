//! News for the address that an account has from now on.

use super::letter::Letter;
use super::{Mail, Message, Site, WriteError};
use crate::domain::locale::Language;

/// Tells the new address of an account that it is the one.
#[derive(Debug)]
pub struct EmailConfirmed;

impl Mail for EmailConfirmed {
    fn template(&self) -> &'static str {
        "email_confirmed"
    }

    fn write(&self, site: &Site, language: Language) -> Result<Message, WriteError> {
        Letter::new(site, language, self.template())
            .paragraph("changed")
            .quiet("stolen")
            .finish()
    }
}
