//! The code that is the second factor of a sign-in.

use secrecy::{ExposeSecret, SecretString};

use super::letter::Letter;
use super::{Mail, Message, Site, WriteError};
use crate::domain::locale::Language;
use crate::domain::token::Purpose;

/// Asks for the second factor of a sign-in. It goes out after the right password alone, so it may be
/// the first that its owner hears of a stolen one.
#[derive(Debug)]
pub struct SignInCode {
    /// The code to type.
    pub code: SecretString,
}

impl Mail for SignInCode {
    fn template(&self) -> &'static str {
        "sign_in_code"
    }

    fn write(&self, site: &Site, language: Language) -> Result<Message, WriteError> {
        Letter::new(site, language, self.template())
            .with("minutes", Purpose::SecondFactor.code_life().as_mins())
            .paragraph("enter")
            .code(self.code.expose_secret())
            .paragraph("life")
            .paragraph("stolen")
            .finish()
    }
}
