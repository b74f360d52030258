//! Second factors at work: asking for a code, and looking at the one that comes back.
//!
//! Wrong tries of all of a user's factors are one count, which locks as that of passwords does: who
//! has the password gets no more tries by going from one factor to the next.

use std::sync::Arc;

use aws_sdk_dynamodb::types::Delete;
use secrecy::ExposeSecret;

use crate::attempts::Attempts;
use crate::cache::Cache;
use crate::challenge::{Asked, Desk, Redeemed};
use crate::clock::Clock;
use crate::domain::code::SubmittedCode;
use crate::domain::event::EventKind;
use crate::domain::factor::{FactorCode, Method, RecoveryCode};
use crate::domain::id::{SessionId, TokenId, UserId};
use crate::domain::lockout::{Bucket, FREE_TRIES};
use crate::domain::token::{Purpose, Target, Token};
use crate::domain::user::User;
use crate::env::{Env, EnvError};
use crate::http::views::ChallengeView;
use crate::http::{Caller, Code, FieldError, Limit, Limiter, Problem, RateLimits, SmsLimits};
use crate::keys::Keyring;
use crate::platform::{Platform, StartError};
use crate::random::Random;
use crate::store::StoreError;
use crate::store::factors::{App, FactorUse, Factors};
use crate::store::lockouts::{Account, Attempt};
use crate::totp::TotpSecret;

/// Messages for one account.
const LIMITS: [Limit; 2] = [Limit::RESEND, Limit::an_hour(5)];

/// What a recovery code is in `amr`: a code that works once (RFC 8176 has no closer word).
const RECOVERY_AMR: &str = "otp";

/// Asks for second factors and checks them.
#[derive(Clone)]
pub struct SecondFactors {
    /// Where they are kept.
    pub factors: Factors,
    desk: Desk,
    attempts: Attempts,
    limiter: Limiter,
    sms_limits: SmsLimits,
    allowed: Vec<Method>,
    keys: Arc<Keyring>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

/// A code that somebody sends as a second factor.
#[derive(Debug)]
pub struct Tried<'a> {
    /// Who they have to be.
    pub user: &'a User,
    /// The code.
    pub code: &'a FactorCode,
    /// Which factor they say it is of.
    pub method: Option<Method>,
    /// What it is for, where it came by message.
    pub purpose: Purpose,
    /// The session that it was asked for in, or the one that it may begin.
    pub session: SessionId,
    /// The message's token, where they name it.
    pub token: Option<TokenId>,
}

/// A code that was right. It is used up in the transaction that it allows.
#[derive(Debug)]
pub struct Shown {
    /// What is to be used up.
    pub used: FactorUse,
    /// The try, which a success ends the count of.
    pub attempt: Attempt,
    /// What it is in `amr`.
    pub amr: &'static str,
}

impl Shown {
    /// The write that ends the count of tries, for the transaction that the code allows.
    pub fn forget(&self, attempts: &SecondFactors) -> Result<Delete, StoreError> {
        attempts.attempts.forget(&self.attempt)
    }
}

impl SecondFactors {
    /// The second factors of a deployment: those that `MFA_METHODS` lists, by comma, or all.
    pub fn open(platform: &Platform, cache: Arc<dyn Cache>) -> Result<Self, StartError> {
        let env = &platform.env;
        Ok(Self {
            factors: Factors::open(&platform.dynamodb(), env)?,
            desk: Desk::open(platform)?,
            attempts: Attempts::open(platform)?,
            limiter: Limiter::new(cache.clone()),
            sms_limits: SmsLimits::open(env, cache, platform.keys.clone())?,
            allowed: allowed(env)?,
            keys: platform.keys.clone(),
            clock: platform.clock.clone(),
            random: platform.random.clone(),
        })
    }

    /// Whether a factor can be set up in this deployment.
    pub fn allows(&self, method: Method) -> bool {
        self.allowed.contains(&method)
    }

    /// The factors that a user can be asked for. It may be none of those they have: their recovery
    /// codes are left.
    pub fn offered(&self, user: &User) -> Vec<Method> {
        let mut offered = user.mfa.clone();
        offered.retain(|method| self.allows(*method) && reach(user, *method).is_some());
        offered
    }

