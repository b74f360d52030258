//! `POST /api/auth/sign-in` — exchanges a password for a session.
//!
//! Unknown accounts and wrong passwords are one and the same to the caller, in body and in work
//! done; what an account's status forbids is told only to who gave the right password. A try is
//! counted before its password is looked at, and one that is locked out is never looked at.
//!
//! An account with second factors gets `mfa_required` and a token, with which the same route takes
//! the second step: see [`crate::second_step`].

use axum::extract;
use jiff::Timestamp;
use latchkey_shared::domain::id::UserId;
use latchkey_shared::domain::identifier::Identifier;
use latchkey_shared::domain::lockout::Bucket;
use latchkey_shared::domain::password::SubmittedPassword;
use latchkey_shared::domain::session::Session;
use latchkey_shared::domain::user::User;
use latchkey_shared::gate::{Delivery, Entrant, Entry, invalid_credentials};
use latchkey_shared::http::{
    Anonymous, Body, Caller, Code, Device, Fields, FromFields, Problem, account_name,
    steady_refusal,
};
use latchkey_shared::password_hash::Verdict;
use latchkey_shared::store::lockouts::{Account, Attempt};
use latchkey_shared::store::places::Place;
use latchkey_shared::store::sessions::PasswordProof;

use crate::State;
use crate::second_step::SecondStep;

/// A password alone (RFC 8176).
const AMR: &str = "pwd";

/// One of the two steps of a sign-in.
#[derive(Debug)]
pub(crate) enum Request {
    First(FirstStep),
    Second(SecondStep),
}

#[derive(Debug)]
pub(crate) struct FirstStep {
    identifier: Identifier,
    password: SubmittedPassword,
    delivery: Delivery,
}

impl FromFields for Request {
    fn read(fields: &mut Fields) -> Option<Self> {
        // A form may send empty what it has no use for.
        for name in ["code", "token", "method"] {
            if !fields.has(name) {
                fields.discard(name);
            }
        }
        if fields.has("token") {
            return SecondStep::read(fields).map(Self::Second);
        }
        if fields.has("code") {
            fields.refuse(
                "token",
                "required",
                "Send the token that the first step gave.",
            );
        }
        for name in ["code", "method", "trustDevice"] {
            fields.discard(name);
        }
        let identifier = account_name(fields, true);
        let password = fields.required("password");
        let delivery = fields.optional("tokenDelivery");
        Some(Self::First(FirstStep {
            identifier: identifier?,
            password: password?,
            delivery: delivery?.unwrap_or_default(),
        }))
    }
}

pub(crate) async fn handler(
    extract::State(state): extract::State<State>,
    _: Anonymous,
    caller: Caller,
    device: Device,
    Body(request): Body<Request>,
) -> Result<Entry, Problem> {
    match request {
        Request::First(step) => {
            steady_refusal(Box::pin(answer(&state, &caller, device, step))).await
        }
        Request::Second(step) => Box::pin(state.second_step(step, device, &caller)).await,
    }
}

async fn answer(
    state: &State,
    caller: &Caller,
    device: Device,
    request: FirstStep,
) -> Result<Entry, Problem> {
    let now = state.clock.now();
    let (name, source) = (&request.identifier, caller.source.ip);
    let place = Place::of(name.key(), &caller.source, &state.keys);
    let (found, allowed) = tokio::join!(
        state.users.holder_at(name, place.as_ref(), now),
        state.stuffing.check(source),
    );
    allowed?;
    let found = found?;
    // For nobody the same reads are made, of a user who is not there.
    let id = found
        .holder
        .map_or_else(|| UserId::new(now, &*state.random), |holder| holder.user);
    let account = Account::of(found.holder, name, &state.keys);
    let known = state.recognise(&device, id, place, found.known_at);
    let (attempt, read) = state.count(&account, known, id, caller).await?;
    let entered = state
        .enter(request, read, &attempt, (device, found.known_at), caller)
        .await;
    match &entered {
        Ok(_) => {}
        Err(problem) if problem.code == Code::InvalidCredentials => {
            tracing::info!(known = found.holder.is_some(), "sign_in.failed");
            state.attempts.failed(&attempt, caller).await?;
            state.stuffing.note(source, &account).await;
        }
        // The password was right, or was never looked at.
        Err(_) => state.attempts.withdraw(&attempt).await,
    }
    entered
}

