//! Errors as clients see them: RFC 9457 problem details with a closed list of codes.
//!
//! This is the one place where an error inside becomes an answer outside. What the client must
//! not learn is logged here, once, with its whole chain.

use std::borrow::Cow;
use std::error::Error;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use jiff::SignedDuration;
use serde::Serialize;

use super::rate_limit::RateLimits;
use crate::access_token::SigningError;
use crate::cache::CacheError;
use crate::domain::invalid::Invalid;
use crate::domain::password_strength::Weakness;
use crate::new_passwords::Refused;
use crate::password_hash::PasswordHashError;
use crate::store::StoreError;
use crate::telemetry::chain;

/// Seconds after which a client may try again when something we need is away.
const RETRY_SOON: u64 = 1;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident => $text:literal, $status:ident, $title:literal;)*) => {
        /// What went wrong, in a word that programs can rely on.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code {
            $($(#[$doc])* $name,)*
        }

        impl Code {
            /// Every code, for documents and tests.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The code in answers and logs.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            /// The status that goes with it.
            pub fn status(self) -> StatusCode {
                match self {
                    $(Self::$name => StatusCode::$status,)*
                }
            }

            fn title(self) -> &'static str {
                match self {
                    $(Self::$name => $title,)*
                }
            }
        }
    };
}

codes! {
    /// The body is no JSON.
    MalformedJson => "malformed_json", BAD_REQUEST, "The body is not JSON";
    /// The code is wrong; it may be tried again.
    CodeInvalid => "code_invalid", BAD_REQUEST, "The code is wrong";
    /// The code or link is used up, out of time, tried too often or unknown.
    CodeExpired => "code_expired", BAD_REQUEST, "The code or link is no longer good";
    /// What the browser made is no passkey for the options that it was given.
    PasskeyInvalid => "passkey_invalid", BAD_REQUEST, "The passkey could not be verified";
    /// No credential, or one that is no good.
    Unauthenticated => "unauthenticated", UNAUTHORIZED, "Sign in first";
    /// Wrong password, or nobody of that name.
    InvalidCredentials => "invalid_credentials", UNAUTHORIZED, "Wrong sign-in or password";
    /// The refresh token is unknown, expired or revoked.
    SessionExpired => "session_expired", UNAUTHORIZED, "The session is over";
    /// A used-up refresh token came again.
    RefreshTokenReused => "refresh_token_reused", UNAUTHORIZED, "The refresh token was used before";
    /// Signed in, but not allowed.
    Forbidden => "forbidden", FORBIDDEN, "Not allowed";
    /// Signed in too long ago for this.
    StepUpRequired => "step_up_required", FORBIDDEN, "Confirm that it is you";
    /// For people who are not signed in.
    AlreadySignedIn => "already_signed_in", FORBIDDEN, "Already signed in";
    /// The request comes from a site that is not ours.
    OriginNotAllowed => "origin_not_allowed", FORBIDDEN, "The origin is not allowed";
    /// Shut out for a while.
    AccountBlocked => "account_blocked", FORBIDDEN, "The account is blocked";
    /// Resting.
    AccountPaused => "account_paused", FORBIDDEN, "The account is paused";
    /// Closed.
    AccountDeactivated => "account_deactivated", FORBIDDEN, "The account is deactivated";
    /// Shut out for good.
    AccountBanned => "account_banned", FORBIDDEN, "The account is banned";
    /// Held until the owner has proved that it is theirs.
    AccountSecurityIssue => "account_security_issue", FORBIDDEN, "The account is held for its safety";
    /// There is no such thing, or it is somebody else's.
    NotFound => "not_found", NOT_FOUND, "Not found";
    /// The path is right, the method is not.
    MethodNotAllowed => "method_not_allowed", METHOD_NOT_ALLOWED, "The method is not allowed here";
    /// Somebody has that username.
    UsernameTaken => "username_taken", CONFLICT, "The username is taken";
    /// What is there stands in the way.
    Conflict => "conflict", CONFLICT, "Not as things are";
    /// Without this the user could not sign in any more.
    LastWayIn => "last_way_in", CONFLICT, "The last way to sign in";
    /// The body is too large.
    PayloadTooLarge => "payload_too_large", PAYLOAD_TOO_LARGE, "The body is too large";
    /// The body is of a type that is not taken.
    UnsupportedMediaType => "unsupported_media_type", UNSUPPORTED_MEDIA_TYPE, "The content type is not taken";
    /// Fields are missing, unknown or out of range.
    ValidationFailed => "validation_failed", UNPROCESSABLE_ENTITY, "Some fields are not valid";
    /// The password is too easy to guess, or others know it.
    PasswordWeak => "password_weak", UNPROCESSABLE_ENTITY, "The password is too weak";
    /// Too many requests.
    RateLimited => "rate_limited", TOO_MANY_REQUESTS, "Too many requests";
    /// Too many wrong passwords.
    AccountLocked => "account_locked", TOO_MANY_REQUESTS, "The account is locked for a while";
    /// A fault of ours.
    Internal => "internal_error", INTERNAL_SERVER_ERROR, "Something went wrong here";
    /// Something that we need is away.
    Unavailable => "unavailable", SERVICE_UNAVAILABLE, "Not available just now";
}