    /// Sends a code by mail or SMS.
    pub async fn ask(
        &self,
        user: &User,
        method: Method,
        purpose: Purpose,
        session: SessionId,
        caller: &Caller,
    ) -> Result<(RateLimits, ChallengeView), Problem> {
        let asked_for = purpose == Purpose::EnableFactor || self.offered(user).contains(&method);
        let Some(Reach::Message(to)) = reach(user, method).filter(|_| asked_for) else {
            return Err(refused("There is nothing to send for this method."));
        };
        if let Target::Phone(number) = &to {
            self.sms_limits.check_country(number)?;
        }
        let subject = user.id.to_string();
        let mut limits = self
            .limiter
            .count("second-factor", &subject, &LIMITS)
            .await?;
        if let Target::Phone(number) = &to {
            let source = caller.source.ip;
            limits = self.sms_limits.admit(limits, number, source).await?;
        }
        let asked = Asked {
            purpose,
            user,
            session,
            target: to.clone(),
        };
        let now = self.clock.now();
        let token = self.desk.issue_to_session(asked, caller, now).await?;
        let challenge = match &to {
            Target::Email(email) => ChallengeView::by_email(&token, email),
            Target::Phone(number) => ChallengeView::by_sms(&token, number),
        };
        Ok((limits, challenge))
    }

    /// Looks at a code, which is counted first. A wrong one is 400 with the tries that are left, and
    /// too many are 429 for a while.
    pub async fn check(&self, tried: Tried<'_>, caller: &Caller) -> Result<Shown, Problem> {
        // Codes of factors that have ended may still be kept.
        if tried.user.mfa.is_empty() {
            return Err(refused("The account has no such second factor."));
        }
        let account = Account::User(tried.user.id);
        let attempt = self
            .attempts
            .begin(&account, &Bucket::SecondFactor, caller)
            .await?;
        match self.look(&tried, caller).await {
            Ok(Some((used, amr))) => Ok(Shown { used, attempt, amr }),
            Ok(None) => {
                tracing::info!(user.id = %tried.user.id, "second_factor.wrong");
                self.attempts.failed(&attempt, caller).await?;
                Err(Problem::factor_invalid(left_after(&attempt)))
            }
            // A message's code counts its own tries, and these with them.
            Err(problem) if problem.code == Code::CodeInvalid => {
                self.attempts.failed(&attempt, caller).await?;
                let left = problem.attempts_left().unwrap_or_default();
                Err(Problem::factor_invalid(left.min(left_after(&attempt))))
            }
            Err(problem) => {
                self.attempts.withdraw(&attempt).await;
                Err(problem)
            }
        }
    }

    /// The code was right, and came to nothing: somebody else used it, or the account changed.
    pub async fn withdraw(&self, attempt: &Attempt) {
        self.attempts.withdraw(attempt).await;
    }

    /// What uses the code up if it is right, and how it counts.
    async fn look(
        &self,
        tried: &Tried<'_>,
        caller: &Caller,
    ) -> Result<Option<(FactorUse, &'static str)>, Problem> {
        let user = tried.user;
        let code = match tried.code {
            FactorCode::Digits(code) => code,
            FactorCode::Recovery(code) => {
                let used = self.recovery(user.id, code, caller).await?;
                return Ok(used.map(|used| (used, RECOVERY_AMR)));
            }
        };
        let method = self.method_of(tried)?;
        if method == Method::Totp {
            let used = self.app(user.id, code).await?;
            return Ok(used.map(|used| (used, method.amr())));
        }
        let (token, method) = self.message(tried, method, code).await?;
        Ok(Some((FactorUse::Code(Box::new(token)), method.amr())))
    }

    /// Which factor six digits are of: the one that is named, the only one, or that of the message
    /// that is named. Else an app's, since the others have to be asked for.
    fn method_of(&self, tried: &Tried<'_>) -> Result<Method, Problem> {
        let offered = self.offered(tried.user);
        let by_message = || {
            let mut messages = offered.iter().filter(|method| **method != Method::Totp);
            messages.next().copied()
        };
        let method = match (tried.method, &offered[..]) {
            (Some(method), _) => Some(method),
            (None, [only]) => Some(*only),
            (None, _) if tried.token.is_some() => by_message(),
            (None, _) => offered.first().copied(),
        };
        method
            .filter(|method| offered.contains(method))
            .ok_or_else(|| refused("The account has no such second factor."))
    }

