//! `POST /api/auth/sign-in/passkey/verify` — exchanges a passkey's assertion for a session.
//!
//! The body is what `startAuthentication` gives, and `tokenDelivery`. Who it is, the authenticator
//! says. Whatever is wrong with it, the answer is one and the same; what an account's status
//! forbids is told only to who gave a good assertion. Tries of a passkey that is known are counted
//! with those of passwords, and where those lock the account a passkey has to wait as well.

use axum::extract;
use jiff::Timestamp;
use latchkey_shared::domain::id::UserId;
use latchkey_shared::domain::lockout::Bucket;
use latchkey_shared::domain::passkey::PasskeyId;
use latchkey_shared::domain::session::Session;
use latchkey_shared::domain::user::User;
use latchkey_shared::gate::{Delivery, Entrant, Entry};
use latchkey_shared::http::{
    Anonymous, Body, Caller, Code, Device, Fields, FromFields, Problem, steady_refusal,
};
use latchkey_shared::store::lockouts::{Account, Attempt};
use latchkey_shared::store::passkeys::Passkey;
use latchkey_shared::store::places::Place;
use latchkey_shared::webauthn::{AMR, AuthenticationResponse, Ceremony, Opened, refused};

use crate::State;

#[derive(Debug)]
pub(crate) struct Request {
    response: AuthenticationResponse,
    delivery: Delivery,
}

impl FromFields for Request {
    fn read(fields: &mut Fields) -> Option<Self> {
        let response = AuthenticationResponse::read(fields);
        let delivery = fields.optional("tokenDelivery");
        Some(Self {
            response: response?,
            delivery: delivery?.unwrap_or_default(),
        })
    }
}

pub(crate) async fn handler(
    extract::State(state): extract::State<State>,
    _: Anonymous,
    caller: Caller,
    device: Device,
    Body(request): Body<Request>,
) -> Result<Entry, Problem> {
    steady_refusal(Box::pin(answer(&state, &caller, device, request))).await
}

async fn answer(
    state: &State,
    caller: &Caller,
    device: Device,
    request: Request,
) -> Result<Entry, Problem> {
    let source = caller.source.ip;
    let (opened, allowed) = tokio::join!(
        state
            .ceremonies
            .open_assertion(Ceremony::SignIn, request.response),
        state.stuffing.check(source),
    );
    allowed?;
    let opened = opened?.ok_or_else(refused)?;
    let known = state.holder(&opened).await?.ok_or_else(refused)?;
    let account = Account::User(known.user.id);
    let (bucket, new_place) = state.bucket(&device, &known.user, caller).await?;
    let attempt = state.attempts.begin(&account, &bucket, caller).await?;
    let entering = Entering {
        opened,
        device,
        new_place,
        delivery: request.delivery,
    };
    let entered = state.enter(entering, known, &attempt, caller).await;
    match entered {
        Err(problem) if problem.code == Code::InvalidCredentials => {
            tracing::info!(known = true, "sign_in.failed");
            state.attempts.failed(&attempt, caller).await?;
            state.stuffing.note(source, &account).await;
            Err(refused())
        }
        Err(problem) => {
            state.attempts.withdraw(&attempt).await;
            Err(problem)
        }
        entered => entered,
    }
}

/// A passkey, and whose it is.
struct Known {
    passkey: Passkey,
    user: User,
    sessions: Vec<Session>,
}

/// Somebody at the gate.
struct Entering {
    opened: Opened,
    device: Device,
    new_place: bool,
    delivery: Delivery,
}

impl State {
    /// The passkey that signed, with its user, as the authenticator names them. A credential of
    /// one user under another's name is not found.
    async fn holder(&self, opened: &Opened) -> Result<Option<Known>, Problem> {
        let response = opened.response();
        let handle: Option<[u8; 16]> = response
            .user_handle()
            .and_then(|handle| handle.try_into().ok());
        let Some(user) = handle.map(UserId::from_bytes) else {
            return Ok(None);
        };
        let id = PasskeyId::of(response.credential_id());
        let (passkey, user, sessions) = tokio::try_join!(
            self.passkeys.get(user, id),
            self.users.get(user),
            self.sessions.of_user(user),
        )?;
        Ok(passkey.zip(user).map(|(passkey, user)| Known {
            passkey,
            user,
            sessions,
        }))
    }

    /// The bucket that the try counts in: of the device or place, where the user has signed in
    /// before. And whether the place is to be noted.
    async fn bucket(
        &self,
        device: &Device,
        user: &User,
        caller: &Caller,
    ) -> Result<(Bucket, bool), Problem> {
        let now = self.clock.now();
        // With a reset or any other end of all sessions the user's devices are strangers again.
        let counts = |at: &Timestamp| user.cutoff.is_none_or(|cutoff| cutoff.at < *at);
        let known = self.device_cookie.known(device, user.id, now);
        if let Some(known) = known.filter(|known| counts(&known.known_at)) {
            return Ok((Bucket::Device(known.id), false));
        }
        let Some(place) = Place::of(user.email.key(), &caller.source, &self.keys) else {
            return Ok((Bucket::Unknown, false));
        };
        let known_at = self.users.noted_at(&place, user.id, now).await?;
        let known_at = known_at.filter(counts);
        let bucket = match known_at {
            Some(_) => Bucket::Place(place.into_hash()),
            None => Bucket::Unknown,
        };
        Ok((bucket, Place::is_due(known_at, now)))
    }

    /// Looks at the assertion, and lets in who made a good one.
    async fn enter(
        &self,
        entering: Entering,
        known: Known,
        attempt: &Attempt,
        caller: &Caller,
    ) -> Result<Entry, Problem> {
        let Known {
            passkey,
            user,
            sessions,
        } = known;
        let proven = self
            .ceremonies
            .prove(entering.opened, &user, &passkey, caller)
            .await?;
        let entrant = Entrant {
            user,
            sessions,
            amr: AMR.iter().map(ToString::to_string).collect(),
            proof: None,
            attempt: Some(attempt.clone()),
            passkey: Some(proven),
            second: None,
            device: entering.device,
            new_place: entering.new_place,
            delivery: entering.delivery,
        };
        self.gate.admit(entrant, caller).await
    }
}
