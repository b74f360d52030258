//! Codes of an authenticator app (RFC 6238), as every app makes them: SHA-1, 6 digits, 30 seconds.

use std::fmt;

use jiff::Timestamp;
use secrecy::SecretString;
use totp_rs::{Builder, Secret, Totp, TotpError};

use crate::domain::code::SubmittedCode;
use crate::random::Random;

/// Bytes of a secret: as many as SHA-1 gives (RFC 4226 section 4).
pub const SECRET_BYTES: usize = 20;

/// What an app and the service share.
pub struct TotpSecret([u8; SECRET_BYTES]);

impl TotpSecret {
    /// A new one.
    pub fn draw(random: &dyn Random) -> Self {
        Self(random.bytes())
    }

    /// The one that was kept.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// What is kept, sealed.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// As a person types it into an app.
    pub fn text(&self) -> SecretString {
        SecretString::from(self.secret().to_base32())
    }

    /// As an app reads it from a QR code.
    pub fn uri(&self, issuer: &str, account: &str) -> Result<SecretString, TotpError> {
        // A colon parts issuer and account in the label.
        let plain = |text: &str| text.replace(':', " ");
        let totp = Builder::new()
            .with_secret(self.secret())
            .with_account_name(plain(account))
            .with_issuer(Some(plain(issuer)))
            .build()?;
        totp.to_url().map(SecretString::from)
    }

    /// The step of time that the code is of: this one, the one before or the one after, since the
    /// clock of a phone may be off by so much. None where it is of none of them.
    pub fn step_of(&self, code: &SubmittedCode, now: Timestamp) -> Option<u64> {
        let seconds = u64::try_from(now.as_second()).ok()?;
        self.totp()?.check(code.expose(), seconds)
    }

    fn totp(&self) -> Option<Totp> {
        let builder = Builder::new().with_secret(self.secret());
        builder.with_account_name("-").build().ok()
    }

    fn secret(&self) -> Secret {
        Secret::new_stack(self.0)
    }
}

impl fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TotpSecret")
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn code(text: &str) -> SubmittedCode {
        text.to_owned().try_into().unwrap()
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    /// RFC 6238 appendix B, whose codes have 8 digits: the last 6 of them.
    #[test]
    fn the_vectors_of_the_rfc_hold() {
        let secret = TotpSecret::from_bytes(b"12345678901234567890").unwrap();
        for (seconds, digits) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            let step = u64::try_from(seconds / 30).unwrap();
            assert_eq!(secret.step_of(&code(digits), at(seconds)), Some(step));
        }
    }

    #[test]
    fn a_code_is_good_one_step_early_and_late_and_no_further() {
        let secret = TotpSecret::from_bytes(b"12345678901234567890").unwrap();
        let right = code("287082"); // of step 1
        for (seconds, good) in [(0, true), (29, true), (59, true), (60, true), (89, true)] {
            assert_eq!(
                secret.step_of(&right, at(seconds)).is_some(),
                good,
                "{seconds}"
            );
        }
        assert_eq!(secret.step_of(&right, at(90)), None);
        assert_eq!(secret.step_of(&code("287083"), at(59)), None);
    }

    #[test]
    fn an_app_gets_issuer_account_and_secret() {
        let secret = TotpSecret::from_bytes(b"12345678901234567890").unwrap();
        let uri = secret.uri("My: App", "ada+x@example.com").unwrap();
        let uri = url::Url::parse(uri.expose_secret()).unwrap();
        assert_eq!((uri.scheme(), uri.host_str()), ("otpauth", Some("totp")));
        let query: std::collections::HashMap<_, _> = uri.query_pairs().into_owned().collect();
        assert_eq!(query["secret"], "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert_eq!(query["secret"], secret.text().expose_secret());
        assert_eq!(query["issuer"], "My  App");
        assert!(!format!("{secret:?}").contains("12345"));
    }
}
