//! News for the owner of an account whose phone number was changed.

use secrecy::{ExposeSecret, SecretString};

use super::letter::{Letter, Value};
use super::{Mail, Message, NOT_ME, Site, WriteError};
use crate::domain::locale::Language;
use crate::domain::token::Purpose;

/// Tells the owner of an account that it has another phone number, and how to undo it.
#[derive(Debug)]
pub struct PhoneChanged {
    /// The new number, masked.
    pub new: String,
    /// The secret part of the link that undoes the change.
    pub undo: SecretString,
}

impl Mail for PhoneChanged {
    fn template(&self) -> &'static str {
        "phone_changed"
    }

    fn write(&self, site: &Site, language: Language) -> Result<Message, WriteError> {
        Letter::new(site, language, self.template())
            .with("days", Purpose::NotMe.link_life().as_hours() / 24)
            .paragraph("changed")
            .facts([("new_number", Value::Given(self.new.clone()))])
            .paragraph("yours")
            .paragraph("stolen")
            .link(NOT_ME, self.undo.expose_secret())
            .quiet("undo")
            .finish()
    }
}
