//! The code and the link that set a new password for one who forgot theirs.

use secrecy::{ExposeSecret, SecretString};

use super::letter::Letter;
use super::{Mail, Message, Site, WriteError};
use crate::domain::locale::Language;

/// How long the code lives.
const CODE_MINUTES: i64 = 10;
/// How long the link lives.
const LINK_MINUTES: i64 = 30;

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
            .with("minutes", CODE_MINUTES)
            .with("link_minutes", LINK_MINUTES)
            .paragraph("enter")
            .code(self.code.expose_secret())
            .paragraph("open")
            .link("/api/auth/forgot/password", self.link.expose_secret())
            .paragraph("life")
            .quiet("ignore")
            .finish()
    }
}
