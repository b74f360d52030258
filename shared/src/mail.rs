//! Mail: what is written to people, and its way out through SES.
//!
//! A mail holds nothing that a stranger could choose and its reader be misled by: no names, and
//! what a client calls itself only as [`origin`] cuts it. Links lead to this deployment alone.
//! Its words come from the catalogues of [`crate::words`], its shape from [`letter`], so that a new
//! mail is a short file and its words.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_sesv2::Client;
use aws_sdk_sesv2::config::Builder;
use aws_sdk_sesv2::config::timeout::TimeoutConfig;
use aws_sdk_sesv2::error::{BuildError, ProvideErrorMetadata, SdkError};
use aws_sdk_sesv2::operation::send_email::SendEmailError;
use aws_sdk_sesv2::types::{
    Body, Content, Destination, EmailContent, Message as Simple, MessageTag,
};

use crate::domain::email::EmailAddress;
use crate::domain::id::EventId;
use crate::domain::locale::Language;
use crate::env::{Env, EnvError};
use crate::words::WordsError;

mod account_deleted;
mod account_held;
mod account_locked;
mod address_wanted;
mod change_email;
mod change_password;
mod confirm_mfa_change;
mod email_changed;
mod email_confirmed;
mod letter;
mod mfa_disabled;
mod mfa_enabled;
mod one_time_code;
mod origin;
mod passkey_added;
mod passkey_cloned;
mod passkey_removed;
mod password_changed;
mod phone_changed;
mod recovery_code_used;
mod recovery_codes_made;
mod reset_password;
mod second_factor_locked;
mod session_ended_by_reuse;
mod sign_in_code;
mod sign_up_repeated;
mod status_changed;
mod step_up;
mod verify_email;

pub use account_deleted::AccountDeleted;
pub use account_held::AccountHeld;
pub use account_locked::AccountLocked;
pub use address_wanted::AddressWanted;
pub use change_email::ConfirmNewEmail;
pub use change_password::ConfirmPasswordChange;
pub use confirm_mfa_change::ConfirmMfaChange;
pub use email_changed::EmailChanged;
pub use email_confirmed::EmailConfirmed;
pub use mfa_disabled::MfaDisabled;
pub use mfa_enabled::MfaEnabled;
pub use one_time_code::OneTimeCode;
pub use passkey_added::PasskeyAdded;
pub use passkey_cloned::PasskeyCloned;
pub use passkey_removed::PasskeyRemoved;
pub use password_changed::PasswordChanged;
pub use phone_changed::PhoneChanged;
pub use recovery_code_used::RecoveryCodeUsed;
pub use recovery_codes_made::RecoveryCodesMade;
pub use reset_password::ResetPassword;
pub use second_factor_locked::SecondFactorLocked;
pub use session_ended_by_reuse::SessionEndedByReuse;
pub use sign_in_code::SignInCode;
pub use sign_up_repeated::SignUpRepeated;
pub use status_changed::StatusChanged;
pub use step_up::StepUpCode;
pub use verify_email::VerifyEmail;

/// The path of the page behind "that wasn't me", which undoes what a mail tells of.
const NOT_ME: &str = "/api/auth/security/not-me";

/// One attempt at SES. It answers within a second as a rule; an attempt given up too soon may
/// have been accepted, and its repeat is a second mail.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);
/// All attempts at SES together, well inside the lease of a delivery.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(15);

/// The codes with which SES says that it will not take this mail, now or later: an address that is
/// none to it, or content that it takes from nobody.
const PERMANENT: [&str; 2] = ["BadRequestException", "MessageRejected"];

