//! `POST /api/auth/step-up` — somebody who is signed in shows that it is still them.
//!
//! With their password, in two steps with a code that is mailed to them, or with a passkey, after
//! `POST /api/auth/step-up/passkey/options`. The session goes on; what changes is when its user last
//! proved who they are, and by what.

use axum::extract;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use latchkey_shared::challenge::{Asked, Redeemed};
use latchkey_shared::domain::code::SubmittedCode;
use latchkey_shared::domain::event::EventKind;
use latchkey_shared::domain::id::{SessionId, TokenId};
use latchkey_shared::domain::invalid::Invalid;
use latchkey_shared::domain::passkey::PasskeyId;
use latchkey_shared::domain::password::SubmittedPassword;
use latchkey_shared::domain::session::Session;
use latchkey_shared::domain::token::{Purpose, Target};
use latchkey_shared::domain::user::User;
use latchkey_shared::gate::Delivery;
use latchkey_shared::http::views::ChallengeView;
use latchkey_shared::http::{
    Authenticated, Body, Caller, Fields, FromFields, Limit, Problem, Reply,
};
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
    Code {
        token: TokenId,
        code: SubmittedCode,
    },
    /// What the browser made of the options for a passkey.
    Passkey(Box<AuthenticationResponse>),
    /// A code, please.
    Mail,
}

impl FromFields for Request {
    fn read(fields: &mut Fields) -> Option<Self> {
        let delivery = fields.optional("tokenDelivery");
        let by_code = fields.has("code") || fields.has("tokenId");
        let ways = [
            fields.has("password"),
            fields.has("method"),
            by_code,
            fields.has("passkey"),
        ];
        let proof = match ways {
            [true, false, false, false] => fields.required("password").map(Proof::Password),
            [false, true, false, false] => {
                fields.required("method").map(|Method::Email| Proof::Mail)
            }
            [false, false, false, true] => fields
                .required("passkey")
                .map(|response| Proof::Passkey(Box::new(response))),
            [false, false, true, false] => {
                let token = fields.required("tokenId");
                let code = fields.required("code");
                token
                    .zip(code)
                    .map(|(token, code)| Proof::Code { token, code })
            }
            [false, false, false, false] => {
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

const WAYS: &str =
    "Send password; or passkey; or method \"email\" to be mailed a code; or tokenId and code.";

/// How a code reaches the user.
#[derive(Debug)]
enum Method {
    Email,
}

impl TryFrom<String> for Method {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        match &*text {
            "email" => Ok(Self::Email),
            _ => Err(Invalid::new("invalid_choice", "Send \"email\".")),
        }
    }
}

impl<'de> serde::Deserialize<'de> for Method {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        latchkey_shared::domain::invalid::deserialize(deserializer, "\"email\"")
    }
}

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
        Proof::Code { token, code } => {
            let redeemed = Redeemed {
                purpose: PURPOSE,
                user: &user,
                session: session.id,
                target: None,
                token,
                code: &code,
            };
            let now = state.clock.now();
            let token = state.desk.redeem_in_session(redeemed, now).await?;
            let proof = StepUpProof::Code(&state.tokens, &token);
            state
                .step_up(&user, session, &["otp"], &proof, request.delivery, &caller)
                .await
        }
        Proof::Passkey(response) => {
            let proven = state.passkey(&user, session.id, *response, &caller).await?;
            let proof = StepUpProof::Passkey(&proven);
            state
                .step_up(&user, session, AMR, &proof, request.delivery, &caller)
                .await
        }
        Proof::Mail => {
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
    }
}

impl State {
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
            Err(CommitError::Refused(writes)) if writes.contains(&Write::Token) => {
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
