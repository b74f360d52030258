//! `POST /api/auth/step-up` — somebody who is signed in shows that it is still them.
//!
//! With their password, in two steps with a code that is mailed to them, with a second factor, or with
//! a passkey, after `POST /api/auth/step-up/passkey/options`. The session goes on; what changes is when its user last
//! proved who they are, and by what.

use axum::extract;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use latchkey_shared::challenge::{Asked, Redeemed};
use latchkey_shared::domain::code::SubmittedCode;
use latchkey_shared::domain::event::EventKind;
use latchkey_shared::domain::factor::{FactorCode, Method};
use latchkey_shared::domain::id::{SessionId, TokenId};
use latchkey_shared::domain::passkey::PasskeyId;
use latchkey_shared::domain::password::SubmittedPassword;
use latchkey_shared::domain::session::Session;
use latchkey_shared::domain::token::{Purpose, Target};
use latchkey_shared::domain::user::User;
use latchkey_shared::gate::Delivery;
use latchkey_shared::http::views::ChallengeView;
use latchkey_shared::http::{
    Authenticated, Body, Caller, FieldError, Fields, FromFields, Limit, Problem, Reply,
};
use latchkey_shared::second_factor::{Shown, Tried};
use latchkey_shared::store::passkeys::Use;
use latchkey_shared::store::sessions::{StepUpProof, Write};
use latchkey_shared::store::transaction::CommitError;
use latchkey_shared::webauthn::{AMR, AuthenticationResponse, Ceremony, refused};

use crate::State;

const PURPOSE: Purpose = Purpose::StepUp;

/// Codes for one account.
const LIMITS: [Limit; 2] = [Limit::RESEND, Limit::an_hour(5)];

#[derive(Debug)]
pub(crate) struct Request {
    proof: Proof,
    delivery: Delivery,
}

#[derive(Debug)]
enum Proof {
    Password(SubmittedPassword),
    /// A code: of the message that is named, or of a second factor.
    Code {
        code: FactorCode,
        method: Option<Method>,
        token: Option<TokenId>,
    },
    /// What the browser made of the options for a passkey.
    Passkey(Box<AuthenticationResponse>),
    /// A code, please.
    Message(Method),
}

impl FromFields for Request {
    fn read(fields: &mut Fields) -> Option<Self> {
        let delivery = fields.optional("tokenDelivery");
        let ways = [
            fields.has("password"),
            fields.has("code") || fields.has("tokenId"),
            fields.has("passkey"),
        ];
        let proof = match (ways, fields.has("method")) {
            ([true, false, false], false) => fields.required("password").map(Proof::Password),
            ([false, true, false], _) => {
                let code = fields.required("code");
                let method = fields.optional("method");
                let token = fields.optional("tokenId");
                code.zip(method)
                    .zip(token)
                    .map(|((code, method), token)| Proof::Code {
                        code,
                        method,
                        token,
                    })
            }
            ([false, false, true], false) => fields
                .required("passkey")
                .map(|response| Proof::Passkey(Box::new(response))),
            ([false, false, false], true) => fields.required("method").map(Proof::Message),
            ([false, false, false], false) => {
                fields.refuse("password", "required", WAYS);
                None
            }
            _ => {
                fields.refuse("password", "ambiguous", WAYS);
                None
            }
        };
        for name in ["password", "method", "tokenId", "code", "passkey"] {
            fields.discard(name);
        }
        Some(Self {
            proof: proof?,
            delivery: delivery?.unwrap_or_default(),
        })
    }
}

const WAYS: &str = "Send password; or passkey; or code; or method \"email\" to be mailed a code, and \
                    then tokenId and code.";

