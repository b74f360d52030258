//! News for the owner of an address that somebody tried to sign up with again.

use super::letter::Letter;
use super::{Mail, Message, Site, WriteError};
use crate::domain::locale::Language;

/// Tells the owner of an account that its address was used for another sign-up.
#[derive(Debug)]
pub struct SignUpRepeated;

impl Mail for SignUpRepeated {
    fn template(&self) -> &'static str {
        "sign_up_repeated"
    }

    fn write(&self, site: &Site, language: Language) -> Result<Message, WriteError> {
        Letter::new(site, language, self.template())
            .paragraph("tried")
            .paragraph("yours")
            .quiet("ignore")
            .finish()
    }
}
