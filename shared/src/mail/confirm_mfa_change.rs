//! The code that confirms a change to second factors.

use secrecy::{ExposeSecret, SecretString};

use super::letter::Letter;
use super::{Mail, Message, Site, WriteError};
use crate::domain::locale::Language;
use crate::domain::token::Purpose;

/// Asks for the code that switches second factors on or off, or makes recovery codes anew.
#[derive(Debug)]
pub struct ConfirmMfaChange {
    /// The code to type.
    pub code: SecretString,
}

impl Mail for ConfirmMfaChange {
    fn template(&self) -> &'static str {
        "confirm_mfa_change"
    }

    fn write(&self, site: &Site, language: Language) -> Result<Message, WriteError> {
        Letter::new(site, language, self.template())
            .with("minutes", Purpose::ManageMfa.code_life().as_mins())
            .paragraph("enter")
            .code(self.code.expose_secret())
            .paragraph("life")
            .quiet("stolen")
            .finish()
    }
}
