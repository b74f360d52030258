//! The code and the link that set a new password for one who forgot theirs.

use secrecy::{ExposeSecret, SecretString};

use super::letter::Letter;
use super::{Mail, Message, Site, WriteError};
use crate::domain::locale::Language;
use crate::domain::token::Purpose;

/// Lets somebody who forgot their password set a new one.
#[derive(Debug)]
pub struct ResetPassword {
    /// The code to type.
    pub code: SecretString,
    /// The secret part of the link.
    pub link: SecretString,
}

impl Mail for ResetPassword {
    fn template(&self) -> &'static str {
        "reset_password"
    }

    fn write(&self, site: &Site, language: Language) -> Result<Message, WriteError> {
        Letter::new(site, language, self.template())
            .with("minutes", Purpose::ResetPassword.code_life().as_mins())
            .with("link_minutes", Purpose::ResetPassword.link_life().as_mins())
            .paragraph("enter")
            .code(self.code.expose_secret())
            .paragraph("open")
            .link("/api/auth/forgot/password", self.link.expose_secret())
            .paragraph("life")
            .quiet("ignore")
            .finish()
    }
}
