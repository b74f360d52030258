//! The code that confirms a new password.

use secrecy::{ExposeSecret, SecretString};

use super::letter::Letter;
use super::{Mail, Message, Site, WriteError};
use crate::domain::locale::Language;

/// How long the code lives.
const CODE_MINUTES: i64 = 10;

/// Asks for the code that confirms a new password.
#[derive(Debug)]
pub struct ConfirmPasswordChange {
    /// The code to type.
    pub code: SecretString,
}

impl Mail for ConfirmPasswordChange {
    fn template(&self) -> &'static str {
        "change_password"
    }

    fn write(&self, site: &Site, language: Language) -> Result<Message, WriteError> {
        Letter::new(site, language, self.template())
            .with("minutes", CODE_MINUTES)
            .paragraph("enter")
            .code(self.code.expose_secret())
            .paragraph("life")
            .quiet("stolen")
            .finish()
    }
}
