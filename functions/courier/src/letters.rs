//! Writes the mail or SMS that an event asks for and sends it once.

use jiff::Timestamp;
use latchkey_shared::domain::email::EmailAddress;
use latchkey_shared::domain::event::Event;
use latchkey_shared::domain::id::{TokenId, UserId};
use latchkey_shared::domain::locale::Language;
use latchkey_shared::domain::token::{Purpose, Target, Token};
use latchkey_shared::domain::user::{Kind, User};
use latchkey_shared::mail::{
    AccountDeleted, AccountHeld, AccountLocked, AddressWanted, ConfirmMfaChange, ConfirmNewEmail,
    ConfirmPasswordChange, EmailChanged, EmailConfirmed, Mail, MfaDisabled, MfaEnabled,
    OneTimeCode, PasskeyAdded, PasskeyCloned, PasskeyRemoved, PasswordChanged, PhoneChanged,
    RecoveryCodeUsed, RecoveryCodesMade, ResetPassword, SecondFactorLocked, SessionEndedByReuse,
    SignInCode, SignUpRepeated, StatusChanged, StepUpCode, VerifyEmail,
};
use latchkey_shared::sms_texts::{ConfirmNewPhone, OneTimeCodeSms, PhoneChangedSms, SmsText};
use latchkey_shared::store::StoreError;
use latchkey_shared::store::deliveries;
use latchkey_shared::store::users::Claim;
use latchkey_shared::telemetry::chain;

use crate::plan::{self, Letter, Subject};
use crate::{Failure, State};

/// A message, and where it goes.
struct Addressed {
    to: Target,
    language: Language,
    message: Message,
    /// What makes it one with others, where that is not what the letter says.
    delivery: Option<String>,
}

enum Message {
    Mail(Box<dyn Mail>),
    Sms(Box<dyn SmsText>),
}

impl Message {
    fn template(&self) -> &'static str {
        match self {
            Self::Mail(mail) => mail.template(),
            Self::Sms(sms) => sms.template(),
        }
    }
}

/// Sends the letter, unless it has been sent or has lost its point.
pub(crate) async fn deliver(state: &State, event: &Event, letter: Letter) -> Result<(), Failure> {
    let now = state.clock.now();
    let Some(addressed) = state.write(event, letter.subject, now).await? else {
        tracing::info!("no message: nobody is waiting for it any more");
        return Ok(());
    };
    let template = addressed.message.template();
    if let Target::Email(to) = &addressed.to
        && state.undeliverable.contains(to).await?
    {
        tracing::info!(template, "no mail: its address takes none");
        return Ok(());
    }
    let delivery = addressed.delivery.as_ref().unwrap_or(&letter.delivery);
    match state.deliveries.claim(delivery, now).await? {
        deliveries::Claim::Fresh => {}
        deliveries::Claim::Done => {
            tracing::info!(template, "no message: it has been sent");
            return Ok(());
        }
        deliveries::Claim::Busy => return Err(Failure::Busy),
    }
    if let Err(failure) = state.send(event, &addressed).await {
        if let Err(error) = state.deliveries.release(delivery, now).await {
            tracing::warn!(
                error = chain(&error),
                "the claim on a message stays until it lapses"
            );
        }
        return Err(failure);
    }
    // The message is out, or will never be. To fail now would bring the event again, and with it
    // a second one.
    if let Err(error) = state.deliveries.done(delivery, state.clock.now()).await {
        tracing::warn!(
            error = chain(&error),
            "a message that was sent could not be noted"
        );
    }
    Ok(())
}

impl State {
    /// Sends a message, where the budget of its channel allows it.
    async fn send(&self, event: &Event, addressed: &Addressed) -> Result<(), Failure> {
        match (&addressed.to, &addressed.message) {
            (Target::Email(to), Message::Mail(mail)) => {
                self.mail(event, to, &**mail, addressed.language).await?;
            }
            (Target::Phone(to), Message::Sms(sms)) => {
                let text = sms.write(&self.app_name, addressed.language)?;
                self.text(to, sms.template(), &text, event.id).await?;
            }
            (Target::Email(_), Message::Sms(_)) | (Target::Phone(_), Message::Mail(_)) => {
                tracing::error!("a message and where it goes are of two kinds");
            }
        }
        Ok(())
    }

