//! Passkeys (WebAuthn Level 3): registering them, and proving by one who somebody is.
//!
//! A ceremony begins with options, whose challenge the authenticator signs. What the service has to
//! remember of it is in the cache for 5 minutes and is taken out once, before anything is checked.
//! The client sends back nothing but what the browser gave it: the challenge in its signed client
//! data says which ceremony it answers, and only one of the same purpose, user and session is found.
//!
//! Every passkey is discoverable and every ceremony demands that the user was verified, so one
//! passkey is two factors: something they have, and something they know or are.

mod ceremony;
mod relying_party;
mod response;

use std::sync::Arc;
use std::time::Duration;

use webauthn_rs::prelude::{
    Credential, DiscoverableAuthentication, PasskeyRegistration, WebauthnError,
};
use webauthn_rs_proto::{
    AllowCredentials, PublicKeyCredentialCreationOptions, PublicKeyCredentialRequestOptions,
    ResidentKeyRequirement,
};

pub use self::ceremony::Ceremony;
pub use self::relying_party::RelyingParty;
pub use self::response::{AuthenticationResponse, RegistrationResponse};
use crate::cache::Cache;
use crate::clock::Clock;
use crate::domain::event::EventKind;
use crate::domain::id::{SessionId, UserId};
use crate::domain::user::User;
use crate::http::{Caller, Code, Problem};
use crate::platform::{Platform, StartError};
use crate::random::Random;
use crate::store::events::Events;
use crate::store::passkeys::{Passkey, Use};
use crate::telemetry::chain;

/// What a passkey proves (RFC 8176): the possession of a key (of hardware or of software, which
/// nobody attests), by a user who was there, with a second factor to unlock it. Which one that was,
/// a finger or a PIN, the authenticator keeps to itself.
pub const AMR: &[&str] = &["pop", "user", "mfa"];

/// How long options can be answered (WebAuthn L3 section 15.1: 5 to 10 minutes).
pub const LIFE: Duration = Duration::from_mins(5);

/// An assertion whose challenge was taken: it can be tried this once.
pub struct Opened {
    state: DiscoverableAuthentication,
    response: AuthenticationResponse,
}

/// Why an assertion proves nothing.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    /// The signature is right, and its counter is not ahead: another device has the same key.
    #[error("the counter of the passkey went back")]
    Cloned,
    #[error("the assertion is not valid")]
    Invalid(#[source] WebauthnError),
    #[error("another user is named")]
    OtherUser,
    /// The library looks at this when a passkey is registered, and not when it is used.
    #[error("the page is in a frame of another site's")]
    Framed,
    /// `courier` removes it, but must not be waited for.
    #[error("the owner said that the passkey is not theirs")]
    Rejected,
}