pub(crate) async fn handler(
    extract::State(state): extract::State<State>,
    caller: Caller,
    user: Authenticated,
    Body(request): Body<Request>,
) -> Result<Response, Problem> {
    let (user, session) = state.authority.load(user).await?;
    match request.proof {
        Proof::Password(password) => {
            let proof = state
                .current_password
                .check(&user, &password, &caller)
                .await?;
            let proof = StepUpProof::Password(&proof);
            state
                .step_up(&user, session, &["pwd"], &proof, request.delivery, &caller)
                .await
        }
        Proof::Code {
            code,
            method,
            token,
        } => {
            let factors = &state.second_factors;
            if user.mfa.is_empty() && token.is_none() {
                return Err(Problem::validation(vec![FieldError::new(
                    "tokenId",
                    "required",
                    "Send the token that the code came with.",
                )]));
            }
            let messages = |method: &Method| *method != Method::Totp;
            match (token, code) {
                // Of a mail to who has no mails for a second factor: it shows no more than that
                // the address is still theirs.
                (Some(token), FactorCode::Digits(code))
                    if !factors.offered(&user).iter().any(messages) =>
                {
                    state
                        .by_mail(&user, session, (token, &code), request.delivery, &caller)
                        .await
                }
                (token, code) => {
                    let tried = Tried {
                        user: &user,
                        code: &code,
                        method,
                        purpose: PURPOSE,
                        session: session.id,
                        token,
                    };
                    let shown = factors.check(tried, &caller).await?;
                    state
                        .by_factor(&user, session, &shown, request.delivery, &caller)
                        .await
                }
            }
        }
        Proof::Passkey(response) => {
            let proven = state.passkey(&user, session.id, *response, &caller).await?;
            let proof = StepUpProof::Passkey(&proven);
            state
                .step_up(&user, session, AMR, &proof, request.delivery, &caller)
                .await
        }
        Proof::Message(Method::Email) => {
            let now = state.clock.now();
            let limits = state
                .limiter
                .count("step-up", &user.id.to_string(), &LIMITS)
                .await?;
            let asked = Asked {
                purpose: PURPOSE,
                user: &user,
                session: session.id,
                target: Target::Email(user.email.clone()),
            };
            let token = state.desk.issue_to_session(asked, &caller, now).await?;
            let challenge = ChallengeView::by_email(&token, &user.email);
            Ok((limits, Reply(StatusCode::ACCEPTED, challenge)).into_response())
        }
        Proof::Message(method) => {
            if !state.second_factors.offered(&user).contains(&method) {
                return Err(Problem::validation(vec![FieldError::new(
                    "method",
                    "invalid_choice",
                    "The account has no such second factor that a code could be sent for.",
                )]));
            }
            let (limits, challenge) = state
                .second_factors
                .ask(&user, method, PURPOSE, session.id, &caller)
                .await?;
            Ok((limits, Reply(StatusCode::ACCEPTED, challenge)).into_response())
        }
    }
}

impl State {
    /// By the code of a mail.
    async fn by_mail(
        &self,
        user: &User,
        session: Session,
        (token, code): (TokenId, &SubmittedCode),
        delivery: Delivery,
        caller: &Caller,
    ) -> Result<Response, Problem> {
        let redeemed = Redeemed {
            purpose: PURPOSE,
            user,
            session: session.id,
            target: None,
            token,
            code,
        };
        let now = self.clock.now();
        let token = self.desk.redeem_in_session(redeemed, now).await?;
        let proof = StepUpProof::Code(&self.tokens, &token);
        self.step_up(user, session, &["otp"], &proof, delivery, caller)
            .await
    }

    /// By a second factor: what the session was begun with is the first.
    async fn by_factor(
        &self,
        user: &User,
        session: Session,
        shown: &Shown,
        delivery: Delivery,
        caller: &Caller,
    ) -> Result<Response, Problem> {
        let factors = &self.second_factors;
        let proof = StepUpProof::Factor(&factors.factors, &shown.used, &shown.attempt);
        let stepped = self
            .step_up(user, session, &[shown.amr, "mfa"], &proof, delivery, caller)
            .await;
        if stepped.is_err() {
            factors.withdraw(&shown.attempt).await;
        }
        stepped
    }

    /// The use of the user's passkey that a browser's answer proves. No try is counted: a signature
    /// is not found by trying, and each costs new options.
    async fn passkey(
        &self,
        user: &User,
        session: SessionId,
        response: AuthenticationResponse,
        caller: &Caller,
    ) -> Result<Use, Problem> {
        let id = PasskeyId::of(response.credential_id());
        let ceremony = Ceremony::StepUp(user.id, session);
        let (opened, passkey) = tokio::join!(
            self.ceremonies.open_assertion(ceremony, response),
            self.passkeys.get(user.id, id),
        );
        match (opened?, passkey?) {
            (Some(opened), Some(passkey)) => {
                self.ceremonies.prove(opened, user, &passkey, caller).await
            }
            _ => Err(refused()),
        }
    }

    /// Moves the session's proof to now, and answers with its tokens.
    async fn step_up(
        &self,
        user: &User,
        mut session: Session,
        methods: &[&str],
        proof: &StepUpProof<'_>,
        delivery: Delivery,
        caller: &Caller,
    ) -> Result<Response, Problem> {
        let now = self.clock.now();
        session.auth_time = now;
        for method in methods {
            if !session.amr.iter().any(|known| known == method) {
                session.amr.push((*method).to_owned());
            }
        }
        let kind = EventKind::SteppedUp {
            session_id: session.id,
            amr: methods.iter().map(ToString::to_string).collect(),
        };
        let event = caller.event(user.id, kind, now, &*self.random);
        match self
            .sessions
            .step_up(&session, user, proof, &event, now)
            .await
        {
            Ok(()) => {}
            Err(CommitError::Refused(writes))
                if writes.contains(&Write::Token) || writes.contains(&Write::Factor) =>
            {
                return Err(Problem::code_expired());
            }
            // Another proof by the same passkey came first, or it is gone.
            Err(CommitError::Refused(writes)) if writes.contains(&Write::Passkey) => {
                return Err(refused());
            }
            Err(CommitError::Refused(_)) => return Err(Problem::unauthenticated(true)),
            Err(CommitError::Store(error)) => return Err(error.into()),
        }
        let answer = self.gate.answer(user, &session, delivery, now)?;
        Ok(answer.into_response())
    }
}
