//! `POST /api/auth/sign-in` — exchanges a password for a session.
//!
//! Unknown accounts and wrong passwords are one and the same to the caller, in body and in work
//! done; what an account's status forbids is told only to who gave the right password.

use axum::extract;
use latchkey_shared::domain::id::UserId;
use latchkey_shared::domain::identifier::Identifier;
use latchkey_shared::domain::password::SubmittedPassword;
use latchkey_shared::gate::{Delivery, Entrant, SignedIn, invalid_credentials};
use latchkey_shared::http::{Anonymous, Body, Caller, Fields, FromFields, Problem, account_name};
use latchkey_shared::password_hash::Verdict;
use latchkey_shared::store::sessions::PasswordProof;
use latchkey_shared::store::users::Claim;

use crate::State;

/// A password alone (RFC 8176).
const AMR: &[&str] = &["pwd"];

#[derive(Debug)]
pub(crate) struct Request {
    identifier: Identifier,
    password: SubmittedPassword,
    delivery: Delivery,
}

impl FromFields for Request {
    fn read(fields: &mut Fields) -> Option<Self> {
        let identifier = account_name(fields, true);
        let password = fields.required("password");
        let delivery = fields.optional("tokenDelivery");
        // A form may send these empty. Nobody has a second factor as yet that they could name.
        for name in ["code", "token"] {
            if !fields.has(name) {
                fields.discard(name);
            }
        }
        Some(Self {
            identifier: identifier?,
            password: password?,
            delivery: delivery?.unwrap_or_default(),
        })
    }
}

pub(crate) async fn handler(
    extract::State(state): extract::State<State>,
    _: Anonymous,
    caller: Caller,
    Body(request): Body<Request>,
) -> Result<SignedIn, Problem> {
    let now = state.clock.now();
    let holder = state
        .users
        .holder(Claim::from(&request.identifier), now)
        .await?;
    // For nobody the same reads are made, of a user who is not there.
    let id = holder.map_or_else(|| UserId::new(now, &*state.random), |holder| holder.user);
    let (user, sessions) = tokio::try_join!(state.users.get(id), state.sessions.of_user(id))?;
    let user = user.filter(|user| !user.has_lapsed(now));

    let stored = user.as_ref().and_then(|user| user.password_hash.clone());
    let verdict = state
        .hasher
        .verify(&request.password, stored.as_ref())
        .await?;
    let (Some(user), Some(checked), Verdict::Right { rehash }) = (user, stored, verdict) else {
        tracing::info!(known = holder.is_some(), "sign_in.failed");
        return Err(invalid_credentials());
    };
    let entrant = Entrant {
        user,
        sessions,
        amr: AMR,
        proof: Some(PasswordProof { checked, rehash }),
        delivery: request.delivery,
    };
    state.gate.admit(entrant, &caller).await
}