    async fn app(&self, user: UserId, code: &SubmittedCode) -> Result<Option<FactorUse>, Problem> {
        let Some(app) = self.factors.app(user).await? else {
            return Ok(None);
        };
        let secret = self.opened(&App::row(user), &app.secret)?;
        let step = secret.step_of(code, self.clock.now());
        Ok(step
            .filter(|step| *step > app.last_step)
            .map(|step| FactorUse::App { user, step }))
    }

    async fn recovery(
        &self,
        user: UserId,
        code: &RecoveryCode,
        caller: &Caller,
    ) -> Result<Option<FactorUse>, Problem> {
        let digest = self.digest(user, code);
        let known = self.factors.recovery_codes(user).await?;
        let now = self.clock.now();
        let event = caller.event(user, EventKind::RecoveryCodeUsed, now, &*self.random);
        Ok(known.contains(&digest).then(|| FactorUse::Recovery {
            user,
            digest,
            event: Box::new(event),
        }))
    }

    /// The token of a message's code that is right, and the factor that it is of: where none was
    /// named, that of the message.
    async fn message(
        &self,
        tried: &Tried<'_>,
        method: Method,
        code: &SubmittedCode,
    ) -> Result<(Token, Method), Problem> {
        let user = tried.user;
        let token = match tried.token {
            Some(token) => token,
            None => {
                let line = user.id.to_string();
                let newest = self.desk.challenges.newest(tried.purpose, &line).await?;
                newest.ok_or_else(Problem::code_expired)?.id
            }
        };
        let redeemed = Redeemed {
            purpose: tried.purpose,
            user,
            session: tried.session,
            target: None,
            token,
            code,
        };
        let now = self.clock.now();
        let token = self.desk.redeem_in_session(redeemed, now).await?;
        let sent = match token.target {
            Some(Target::Phone(_)) => Method::Sms,
            _ => Method::Email,
        };
        let method = tried.method.map_or(sent, |_| method);
        // A code that came elsewhere is of another factor, or of none any more.
        match reach(user, method) {
            Some(Reach::Message(to))
                if token.target.as_ref() == Some(&to) && self.offered(user).contains(&method) => {}
            _ => return Err(Problem::code_expired()),
        }
        Ok((token, method))
    }

    /// What recovery codes are kept as.
    pub fn digest(&self, user: UserId, code: &RecoveryCode) -> String {
        let text = format!("{user}\0{}", code.expose());
        self.keys.lookup("recovery code", &text)
    }

    /// A secret of an app, sealed for the row of this name.
    pub fn sealed(&self, row: &str, secret: &TotpSecret) -> Result<String, Problem> {
        self.keys
            .seal(row, secret.bytes(), &*self.random)
            .map_err(|error| Problem::internal(&error))
    }

    /// The secret of an app that was sealed for the row of this name.
    pub fn opened(&self, row: &str, sealed: &str) -> Result<TotpSecret, Problem> {
        let bytes = self
            .keys
            .unseal(row, sealed)
            .map_err(|error| Problem::internal(&error))?;
        TotpSecret::from_bytes(bytes.expose_secret()).ok_or_else(|| {
            let error = StoreError::inconsistent("factors", "a secret of another length");
            Problem::internal(&error)
        })
    }
}

/// The tries that are left before the factors are locked for a while.
fn left_after(attempt: &Attempt) -> u32 {
    FREE_TRIES.saturating_sub(attempt.tries())
}

/// How a factor reaches its user.
enum Reach {
    /// By an app of theirs.
    App,
    /// By a message there.
    Message(Target),
}

/// How a factor reaches the user, where they have what it takes.
fn reach(user: &User, method: Method) -> Option<Reach> {
    match method {
        Method::Totp => Some(Reach::App),
        Method::Email => Some(Reach::Message(Target::Email(user.email.clone()))),
        Method::Sms => user
            .phone_number
            .clone()
            .filter(|_| user.phone_verified)
            .map(|number| Reach::Message(Target::Phone(number))),
    }
}

fn allowed(env: &Env) -> Result<Vec<Method>, EnvError> {
    let Some(list) = env.optional("MFA_METHODS") else {
        return Ok(Method::ALL.to_vec());
    };
    list.split(',')
        .map(|name| Method::try_from(name.trim().to_owned()))
        .collect::<Result<_, _>>()
        .map_err(|_| EnvError::Invalid("MFA_METHODS".to_owned()))
}

fn refused(message: &str) -> Problem {
    Problem::validation(vec![FieldError::new("method", "invalid_choice", message)])
}
