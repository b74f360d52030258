//! The code that shows that the address somebody chose is theirs.

use secrecy::{ExposeSecret, SecretString};

use super::letter::Letter;
use super::{Mail, Message, Site, WriteError};
use crate::domain::locale::Language;
use crate::domain::token::Purpose;

/// Asks for the code that makes this address the one of an account. It goes to the new address.
#[derive(Debug)]
pub struct ConfirmNewEmail {
    /// The code to type.
    pub code: SecretString,
}

impl Mail for ConfirmNewEmail {
    fn template(&self) -> &'static str {
        "change_email"
    }

    fn write(&self, site: &Site, language: Language) -> Result<Message, WriteError> {
        Letter::new(site, language, self.template())
            .with("minutes", Purpose::ChangeEmail.code_life().as_mins())
            .paragraph("enter")
            .code(self.code.expose_secret())
            .paragraph("life")
            .quiet("ignore")
            .finish()
    }
}