/// A field of the request that is not valid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// The field's name in the request.
    pub field: String,
    /// What is wrong with it, in a word that programs can rely on.
    pub code: Cow<'static, str>,
    /// What is wrong with it, in a sentence for a form.
    pub message: String,
}

impl FieldError {
    /// An error at this field.
    pub fn new(
        field: impl Into<String>,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            field: field.into(),
            code: code.into(),
            message: message.into(),
        }
    }

    /// The error of a password that is too weak.
    pub fn weak(field: impl Into<String>, weakness: Weakness) -> Self {
        Self::new(field, Code::PasswordWeak.as_str(), weakness.message())
    }

    /// The error of a value that its type refused.
    pub fn of(field: impl Into<String>, invalid: Invalid) -> Self {
        Self::new(field, invalid.code, invalid.message)
    }
}

/// An answer that says no. [`super::edge()`] writes its body, with the request's id.
#[derive(Debug, Clone)]
pub struct Problem {
    /// What went wrong.
    pub code: Code,
    detail: Cow<'static, str>,
    errors: Vec<FieldError>,
    attempts_left: Option<u32>,
    retry_after: Option<u64>,
    limits: Option<Box<RateLimits>>,
    challenge: Option<&'static str>,
}

impl Problem {
    /// A problem with a sentence that says what to do next.
    pub fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            detail: detail.into(),
            errors: Vec::new(),
            attempts_left: None,
            retry_after: None,
            limits: None,
            challenge: None,
        }
    }

    /// Fields that are not valid, all at once. A weak password by itself is a problem of its own.
    pub fn validation(errors: Vec<FieldError>) -> Self {
        if let [only] = &errors[..]
            && only.code == Code::PasswordWeak.as_str()
        {
            return Self {
                detail: only.message.clone().into(),
                errors,
                ..Self::new(Code::PasswordWeak, "")
            };
        }
        Self {
            errors,
            ..Self::new(
                Code::ValidationFailed,
                "Correct the fields that `errors` names and send the request again.",
            )
        }
    }

    /// No credential (`bad` false), or one that is no good (`bad` true; RFC 6750 section 3).
    pub fn unauthenticated(bad: bool) -> Self {
        let (detail, challenge) = if bad {
            (
                "The access token is not valid, or no longer. Refresh it or sign in again.",
                r#"Bearer error="invalid_token""#,
            )
        } else {
            (
                "Send an access token in the Authorization header.",
                "Bearer",
            )
        };
        Self {
            challenge: Some(challenge),
            ..Self::new(Code::Unauthenticated, detail)
        }
    }

    /// A wrong code that may be tried this many times more.
    pub fn code_invalid(attempts_left: u32) -> Self {
        Self {
            attempts_left: Some(attempts_left),
            ..Self::new(
                Code::CodeInvalid,
                if attempts_left == 0 {
                    "That was the last try. Ask for a new code."
                } else {
                    "Check the code in the latest message and try again."
                },
            )
        }
    }

    /// A wrong code of a second factor, which may be tried this many times more for now.
    pub fn factor_invalid(attempts_left: u32) -> Self {
        Self {
            attempts_left: Some(attempts_left),
            ..Self::new(
                Code::CodeInvalid,
                if attempts_left == 0 {
                    "That was the last try for now. Wait a while, or begin anew."
                } else {
                    "Check the code in the app or the latest message and try again."
                },
            )
        }
    }

    /// A code or link that is no longer good, for whatever reason.
    pub fn code_expired() -> Self {
        Self::new(
            Code::CodeExpired,
            "It was used, ran out of time, or was tried too often. Ask for a new one.",
        )
    }

    /// The account changed between the reading and the writing of it.
    pub fn changed_meanwhile() -> Self {
        Self::new(
            Code::Conflict,
            "The account was changed at the same moment. Look at it again, then send this again.",
        )
    }

    /// Nothing there, or nothing that the caller may know of.
    pub fn not_found() -> Self {
        Self::new(Code::NotFound, "There is nothing at this address.")
    }

    /// Too many requests; the next may come when the limits allow it.
    pub fn rate_limited(limits: RateLimits) -> Self {
        Self {
            retry_after: Some(limits.wait()),
            limits: Some(Box::new(limits)),
            ..Self::new(
                Code::RateLimited,
                "Wait for as many seconds as Retry-After says, then try again.",
            )
        }
    }

    /// Too many wrong passwords; the next may come after this wait.
    pub fn account_locked(wait: SignedDuration) -> Self {
        // Rounded up, so that who waits this long has waited long enough.
        let seconds = wait.unsigned_abs().as_millis().div_ceil(1000);
        Self {
            retry_after: Some(u64::try_from(seconds).unwrap_or(u64::MAX).max(1)),
            ..Self::new(
                Code::AccountLocked,
                "Wait for as many seconds as Retry-After says, or reset the password.",
            )
        }
    }

    /// Something that we need is away.
    pub fn unavailable() -> Self {
        Self {
            retry_after: Some(RETRY_SOON),
            ..Self::new(
                Code::Unavailable,
                "Nothing was lost. Try again in a moment.",
            )
        }
    }

    /// Something that we need is away, and will be for this long.
    pub(crate) fn unavailable_for(wait: Duration) -> Self {
        Self {
            retry_after: Some(wait.as_secs().max(RETRY_SOON)),
            ..Self::new(
                Code::Unavailable,
                "Wait for as many seconds as Retry-After says, or choose another way.",
            )
        }
    }

    /// A fault of ours. The client gets the request's id and nothing else.
    pub fn internal(error: &(dyn Error + 'static)) -> Self {
        log(error);
        Self::new(
            Code::Internal,
            "It has been logged under the id in `requestId`.",
        )
    }

    /// The problem that says what a bare status says.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::not_found(),
            StatusCode::METHOD_NOT_ALLOWED => Self::new(
                Code::MethodNotAllowed,
                "The Allow header names the methods that this address takes.",
            ),
            StatusCode::PAYLOAD_TOO_LARGE => {
                Self::new(Code::PayloadTooLarge, "A body may have 16 KiB at most.")
            }
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::REQUEST_TIMEOUT => Self::unavailable(),
            status if status.is_client_error() => {
                Self::new(Code::MalformedJson, "The request could not be read.")
            }
            _ => Self::new(
                Code::Internal,
                "It has been logged under the id in `requestId`.",
            ),
        }
    }

    /// How often a code may still be tried, where that is what is told.
    pub fn attempts_left(&self) -> Option<u32> {
        self.attempts_left
    }

    /// What is wrong and what to do, for people.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The body.
    pub(crate) fn body(&self, request_id: &str) -> String {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Members<'a> {
            r#type: String,
            title: &'a str,
            status: u16,
            detail: &'a str,
            code: &'a str,
            request_id: &'a str,
            #[serde(skip_serializing_if = "<[_]>::is_empty")]
            errors: &'a [FieldError],
            #[serde(skip_serializing_if = "Option::is_none")]
            attempts_left: Option<u32>,
        }
        serde_json::to_string(&Members {
            r#type: format!("urn:latchkey:problem:{}", self.code.as_str()),
            title: self.code.title(),
            status: self.code.status().as_u16(),
            detail: &self.detail,
            code: self.code.as_str(),
            request_id,
            errors: &self.errors,
            attempts_left: self.attempts_left,
        })
        .unwrap_or_default()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.code.status().into_response();
        if let Some(seconds) = self.retry_after {
            response
                .headers_mut()
                .insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(limits) = &self.limits {
            limits.write(response.headers_mut());
        }
        // RFC 9110 section 15.5.2: every 401 says what would be taken.
        let unauthorized = self.code.status() == StatusCode::UNAUTHORIZED;
        if let Some(challenge) = self.challenge.or(unauthorized.then_some("Bearer")) {
            response
                .headers_mut()
                .insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => {
                log(&error);
                Self::unavailable()
            }
            StoreError::Refused(_) | StoreError::Inconsistent { .. } => Self::internal(&error),
        }
    }
}

impl From<CacheError> for Problem {
    fn from(error: CacheError) -> Self {
        log(&error);
        Self::unavailable()
    }
}

impl From<PasswordHashError> for Problem {
    fn from(error: PasswordHashError) -> Self {
        if error.is_temporary() {
            log(&error);
            return Self::unavailable();
        }
        Self::internal(&error)
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Weak(weakness) => {
                Self::validation(vec![FieldError::weak("password", weakness)])
            }
            Refused::Hash(error) => error.into(),
        }
    }
}

impl From<SigningError> for Problem {
    fn from(error: SigningError) -> Self {
        Self::internal(&error)
    }
}

fn log(error: &(dyn Error + 'static)) {
    tracing::error!(error = chain(error), "the request failed");
}
