//! `POST /api/auth/enable/mfa` — sets a second factor up, in two steps.
//!
//! `{method}` begins: for an app with its secret, for mail and SMS with a code on its way. `{code,
//! token}` shows that it works; only then does sign-in ask for it. With the first factor come ten
//! recovery codes, shown this once. A set-up that nobody finishes is gone after ten minutes.

use axum::extract;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use jiff::SignedDuration;
use latchkey_shared::challenge::Redeemed;
use latchkey_shared::domain::code::SubmittedCode;
use latchkey_shared::domain::event::EventKind;
use latchkey_shared::domain::factor::Method;
use latchkey_shared::domain::id::TokenId;
use latchkey_shared::domain::session::Session;
use latchkey_shared::domain::token::{MAX_TRIES, Purpose, Target};
use latchkey_shared::domain::user::User;
use latchkey_shared::http::{
    Body, Caller, Code, FieldError, Fields, Fresh, FromFields, Problem, Reply,
};
use latchkey_shared::store::factors::{Added, App, Setup, Write};
use latchkey_shared::store::transaction::CommitError;
use latchkey_shared::totp::TotpSecret;
use qrcode::QrCode;
use qrcode::render::svg;
use secrecy::ExposeSecret;
use serde::Serialize;

use crate::State;
use crate::proof::Challenged;
use crate::recovery_codes::RecoveryCodes;

/// How long the secret of an app waits for its first code.
const SETUP_LIFE: SignedDuration = SignedDuration::from_mins(10);

/// The side of the QR code, in pixels of the picture's own size.
const QR_SIDE: u32 = 240;

#[derive(Debug)]
pub(crate) enum Request {
    Begin(Method),
    Finish { token: TokenId, code: SubmittedCode },
}

impl FromFields for Request {
    fn read(fields: &mut Fields) -> Option<Self> {
        if fields.has("code") || fields.has("token") {
            let (token, code) = (fields.required("token"), fields.required("code"));
            // It says which factor it is of by its token.
            fields.discard("method");
            let (token, code) = token.zip(code)?;
            return Some(Self::Finish { token, code });
        }
        fields.required("method").map(Self::Begin)
    }
}

/// What an app needs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct NewApp {
    token: TokenId,
    secret: String,
    otpauth_uri: String,
    qr_svg: String,
}

pub(crate) async fn handler(
    extract::State(state): extract::State<State>,
    caller: Caller,
    user: Fresh,
    Body(request): Body<Request>,
) -> Result<Response, Problem> {
    let (user, session) = state.authority.load_proven(user).await?;
    match request {
        Request::Begin(Method::Totp) => {
            may_add(&state, &user, Method::Totp)?;
            let app = state.begin_app(&user, &session).await?;
            Ok(Reply(StatusCode::OK, app).into_response())
        }
        Request::Begin(method) => {
            may_add(&state, &user, method)?;
            let (limits, challenge) = state
                .factors
                .ask(&user, method, Purpose::EnableFactor, session.id, &caller)
                .await?;
            Ok((limits, Challenged::of(challenge)).into_response())
        }
        Request::Finish { token, code } => {
            let codes = state.finish(&user, &session, token, &code, &caller).await?;
            Ok(Reply(StatusCode::OK, codes).into_response())
        }
    }
}

/// Whether this factor can be set up: in this deployment, by this user, now.
fn may_add(state: &State, user: &User, method: Method) -> Result<(), Problem> {
    if !state.factors.allows(method) {
        return Err(Problem::validation(vec![FieldError::new(
            "method",
            "invalid_choice",
            "This service does not offer that method.",
        )]));
    }
    if method == Method::Sms && !user.phone_verified {
        return Err(Problem::new(
            Code::Conflict,
            "Verify a phone number first, with PATCH /api/auth/edit/phone.",
        ));
    }
    if user.mfa.contains(&method) {
        return Err(enabled_already());
    }
    Ok(())
}

