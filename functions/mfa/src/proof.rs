//! The second factor that a change of second factors takes: a code, or the wish for one.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use latchkey_shared::domain::factor::{FactorCode, Method};
use latchkey_shared::domain::id::TokenId;
use latchkey_shared::domain::session::Session;
use latchkey_shared::domain::token::Purpose;
use latchkey_shared::domain::user::User;
use latchkey_shared::http::views::ChallengeView;
use latchkey_shared::http::{Caller, Code, Fields, Problem, Reply};
use latchkey_shared::second_factor::{Shown, Tried};
use latchkey_shared::store::factors::Write;
use latchkey_shared::store::transaction::CommitError;
use serde::Serialize;

use crate::State;

const PURPOSE: Purpose = Purpose::ManageMfa;

/// What a request sends for a second factor.
#[derive(Debug)]
pub(crate) enum Proof {
    /// A code; of a message, where that is named.
    Code {
        code: FactorCode,
        method: Option<Method>,
        token: Option<TokenId>,
    },
    /// A code is to be sent.
    Ask(Method),
}

impl Proof {
    pub(crate) fn read(fields: &mut Fields) -> Option<Self> {
        let method = fields.optional("method");
        let token = fields.optional("token");
        if !fields.has("code")
            && let (Some(Some(method)), Some(None)) = (method, token)
        {
            fields.discard("code");
            return Some(Self::Ask(method));
        }
        let code = fields.required("code");
        Some(Self::Code {
            code: code?,
            method: method?,
            token: token?,
        })
    }
}

/// A code that is on its way: what names it is sent back as `token`.
#[derive(Debug, Serialize)]
pub(crate) struct Challenged {
    token: TokenId,
    #[serde(flatten)]
    challenge: ChallengeView,
}

impl Challenged {
    pub(crate) fn of(challenge: ChallengeView) -> Self {
        let token = challenge.token_id();
        Self { token, challenge }
    }
}

impl IntoResponse for Challenged {
    fn into_response(self) -> Response {
        Reply(StatusCode::ACCEPTED, self).into_response()
    }
}

impl State {
    /// Sends a code for a change of second factors.
    pub(crate) async fn ask(
        &self,
        user: &User,
        session: &Session,
        method: Method,
        caller: &Caller,
    ) -> Result<Response, Problem> {
        must_be_on(user)?;
        let asked = self
            .factors
            .ask(user, method, PURPOSE, session.id, caller)
            .await?;
        let (limits, challenge) = asked;
        Ok((limits, Challenged::of(challenge)).into_response())
    }

    /// The code, tried and right.
    pub(crate) async fn shown(
        &self,
        user: &User,
        session: &Session,
        (code, method, token): (&FactorCode, Option<Method>, Option<TokenId>),
        caller: &Caller,
    ) -> Result<Shown, Problem> {
        must_be_on(user)?;
        let tried = Tried {
            user,
            code,
            method,
            purpose: PURPOSE,
            session: session.id,
            token,
        };
        self.factors.check(tried, caller).await
    }

    /// What came of the change that a code allowed.
    pub(crate) async fn settled(
        &self,
        changed: Result<(), CommitError<Write>>,
        shown: &Shown,
    ) -> Result<(), Problem> {
        let Err(error) = changed else {
            return Ok(());
        };
        self.factors.withdraw(&shown.attempt).await;
        Err(match error {
            CommitError::Refused(writes) if writes.contains(&Write::Code) => {
                Problem::code_expired()
            }
            CommitError::Refused(_) => Problem::changed_meanwhile(),
            CommitError::Store(error) => error.into(),
        })
    }
}

fn must_be_on(user: &User) -> Result<(), Problem> {
    if user.mfa.is_empty() {
        let detail = "Sign-in asks for no second factor. Set one up with /api/auth/enable/mfa.";
        return Err(Problem::new(Code::Conflict, detail));
    }
    Ok(())
}
