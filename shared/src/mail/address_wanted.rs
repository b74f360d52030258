//! News for the owner of an address that another account tried to take.

use super::letter::Letter;
use super::{Mail, Message, Site, WriteError};
use crate::domain::locale::Language;

/// Tells the owner of an account that its address was wanted for another one.
#[derive(Debug)]
pub struct AddressWanted;

impl Mail for AddressWanted {
    fn template(&self) -> &'static str {
        "address_wanted"
    }

    fn write(&self, site: &Site, language: Language) -> Result<Message, WriteError> {
        Letter::new(site, language, self.template())
            .paragraph("tried")
            .paragraph("yours")
            .quiet("ignore")
            .finish()
    }
}