/// Why a mail was not sent. It never quotes the mail or its address.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// It could not be written.
    #[error("the mail could not be written")]
    Unwritten(#[from] WriteError),
    /// The call to SES lacks something.
    #[error("the mail could not be put together")]
    Incomplete(#[from] BuildError),
    /// SES will never take this mail. Of its answer only the code is kept, since its words can hold
    /// the address.
    #[error("SES does not take the mail: {0}")]
    Undeliverable(String),
    /// SES refused for a reason that has nothing to do with the mail: a permission, a quota, a
    /// pause.
    #[error("SES refused the mail: {0}")]
    Refused(String),
    /// SES is away or took too long. The mail may have been sent.
    #[error("SES gave no answer")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl MailError {
    /// Whether trying again is pointless.
    pub fn is_permanent(&self) -> bool {
        matches!(self, Self::Undeliverable(_))
    }
}

/// Why a mail could not be written. It never quotes the mail.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// Its words are not in the catalogue.
    #[error("the mail has no words")]
    Words(#[from] WordsError),
    /// The template could not be filled in.
    #[error("the template of mails could not be filled in")]
    Template(#[from] askama::Error),
}

/// The deployment as its mails show it.
#[derive(Debug, Clone)]
pub struct Site {
    /// What the app is called.
    app_name: String,
    /// What links begin with, without a slash at the end.
    public_url: String,
}

/// A mail as it is sent.
#[derive(Clone)]
pub struct Message {
    /// The subject.
    pub subject: String,
    /// The plain-text part.
    pub text: String,
    /// The HTML part.
    pub html: String,
}

/// Something to tell somebody by mail.
pub trait Mail: Send + Sync {
    /// The name of its template, by which logs and SES tell mails apart.
    fn template(&self) -> &'static str;

    /// Writes it in this language, with the name and the links of this deployment.
    fn write(&self, site: &Site, language: Language) -> Result<Message, WriteError>;
}

/// Sends mail through SES.
#[derive(Debug, Clone)]
pub struct Mailer {
    client: Client,
    from: String,
    configuration_set: Option<String>,
    site: Site,
}

impl Mailer {
    /// Sends from `MAIL_FROM`, through `MAIL_CONFIGURATION_SET` if there is one; mails name
    /// `APP_NAME` and link to `PUBLIC_URL`.
    pub fn open(aws: &SdkConfig, env: &Env) -> Result<Self, EnvError> {
        let limits = TimeoutConfig::builder()
            .connect_timeout(ATTEMPT_TIMEOUT)
            .operation_attempt_timeout(ATTEMPT_TIMEOUT)
            .operation_timeout(OPERATION_TIMEOUT)
            .build();
        Ok(Self {
            client: Client::from_conf(Builder::from(aws).timeout_config(limits).build()),
            from: env.required("MAIL_FROM")?.to_owned(),
            configuration_set: env.optional("MAIL_CONFIGURATION_SET").map(str::to_owned),
            site: Site::open(env)?,
        })
    }

    /// Sends a mail in this language because of an event, whose id SES keeps beside it.
    pub async fn send(
        &self,
        to: &EmailAddress,
        mail: &dyn Mail,
        language: Language,
        event: EventId,
    ) -> Result<(), MailError> {
        let message = mail.write(&self.site, language)?;
        self.client
            .send_email()
            .from_email_address(&self.from)
            .set_configuration_set_name(self.configuration_set.clone())
            .destination(Destination::builder().to_addresses(to.as_str()).build())
            .email_tags(tag("template", mail.template())?)
            .email_tags(tag("event", event.to_string())?)
            .content(content(message)?)
            .send()
            .await?;
        Ok(())
    }
}

impl Site {
    /// The deployment of `APP_NAME` at `PUBLIC_URL`.
    pub fn open(env: &Env) -> Result<Self, EnvError> {
        Ok(Self {
            app_name: env.required("APP_NAME")?.to_owned(),
            public_url: env.base_url("PUBLIC_URL")?,
        })
    }
}

impl<R> From<SdkError<SendEmailError, R>> for MailError
where
    R: std::fmt::Debug + Send + Sync + 'static,
{
    fn from(error: SdkError<SendEmailError, R>) -> Self {
        match error.as_service_error() {
            Some(refusal) => {
                let code = refusal.code().unwrap_or("no code").to_owned();
                if PERMANENT.contains(&code.as_str()) {
                    Self::Undeliverable(code)
                } else {
                    Self::Refused(code)
                }
            }
            None => Self::Unavailable(error.into()),
        }
    }
}

fn tag(name: &str, value: impl Into<String>) -> Result<MessageTag, BuildError> {
    MessageTag::builder().name(name).value(value).build()
}

fn content(message: Message) -> Result<EmailContent, BuildError> {
    let body = Body::builder()
        .text(utf8(message.text)?)
        .html(utf8(message.html)?)
        .build();
    let simple = Simple::builder()
        .subject(utf8(message.subject)?)
        .body(body)
        .build();
    Ok(EmailContent::builder().simple(simple).build())
}

fn utf8(text: String) -> Result<Content, BuildError> {
    Content::builder().data(text).charset("UTF-8").build()
}

#[cfg(test)]
mod tests;