/// Begins and ends the ceremonies of passkeys.
#[derive(Clone)]
pub struct Ceremonies {
    party: RelyingParty,
    cache: Arc<dyn Cache>,
    events: Events,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl Ceremonies {
    /// The ceremonies of a deployment.
    pub fn open(platform: &Platform, cache: Arc<dyn Cache>) -> Result<Self, StartError> {
        Ok(Self {
            party: RelyingParty::open(&platform.env)?,
            cache,
            events: Events::open(&platform.dynamodb(), &platform.env)?,
            clock: platform.clock.clone(),
            random: platform.random.clone(),
        })
    }

    /// Options for a new passkey of somebody who has these.
    pub async fn begin_registration(
        &self,
        user: &User,
        session: SessionId,
        present: &[Passkey],
    ) -> Result<PublicKeyCredentialCreationOptions, Problem> {
        let exclude = present.iter().map(|passkey| passkey.credential_id().into());
        let (options, state) = self
            .party
            .webauthn()
            .start_passkey_registration(
                uuid::Uuid::from_bytes(*user.id.as_bytes()),
                user.email.as_str(),
                user.name.as_str(),
                Some(exclude.collect()),
            )
            .map_err(|error| Problem::internal(&error))?;
        let mut options = options.public_key;
        // Without a user name at sign-in only what the authenticator itself keeps can be found.
        if let Some(selection) = &mut options.authenticator_selection {
            selection.resident_key = Some(ResidentKeyRequirement::Required);
            selection.require_resident_key = true;
        }
        let listed = options.exclude_credentials.iter_mut().flatten();
        for (descriptor, passkey) in listed.zip(present) {
            descriptor.transports = passkey.transports();
        }
        let ceremony = Ceremony::Registration(user.id, session);
        self.remember(ceremony, &options.challenge, &state).await?;
        Ok(options)
    }

    /// The credential that a browser made for options of this user and session.
    pub async fn finish_registration(
        &self,
        user: UserId,
        session: SessionId,
        response: &RegistrationResponse,
    ) -> Result<Credential, Problem> {
        let challenge = response.challenge().ok_or_else(unusable)?;
        let ceremony = Ceremony::Registration(user, session);
        let state: PasskeyRegistration = self
            .take(ceremony, &challenge)
            .await?
            .ok_or_else(unusable)?;
        let made = self
            .party
            .webauthn()
            .finish_passkey_registration(&response.to_credential(), &state)
            .map_err(|error| {
                tracing::info!(user.id = %user, error = chain(&error), "passkey.not_registered");
                unusable()
            })?;
        let mut made = Credential::from(made);
        // The library keeps them only where an attestation vouches for them. Here they are a hint.
        made.transports = Some(response.transports());
        // The authenticator data is what counts; the browser's copy must not say another thing.
        if made.cred_id.as_slice() == response.credential_id() {
            Ok(made)
        } else {
            Err(unusable())
        }
    }

    /// Options for a sign-in, the same for everybody: which passkeys there are, the user's own
    /// devices know.
    pub async fn begin_sign_in(&self) -> Result<PublicKeyCredentialRequestOptions, Problem> {
        self.begin(Ceremony::SignIn, &[]).await
    }

    /// Options for a proof by one of these passkeys of somebody who is signed in.
    pub async fn begin_step_up(
        &self,
        user: UserId,
        session: SessionId,
        present: &[Passkey],
    ) -> Result<PublicKeyCredentialRequestOptions, Problem> {
        self.begin(Ceremony::StepUp(user, session), present).await
    }

    /// Takes the challenge that an assertion answers; none where there is no such ceremony, or no
    /// longer. Nothing of the assertion has been checked by then.
    pub async fn open_assertion(
        &self,
        ceremony: Ceremony,
        response: AuthenticationResponse,
    ) -> Result<Option<Opened>, Problem> {
        let Some(challenge) = response.challenge() else {
            return Ok(None);
        };
        let state = self.take(ceremony, &challenge).await?;
        Ok(state.map(|state| Opened { state, response }))
    }

    /// What an assertion by this passkey of this user proves. A passkey that looks copied is told
    /// to its owner.
    pub async fn prove(
        &self,
        opened: Opened,
        user: &User,
        passkey: &Passkey,
        caller: &Caller,
    ) -> Result<Use, Problem> {
        let now = self.clock.now();
        let refusal = match self.check(opened, user, passkey) {
            Ok(result) => return Ok(passkey.used(&result, now)),
            Err(refusal) => refusal,
        };
        tracing::info!(user.id = %passkey.user, error = chain(&refusal), "passkey.refused");
        if matches!(refusal, Refusal::Cloned) {
            let kind = EventKind::PasskeyCloneSuspected {
                passkey_id: passkey.id,
            };
            let event = caller.event(passkey.user, kind, now, &*self.random);
            self.events.write(&event).await?;
        }
        Err(refused())
    }

    fn check(
        &self,
        opened: Opened,
        user: &User,
        passkey: &Passkey,
    ) -> Result<webauthn_rs::prelude::AuthenticationResult, Refusal> {
        let Opened { state, response } = opened;
        if user.has_rejected(passkey.created_at.as_millisecond()) {
            return Err(Refusal::Rejected);
        }
        if response.is_framed() {
            return Err(Refusal::Framed);
        }
        let handle = response.user_handle();
        if handle.is_some_and(|handle| handle != passkey.user.as_bytes()) {
            return Err(Refusal::OtherUser);
        }
        self.party
            .webauthn()
            .finish_discoverable_authentication_v2(
                &response.to_credential(),
                state,
                passkey.credential(),
            )
            .map_err(|error| match error {
                WebauthnError::CredentialPossibleCompromise => Refusal::Cloned,
                error => Refusal::Invalid(error),
            })
    }

    async fn begin(
        &self,
        ceremony: Ceremony,
        allowed: &[Passkey],
    ) -> Result<PublicKeyCredentialRequestOptions, Problem> {
        let (options, state) = self
            .party
            .webauthn()
            .start_discoverable_authentication()
            .map_err(|error| Problem::internal(&error))?;
        let mut options = options.public_key;
        options.extensions = None;
        options.allow_credentials = allowed
            .iter()
            .map(|passkey| AllowCredentials {
                type_: "public-key".to_owned(),
                id: passkey.credential_id().to_owned(),
                transports: passkey.transports(),
            })
            .collect();
        self.remember(ceremony, &options.challenge, &state).await?;
        Ok(options)
    }
}

impl Opened {
    /// What the browser sent.
    pub fn response(&self) -> &AuthenticationResponse {
        &self.response
    }
}

/// A passkey that proves nothing: never said why.
pub fn refused() -> Problem {
    Problem::new(
        Code::InvalidCredentials,
        "The passkey was not accepted. Ask for new options and try again, or sign in another way.",
    )
}

/// A new passkey that can't be taken: never said why.
fn unusable() -> Problem {
    Problem::new(
        Code::PasskeyInvalid,
        "Ask for new options and let the browser make the passkey again.",
    )
}
