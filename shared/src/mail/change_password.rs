//! The code that confirms a new password.

use secrecy::{ExposeSecret, SecretString};

use super::letter::Letter;
use super::{Mail, Message, Site, WriteError};
use crate::domain::locale::Language;
use crate::domain::token::Purpose;

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
            .with("minutes", Purpose::ChangePassword.code_life().as_mins())
            .paragraph("enter")
            .code(self.code.expose_secret())
            .paragraph("life")
            .quiet("stolen")
            .finish()
    }
}
