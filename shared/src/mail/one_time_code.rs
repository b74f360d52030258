//! The code that somebody asked for to show that an address is theirs.

use secrecy::{ExposeSecret, SecretString};

use super::letter::Letter;
use super::{Mail, Message, Site, WriteError};
use crate::domain::locale::Language;
use crate::domain::token::Purpose;

/// A one-time code that was asked for.
#[derive(Debug)]
pub struct OneTimeCode {
    /// The code to type.
    pub code: SecretString,
}

impl Mail for OneTimeCode {
    fn template(&self) -> &'static str {
        "otp"
    }

    fn write(&self, site: &Site, language: Language) -> Result<Message, WriteError> {
        Letter::new(site, language, self.template())
            .with("minutes", Purpose::Otp.code_life().as_mins())
            .paragraph("enter")
            .code(self.code.expose_secret())
            .paragraph("life")
            .quiet("ignore")
            .finish()
    }
}
