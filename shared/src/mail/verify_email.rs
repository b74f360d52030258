//! The code and the link that show whose an address is.

use secrecy::{ExposeSecret, SecretString};

use super::letter::Letter;
use super::{Mail, Message, Site, WriteError};
use crate::domain::locale::Language;
use crate::domain::token::Purpose;

/// Asks somebody to show that an address is theirs.
#[derive(Debug)]
pub struct VerifyEmail {
    /// The code to type.
    pub code: SecretString,
    /// The secret part of the link.
    pub link: SecretString,
}

impl Mail for VerifyEmail {
    fn template(&self) -> &'static str {
        "verify_email"
    }

    fn write(&self, site: &Site, language: Language) -> Result<Message, WriteError> {
        Letter::new(site, language, self.template())
            .with("minutes", Purpose::VerifyEmail.code_life().as_mins())
            .with("hours", Purpose::VerifyEmail.link_life().as_hours())
            .paragraph("enter")
            .code(self.code.expose_secret())
            .paragraph("open")
            .link("/api/auth/verify/email", self.link.expose_secret())
            .paragraph("life")
            .quiet("ignore")
            .finish()
    }
}
