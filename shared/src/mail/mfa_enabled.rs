//! News for the owner of an account: sign-in asks for a second factor.

use jiff::Timestamp;

use super::letter::Letter;
use super::{Mail, Message, Site, WriteError};
use crate::domain::factor::Method;
use crate::domain::locale::Language;
use crate::domain::session::Source;

/// Tells the owner of an account that sign-in asks for a second factor from now on, for which one,
/// and where the request came from.
#[derive(Debug)]
pub struct MfaEnabled {
    /// When the request came.
    pub at: Timestamp,
    /// Where it came from.
    pub source: Source,
    /// What sign-in asks for.
    pub method: Method,
}

impl Mail for MfaEnabled {
    fn template(&self) -> &'static str {
        "mfa_enabled"
    }

    fn write(&self, site: &Site, language: Language) -> Result<Message, WriteError> {
        let enabled = match self.method {
            Method::Totp => "totp",
            Method::Email => "email",
            Method::Sms => "sms",
        };
        Letter::new(site, language, self.template())
            .paragraph(enabled)
            .origin(self.at, &self.source)
            .paragraph("yours")
            .paragraph("stranger")
            .finish()
    }
}
