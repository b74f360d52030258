//! `POST /api/auth/mfa/recovery-codes` — makes the recovery codes anew; those of before die.
//!
//! By a code of a second factor, or by one of them. The owner is told.

use axum::extract;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use latchkey_shared::domain::event::EventKind;
use latchkey_shared::domain::factor::{RECOVERY_CODES, RecoveryCode};
use latchkey_shared::domain::id::UserId;
use latchkey_shared::http::{Body, Caller, Fields, Fresh, FromFields, Problem, Reply};
use latchkey_shared::random::Random;
use latchkey_shared::second_factor::SecondFactors;
use secrecy::ExposeSecret;
use serde::{Serialize, Serializer};

use crate::State;
use crate::proof::Proof;

#[derive(Debug)]
pub(crate) struct Request(Proof);

impl FromFields for Request {
    fn read(fields: &mut Fields) -> Option<Self> {
        Proof::read(fields).map(Self)
    }
}

/// Recovery codes, on the one way to their owner. None where those of before stay good.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RecoveryCodes {
    #[serde(serialize_with = "texts")]
    recovery_codes: Vec<RecoveryCode>,
}

impl RecoveryCodes {
    /// New ones.
    pub(crate) fn draw(random: &dyn Random) -> Self {
        let codes = (0..RECOVERY_CODES).map(|_| RecoveryCode::draw(random));
        Self {
            recovery_codes: codes.collect(),
        }
    }

    /// What is kept of them.
    pub(crate) fn digests(&self, factors: &SecondFactors, user: UserId) -> Vec<String> {
        let codes = self.recovery_codes.iter();
        codes.map(|code| factors.digest(user, code)).collect()
    }
}

fn texts<S: Serializer>(codes: &[RecoveryCode], serializer: S) -> Result<S::Ok, S::Error> {
    let texts = codes.iter().map(RecoveryCode::text);
    serializer.collect_seq(texts.map(|text| text.expose_secret().to_owned()))
}

pub(crate) async fn handler(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Fresh(user): Fresh,
    Body(Request(proof)): Body<Request>,
) -> Result<Response, Problem> {
    let (user, session) = state.authority.load(user).await?;
    let (code, method, token) = match &proof {
        Proof::Ask(method) => return state.ask(&user, &session, *method, &caller).await,
        Proof::Code {
            code,
            method,
            token,
        } => (code, *method, *token),
    };
    let shown = state
        .shown(&user, &session, (code, method, token), &caller)
        .await?;
    let now = state.clock.now();
    let codes = RecoveryCodes::draw(&*state.random);
    let digests = codes.digests(&state.factors, user.id);
    let event = caller.event(user.id, EventKind::RecoveryCodesMade, now, &*state.random);
    let forget = shown.forget(&state.factors)?;
    let changed = state
        .factors
        .factors
        .renew(&user, &digests, &shown.used, forget, &event, now)
        .await;
    state.settled(changed, &shown).await?;
    Ok(Reply(StatusCode::OK, codes).into_response())
}
