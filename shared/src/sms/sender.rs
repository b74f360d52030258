//! SNS.

use std::fmt;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_sns::Client;
use aws_sdk_sns::config::Builder;
use aws_sdk_sns::config::timeout::TimeoutConfig;
use aws_sdk_sns::error::{BuildError, ProvideErrorMetadata, SdkError};
use aws_sdk_sns::operation::publish::PublishError;
use aws_sdk_sns::types::MessageAttributeValue;

use crate::domain::id::EventId;
use crate::domain::phone::PhoneNumber;
use crate::env::{Env, EnvError};

/// One attempt at SNS. An attempt given up too soon may have been accepted, and its repeat is a
/// second SMS that is paid for.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);
/// All attempts at SNS together, well inside the lease of a delivery.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(15);

/// The codes with which SNS says that it will not take this SMS, now or later: the number takes
/// none, its owner has opted out, or the text is no good.
const PERMANENT: [&str; 6] = [
    "EndpointDisabled",
    "InvalidParameter",
    "OptedOut",
    "OptedOutException",
    "ParameterValueInvalid",
    "ValidationException",
];

/// Why an SMS was not sent. It never quotes the text or the number.
#[derive(Debug, thiserror::Error)]
pub enum SmsError {
    /// The call to SNS lacks something.
    #[error("the SMS could not be put together")]
    Incomplete(#[from] BuildError),
    /// SNS will never take this SMS. Of its answer only the code is kept, since its words hold
    /// the number.
    #[error("SNS does not take the SMS: {0}")]
    Undeliverable(String),
    /// SNS refused for a reason that has nothing to do with the SMS: a permission, a quota.
    #[error("SNS refused the SMS: {0}")]
    Refused(String),
    /// SNS is away or took too long. The SMS may have been sent.
    #[error("SNS gave no answer")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl SmsError {
    /// Whether trying again is pointless.
    pub fn is_permanent(&self) -> bool {
        matches!(self, Self::Undeliverable(_))
    }
}

/// How SNS is to route an SMS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Reliably. Codes are this.
    Transactional,
    /// Cheaply.
    Promotional,
}

impl Kind {
    fn open(env: &Env) -> Result<Self, EnvError> {
        match env.optional("SMS_TYPE") {
            None | Some("Transactional") => Ok(Self::Transactional),
            Some("Promotional") => Ok(Self::Promotional),
            Some(_) => Err(EnvError::Invalid("SMS_TYPE".to_owned())),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Transactional => "Transactional",
            Self::Promotional => "Promotional",
        })
    }
}

/// Sends SMS through SNS.
#[derive(Debug, Clone)]
pub struct SmsSender {
    client: Client,
    kind: Kind,
    sender: Option<String>,
    max_price: Option<String>,
}

impl SmsSender {
    /// Sends as `SMS_TYPE` (`Transactional`, the default, or `Promotional`), in the name of
    /// `SMS_SENDER_ID` where that is given and the country shows it, and where `SMS_MAX_PRICE` is
    /// given, for at most so many US dollars each.
    pub fn open(aws: &SdkConfig, env: &Env) -> Result<Self, EnvError> {
        let limits = TimeoutConfig::builder()
            .connect_timeout(ATTEMPT_TIMEOUT)
            .operation_attempt_timeout(ATTEMPT_TIMEOUT)
            .operation_timeout(OPERATION_TIMEOUT)
            .build();
        Ok(Self {
            client: Client::from_conf(Builder::from(aws).timeout_config(limits).build()),
            kind: Kind::open(env)?,
            sender: checked(env, "SMS_SENDER_ID", is_sender_id)?,
            max_price: checked(env, "SMS_MAX_PRICE", is_price)?,
        })
    }