impl State {
    async fn begin_app(&self, user: &User, session: &Session) -> Result<NewApp, Problem> {
        let now = self.clock.now();
        let secret = TotpSecret::draw(&*self.random);
        let setup = Setup {
            token_id: TokenId::new(now, &*self.random),
            session_id: session.id,
            secret: self.factors.sealed(&Setup::row(user.id), &secret)?,
            expires_at: now + SETUP_LIFE,
        };
        self.factors.factors.begin(user.id, &setup).await?;
        let uri = secret
            .uri(&self.app_name, user.email.as_str())
            .map_err(|error| Problem::internal(&error))?;
        let qr = QrCode::new(uri.expose_secret()).map_err(|error| Problem::internal(&error))?;
        let mut picture = qr.render::<svg::Color<'_>>();
        picture.min_dimensions(QR_SIDE, QR_SIDE);
        Ok(NewApp {
            token: setup.token_id,
            secret: secret.text().expose_secret().to_owned(),
            otpauth_uri: uri.expose_secret().to_owned(),
            qr_svg: picture.build(),
        })
    }

    /// Has sign-in ask for the factor whose code this is.
    async fn finish(
        &self,
        user: &User,
        session: &Session,
        token: TokenId,
        code: &SubmittedCode,
        caller: &Caller,
    ) -> Result<RecoveryCodes, Problem> {
        let now = self.clock.now();
        let factors = &self.factors;
        let setup = factors
            .factors
            .try_setup(user.id, token, session.id, now)
            .await?;
        if let Some((setup, tries)) = setup {
            let secret = factors.opened(&Setup::row(user.id), &setup.secret)?;
            let Some(last_step) = secret.step_of(code, now) else {
                return Err(Problem::factor_invalid(MAX_TRIES.saturating_sub(tries)));
            };
            let app = App {
                secret: factors.sealed(&App::row(user.id), &secret)?,
                last_step,
            };
            return self.add(user, Added::App(&setup, &app), caller).await;
        }
        let redeemed = Redeemed {
            purpose: Purpose::EnableFactor,
            user,
            session: session.id,
            target: None,
            token,
            code,
        };
        let token = self.desk.redeem_in_session(redeemed, now).await?;
        let (method, to) = match &token.target {
            Some(Target::Phone(number)) => {
                (Method::Sms, user.phone_number.as_ref() == Some(number))
            }
            Some(Target::Email(email)) => (Method::Email, user.email == *email),
            None => (Method::Email, false),
        };
        // The account has moved on from where the code went.
        if !to {
            return Err(Problem::code_expired());
        }
        self.add(user, Added::Code(method, &token), caller).await
    }

    async fn add(
        &self,
        user: &User,
        added: Added<'_>,
        caller: &Caller,
    ) -> Result<RecoveryCodes, Problem> {
        may_add(self, user, added.method())?;
        let now = self.clock.now();
        let codes = if user.mfa.is_empty() {
            RecoveryCodes::draw(&*self.random)
        } else {
            RecoveryCodes::default()
        };
        let digests = codes.digests(&self.factors, user.id);
        let recovery = (!digests.is_empty()).then_some(&digests[..]);
        let kind = EventKind::MfaEnabled {
            method: added.method(),
        };
        let event = caller.event(user.id, kind, now, &*self.random);
        let enabled = self
            .factors
            .factors
            .enable(user, &added, recovery, &event, now)
            .await;
        match enabled {
            Ok(()) => Ok(codes),
            Err(CommitError::Refused(writes)) if writes.contains(&Write::Code) => {
                Err(Problem::code_expired())
            }
            Err(CommitError::Refused(_)) => Err(Problem::changed_meanwhile()),
            Err(CommitError::Store(error)) => Err(error.into()),
        }
    }
}

fn enabled_already() -> Problem {
    Problem::new(
        Code::Conflict,
        "Sign-in asks for this second factor already.",
    )
}