    /// Sends a mail, where the budget allows it. One that SES will never take is settled: to bring
    /// it again would only hold up those behind it. `mail.rejected` is in the log then: an alarm
    /// waits for it.
    async fn mail(
        &self,
        event: &Event,
        to: &EmailAddress,
        mail: &dyn Mail,
        language: Language,
    ) -> Result<(), Failure> {
        let template = mail.template();
        if !self.mail_budget.spend(to, template, event.id).await {
            return Ok(());
        }
        match self.mailer.send(to, mail, language, event.id).await {
            Ok(()) => tracing::info!(template, "mail sent"),
            Err(error) if error.is_permanent() => {
                tracing::error!(template, error = chain(&error), "mail.rejected");
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// The message and whom it goes to; none where it would be of no use to anybody.
    async fn write(
        &self,
        event: &Event,
        subject: Subject,
        now: Timestamp,
    ) -> Result<Option<Addressed>, StoreError> {
        let (at, source) = (event.at, event.source.clone());
        Ok(match subject {
            Subject::Code(token) => self.code(event, token, now).await?,
            Subject::SignUpRepeated => self.tell(event.user, SignUpRepeated, now).await?,
            Subject::EmailConfirmed => self.tell(event.user, EmailConfirmed, now).await?,
            Subject::AccountHeld => self.tell(event.user, AccountHeld, now).await?,
            Subject::AccountLocked => {
                self.tell(event.user, AccountLocked { at, source }, now)
                    .await?
            }
            Subject::PasskeyAdded => {
                self.tell(event.user, PasskeyAdded { at, source }, now)
                    .await?
            }
            Subject::PasskeyRemoved => {
                self.tell(event.user, PasskeyRemoved { at, source }, now)
                    .await?
            }
            Subject::PasskeyCloned => {
                self.tell(event.user, PasskeyCloned { at, source }, now)
                    .await?
            }
            Subject::MfaEnabled(method) => {
                let mail = MfaEnabled { at, source, method };
                self.tell(event.user, mail, now).await?
            }
            Subject::MfaDisabled => {
                self.tell(event.user, MfaDisabled { at, source }, now)
                    .await?
            }
            Subject::RecoveryCodesMade => {
                self.tell(event.user, RecoveryCodesMade { at, source }, now)
                    .await?
            }
            Subject::RecoveryCodeUsed => {
                self.tell(event.user, RecoveryCodeUsed { at, source }, now)
                    .await?
            }
            Subject::SecondFactorLocked => {
                self.tell(event.user, SecondFactorLocked { at, source }, now)
                    .await?
            }
            Subject::StatusChanged(status, until) => match StatusChanged::of(status, until) {
                Some(mail) => self.tell(event.user, mail, now).await?,
                None => None,
            },
            Subject::SessionEndedByReuse => {
                self.tell(event.user, SessionEndedByReuse { at, source }, now)
                    .await?
            }
            Subject::EmailChanged(token) => {
                self.token_and_user(token, now)
                    .await?
                    .and_then(|(token, user)| {
                        let undo = self.keys.link(token.id, token.purpose);
                        let new = user.email.masked();
                        mail_to(&token, &user, EmailChanged { new, undo })
                    })
            }
            Subject::PhoneChanged(token) => {
                self.token_and_user(token, now)
                    .await?
                    .and_then(|(token, user)| {
                        let undo = self.keys.link(token.id, token.purpose);
                        let new = user.phone_number.as_ref()?.masked();
                        mail_to(&token, &user, PhoneChanged { new, undo })
                    })
            }
            Subject::PhoneReplaced(token) => self
                .token_and_user(token, now)
                .await?
                .and_then(|(token, user)| old_number(&token, &user)),
            Subject::PasswordChanged(token) => {
                self.token_and_user(token, now)
                    .await?
                    .and_then(|(token, user)| {
                        let not_me = self.keys.link(token.id, token.purpose);
                        mail_to(&token, &user, PasswordChanged { at, source, not_me })
                    })
            }
            Subject::AccountDeleted(token) => self.tokens.get(token).await?.and_then(|token| {
                Some(Addressed {
                    to: token.target?,
                    language: token.locale.unwrap_or_default().language(),
                    message: Message::Mail(Box::new(AccountDeleted)),
                    delivery: None,
                })
            }),
        })
    }

    /// A code goes to the target that its token was made for: sent to the one that the user has
    /// by now, it would let that one's owner verify the other.
    async fn code(
        &self,
        event: &Event,
        token: TokenId,
        now: Timestamp,
    ) -> Result<Option<Addressed>, StoreError> {
        let Some(token) = self.tokens.get(token).await? else {
            return Ok(None);
        };
        if token.decoy {
            return self.wanted(event, &token, now).await;
        }
        let found = self.user_of(token, now).await?;
        // One of an earlier epoch is dead.
        let Some((token, user)) = found.filter(|(token, user)| token.epoch == user.epoch) else {
            return Ok(None);
        };
        let code = self.keys.code(token.id, token.purpose);
        let link = self.keys.link(token.id, token.purpose);
        let by_sms = matches!(token.target, Some(Target::Phone(_)));
        let message = match token.purpose {
            Purpose::VerifyEmail => mail(VerifyEmail { code, link }),
            Purpose::Otp
            | Purpose::StepUp
            | Purpose::SecondFactor
            | Purpose::EnableFactor
            | Purpose::ManageMfa
                if by_sms =>
            {
                let purpose = token.purpose;
                Message::Sms(Box::new(OneTimeCodeSms { code, purpose }))
            }
            Purpose::Otp => mail(OneTimeCode { code }),
            Purpose::ResetPassword => mail(ResetPassword { code, link }),
            Purpose::ChangePassword => mail(ConfirmPasswordChange { code }),
            Purpose::ChangeEmail => mail(ConfirmNewEmail { code }),
            Purpose::ChangePhone => Message::Sms(Box::new(ConfirmNewPhone { code })),
            Purpose::StepUp => mail(StepUpCode { code }),
            Purpose::SecondFactor => mail(SignInCode { code }),
            Purpose::EnableFactor | Purpose::ManageMfa => mail(ConfirmMfaChange { code }),
            // The ticket between the steps of a sign-in is only ever in its answer.
            Purpose::SignIn | Purpose::NotMe | Purpose::Farewell => return Ok(None),
        };
        let language = user.preferences.locale.language();
        Ok(token.target.map(|to| Addressed {
            to,
            language,
            message,
            delivery: None,
        }))
    }

    async fn token_and_user(
        &self,
        token: TokenId,
        now: Timestamp,
    ) -> Result<Option<(Token, User)>, StoreError> {
        match self.tokens.get(token).await? {
            Some(token) => self.user_of(token, now).await,
            None => Ok(None),
        }
    }

    async fn user_of(
        &self,
        token: Token,
        now: Timestamp,
    ) -> Result<Option<(Token, User)>, StoreError> {
        if !plan::is_worth_sending(&token, now) {
            return Ok(None);
        }
        let user = self.users.get(token.user).await?;
        Ok(user
            .filter(|user| !user.has_lapsed(now))
            .map(|user| (token, user)))
    }

    /// Somebody wants an address that is another's, who is told. The event is not theirs: their log
    /// must not show who asked, nor the asker's that somebody has the address.
    async fn wanted(
        &self,
        event: &Event,
        decoy: &Token,
        now: Timestamp,
    ) -> Result<Option<Addressed>, StoreError> {
        let Some(email) = decoy
            .email()
            .filter(|_| decoy.purpose == Purpose::ChangeEmail)
        else {
            return Ok(None);
        };
        let Some(owner) = self.users.holder(Claim::Email(email), now).await? else {
            return Ok(None);
        };
        let told = self.tell(owner.user, AddressWanted, now).await?;
        let delivery = plan::hourly("address_wanted", owner.user, event.at);
        Ok(told.map(|told| Addressed {
            delivery: Some(delivery),
            ..told
        }))
    }

    /// Tells a user something at the address that they have verified.
    async fn tell(
        &self,
        user: UserId,
        message: impl Mail + 'static,
        now: Timestamp,
    ) -> Result<Option<Addressed>, StoreError> {
        let user = self.users.get(user).await?;
        Ok(user
            .filter(|user| plan::can_be_told(user, now))
            .map(|user| Addressed {
                to: Target::Email(user.email),
                language: user.preferences.locale.language(),
                message: mail(message),
                delivery: None,
            }))
    }
}

fn mail(mail: impl Mail + 'static) -> Message {
    Message::Mail(Box::new(mail))
}

fn mail_to(token: &Token, user: &User, message: impl Mail + 'static) -> Option<Addressed> {
    Some(Addressed {
        to: token.target.clone()?,
        language: user.preferences.locale.language(),
        message: mail(message),
        delivery: None,
    })
}

/// The number that an account moved away from is told too, if it was shown to be the owner's.
fn old_number(token: &Token, user: &User) -> Option<Addressed> {
    let moved_at = token.id.unix_millis();
    let mut former = user.former.iter();
    let former = former.find(|former| {
        former.kind == Kind::Phone && former.verified && former.given_up_at == moved_at
    })?;
    Some(Addressed {
        to: former.target.clone()?,
        language: user.preferences.locale.language(),
        message: Message::Sms(Box::new(PhoneChangedSms)),
        delivery: None,
    })
}