    /// Sends a text because of an event. Logs tell it by the event and the name of its template.
    pub async fn send(
        &self,
        to: &PhoneNumber,
        template: &str,
        text: &str,
        event: EventId,
    ) -> Result<(), SmsError> {
        let mut publish = self
            .client
            .publish()
            .phone_number(to.as_str())
            .message(text)
            .message_attributes("AWS.SNS.SMS.SMSType", string(self.kind)?)
            .message_attributes("template", string(template)?)
            .message_attributes("event", string(event)?);
        if let Some(sender) = &self.sender {
            publish = publish.message_attributes("AWS.SNS.SMS.SenderID", string(sender)?);
        }
        if let Some(price) = &self.max_price {
            publish = publish.message_attributes("AWS.SNS.SMS.MaxPrice", typed("Number", price)?);
        }
        publish.send().await?;
        Ok(())
    }
}

impl<R> From<SdkError<PublishError, R>> for SmsError
where
    R: fmt::Debug + Send + Sync + 'static,
{
    fn from(error: SdkError<PublishError, R>) -> Self {
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

/// A setting of this form, if it is there.
fn checked(env: &Env, name: &str, good: fn(&str) -> bool) -> Result<Option<String>, EnvError> {
    match env.optional(name) {
        Some(value) if !good(value) => Err(EnvError::Invalid(name.to_owned())),
        value => Ok(value.map(str::to_owned)),
    }
}

/// 1 to 11 letters and digits with at least one letter, as SNS has it.
fn is_sender_id(text: &str) -> bool {
    text.len() <= 11
        && text.bytes().all(|b| b.is_ascii_alphanumeric())
        && text.bytes().any(|b| b.is_ascii_alphabetic())
}

/// US dollars above nothing, such as `0.50`.
fn is_price(text: &str) -> bool {
    text.len() <= 10
        && text.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        && text.parse::<f64>().is_ok_and(|price| price > 0.0)
}

fn string(value: impl fmt::Display) -> Result<MessageAttributeValue, BuildError> {
    typed("String", value)
}

fn typed(kind: &str, value: impl fmt::Display) -> Result<MessageAttributeValue, BuildError> {
    MessageAttributeValue::builder()
        .data_type(kind)
        .string_value(value.to_string())
        .build()
}

#[cfg(test)]
mod tests {
    use aws_sdk_sns::error::ErrorMetadata;

    use super::*;

    fn open(name: &str, value: &str) -> Result<SmsSender, EnvError> {
        let aws = SdkConfig::builder().build();
        SmsSender::open(&aws, &Env::default().with(name, value))
    }

    #[test]
    fn settings_that_sns_would_refuse_are_refused_at_the_start() {
        for (name, good, bad) in [
            ("SMS_TYPE", "Promotional", "promotional"),
            ("SMS_SENDER_ID", "Latchkey123", "Latchkey1234"),
            ("SMS_SENDER_ID", "A", "12345"),
            ("SMS_SENDER_ID", "", "Tea & Co"),
            ("SMS_MAX_PRICE", "0.50", "0"),
            ("SMS_MAX_PRICE", "1", "-1"),
            ("SMS_MAX_PRICE", "2.25", "1e3"),
            ("SMS_MAX_PRICE", "", "inf"),
        ] {
            assert!(open(name, good).is_ok(), "{name} {good}");
            let error = open(name, bad).unwrap_err();
            assert_eq!(error, EnvError::Invalid(name.to_owned()), "{bad}");
        }
    }

    #[test]
    fn a_refusal_of_the_sms_is_for_good_and_any_other_is_not() {
        for (code, permanent) in [
            ("InvalidParameter", true),
            ("OptedOut", true),
            ("AuthorizationError", false),
            ("InternalError", false),
            ("Throttled", false),
        ] {
            let metadata = ErrorMetadata::builder()
                .code(code)
                .message("Invalid parameter: PhoneNumber Reason: +46701234567 is not valid")
                .build();
            let error = SdkError::service_error(PublishError::generic(metadata), ());
            let error = SmsError::from(error);
            assert_eq!(error.is_permanent(), permanent, "{code}");
            assert!(!format!("{error:?}{error}").contains("4670"), "{error:?}");
            assert!(error.to_string().ends_with(code), "{error}");
        }
    }
}
