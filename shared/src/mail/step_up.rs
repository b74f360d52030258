//! The code that shows that it is still the user who is signed in.

use secrecy::{ExposeSecret, SecretString};

use super::letter::Letter;
use super::{Mail, Message, Site, WriteError};
use crate::domain::locale::Language;
use crate::domain::token::Purpose;

/// Asks for the code that confirms that it is the user.
#[derive(Debug)]
pub struct StepUpCode {
    /// The code to type.
    pub code: SecretString,
}

impl Mail for StepUpCode {
    fn template(&self) -> &'static str {
        "step_up"
    }

    fn write(&self, site: &Site, language: Language) -> Result<Message, WriteError> {
        Letter::new(site, language, self.template())
            .with("minutes", Purpose::StepUp.code_life().as_mins())
            .paragraph("enter")
            .code(self.code.expose_secret())
            .paragraph("life")
            .quiet("stolen")
            .finish()
    }
}
