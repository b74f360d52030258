//! News for the owner of an account whose password was changed.

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use super::letter::Letter;
use super::{Mail, Message, NOT_ME, Site, WriteError};
use crate::domain::locale::Language;
use crate::domain::session::Source;
use crate::domain::token::Purpose;

/// Tells the owner of an account when and from where its password was changed, and how to stop that.
#[derive(Debug)]
pub struct PasswordChanged {
    /// When it was changed.
    pub at: Timestamp,
    /// From where.
    pub source: Source,
    /// The secret part of the link that says that it was somebody else.
    pub not_me: SecretString,
}

impl Mail for PasswordChanged {
    fn template(&self) -> &'static str {
        "password_changed"
    }

    fn write(&self, site: &Site, language: Language) -> Result<Message, WriteError> {
        Letter::new(site, language, self.template())
            .with("days", Purpose::NotMe.link_life().as_hours() / 24)
            .paragraph("changed")
            .origin(self.at, &self.source)
            .paragraph("yours")
            .paragraph("stolen")
            .link(NOT_ME, self.not_me.expose_secret())
            .quiet("undo")
            .finish()
    }
}