/// A user and their sessions, as far as there are any.
type Read = (Option<User>, Vec<Session>);

/// The bucket of somebody who has signed in here before, and when that was noted.
struct Known {
    bucket: Bucket,
    at: Timestamp,
}

impl State {
    /// Whether the user has signed in before on this device; or, for clients that keep no
    /// cookies or lost them, at this place.
    fn recognise(
        &self,
        device: &Device,
        user: UserId,
        place: Option<Place>,
        place_known_at: Option<Timestamp>,
    ) -> Option<Known> {
        let device = self.device_cookie.known(device, user, self.clock.now());
        match (device, place.zip(place_known_at)) {
            (Some(device), _) => Some(Known {
                bucket: Bucket::Device(device.id),
                at: device.known_at,
            }),
            (None, Some((place, at))) => Some(Known {
                bucket: Bucket::Place(place.into_hash()),
                at,
            }),
            (None, None) => None,
        }
    }

    /// Counts the try while the user is read.
    async fn count(
        &self,
        account: &Account,
        known: Option<Known>,
        id: UserId,
        caller: &Caller,
    ) -> Result<(Attempt, Read), Problem> {
        let (bucket, known_at) = match known {
            Some(known) => (known.bucket, Some(known.at)),
            None => (Bucket::Unknown, None),
        };
        let (attempt, read) = tokio::join!(self.attempts.begin(account, &bucket, caller), async {
            tokio::try_join!(self.users.get(id), self.sessions.of_user(id))
        });
        let attempt = attempt?;
        let read = match read {
            Ok(read) => read,
            Err(error) => {
                self.attempts.withdraw(&attempt).await;
                return Err(error.into());
            }
        };
        if !is_forgotten(known_at, read.0.as_ref()) {
            return Ok((attempt, read));
        }
        self.attempts.withdraw(&attempt).await;
        let attempt = self
            .attempts
            .begin(account, &Bucket::Unknown, caller)
            .await?;
        Ok((attempt, read))
    }

    /// Looks at the password, and lets in who gave the right one.
    async fn enter(
        &self,
        request: FirstStep,
        (user, sessions): Read,
        attempt: &Attempt,
        (device, place_known_at): (Device, Option<Timestamp>),
        caller: &Caller,
    ) -> Result<Entry, Problem> {
        let now = self.clock.now();
        let user = user.filter(|user| !user.has_lapsed(now));
        let stored = user.as_ref().and_then(|user| user.password_hash.clone());
        let verdict = self
            .hasher
            .verify(&request.password, stored.as_ref())
            .await?;
        let (Some(user), Some(checked), Verdict::Right { rehash }) = (user, stored, verdict) else {
            return Err(invalid_credentials());
        };
        let forgotten = is_forgotten(place_known_at, Some(&user));
        let entrant = Entrant {
            new_place: forgotten || Place::is_due(place_known_at, now),
            user,
            sessions,
            amr: vec![AMR.to_owned()],
            proof: Some(PasswordProof { checked, rehash }),
            attempt: Some(attempt.clone()),
            passkey: None,
            second: None,
            device,
            delivery: request.delivery,
        };
        self.gate.admit(entrant, caller).await
    }
}

/// Whether what was known of a device is void: with a reset or any other end of all sessions the
/// user's devices are strangers again.
fn is_forgotten(known_at: Option<Timestamp>, user: Option<&User>) -> bool {
    let cutoff = user.and_then(|user| user.cutoff);
    known_at
        .zip(cutoff)
        .is_some_and(|(known_at, cutoff)| known_at <= cutoff.at)
}
