//! The one way to ask for a code, and the one way to try it.

use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use jiff::Timestamp;
use secrecy::ExposeSecret;

use crate::domain::code::SubmittedCode;
use crate::domain::event::{Event, EventKind};
use crate::domain::id::{SessionId, TokenId, TryId, UserId};
use crate::domain::token::{MAX_TRIES, Purpose, Target, Token};
use crate::domain::user::User;
use crate::env::EnvError;
use crate::http::{Caller, Problem};
use crate::keys::Keyring;
use crate::platform::Platform;
use crate::random::Random;
use crate::store::StoreError;
use crate::store::challenges::Challenges;

/// Hands out challenges and checks what comes back.
#[derive(Clone)]
pub struct Desk {
    /// Where they are kept.
    pub challenges: Challenges,
    keys: Arc<Keyring>,
    random: Arc<dyn Random>,
}

impl Desk {
    /// The desk of a deployment.
    pub fn open(platform: &Platform) -> Result<Self, EnvError> {
        Ok(Self {
            challenges: Challenges::open(&platform.dynamodb(), &platform.env)?,
            keys: platform.keys.clone(),
            random: platform.random.clone(),
        })
    }

    /// A code for somebody who is signed in: good in this session alone.
    pub async fn issue_to_session(
        &self,
        asked: Asked<'_>,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Token, StoreError> {
        let token = self.asked(&asked, now);
        let event = self.requested(&token, asked.user.id, caller, now);
        self.challenges.issue(&token, &event, now).await?;
        Ok(token)
    }

    /// What looks like a code for somebody who is signed in, where the address that they asked for
    /// is another's.
    pub async fn pretend_to_session(
        &self,
        asked: Asked<'_>,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Token, StoreError> {
        let token = Token {
            decoy: true,
            ..self.asked(&asked, now)
        };
        let event = self.requested(&token, asked.user.id, caller, now);
        self.challenges.issue(&token, &event, now).await?;
        Ok(token)
    }

    fn asked(&self, asked: &Asked<'_>, now: Timestamp) -> Token {
        Token {
            session: Some(asked.session),
            ..self.token(asked.purpose, asked.user, asked.target.clone(), now)
        }
    }

    /// A code for whoever has this address, if anybody: the same in every respect where nobody
    /// has. Tries are counted for `line`.
    pub async fn issue_to_address(
        &self,
        purpose: Purpose,
        user: Option<&User>,
        target: Option<Target>,
        line: String,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Token, StoreError> {
        let nobody = UserId::new(now, &*self.random);
        let id = TokenId::new(now, &*self.random);
        let whose = user.map_or(nobody, |user| user.id);
        let token = Token {
            line,
            epoch: user.map_or(0, |user| user.epoch),
            decoy: user.is_none(),
            ..Token::new(id, purpose, whose, target, now)
        };
        let event = self.requested(&token, token.user, caller, now);
        self.challenges.issue(&token, &event, now).await?;
        Ok(token)
    }

    /// A token of a user's, not kept yet.
    pub fn token(&self, purpose: Purpose, user: &User, target: Target, now: Timestamp) -> Token {
        Token {
            epoch: user.epoch,
            ..Token::new(
                TokenId::new(now, &*self.random),
                purpose,
                user.id,
                Some(target),
                now,
            )
        }
    }

    /// The token behind a link that may still be followed.
    pub async fn open_link(
        &self,
        link: &str,
        purpose: Purpose,
        now: Timestamp,
    ) -> Result<Token, Problem> {
        let id = self
            .keys
            .open_link(link, purpose)
            .ok_or_else(Problem::code_expired)?;
        self.challenges
            .get(id)
            .await?
            .filter(|token| token.link_is_alive(purpose, now) && !token.decoy)
            .ok_or_else(Problem::code_expired)
    }

    /// Tries a code of a token that is alive. The try is counted before the code is looked at.
    pub async fn try_code(
        &self,
        token: &Token,
        code: &SubmittedCode,
        now: Timestamp,
    ) -> Result<(), Problem> {
        let by = TryId::new(now, &*self.random);
        let tries = self
            .challenges
            .bump_if(token, by, now)
            .await?
            .ok_or_else(Problem::code_expired)?;
        let anybodys = token.purpose.is_anybodys();
        if anybodys && !self.challenges.bump_day_if(token, by, now).await? {
            return Err(Problem::code_expired());
        }
        let right = self.keys.code(token.id, token.purpose);
        let matches =
            verify_slices_are_equal(right.expose_secret().as_bytes(), code.expose().as_bytes());
        if matches.is_err() || token.decoy {
            return Err(Problem::code_invalid(MAX_TRIES.saturating_sub(tries)));
        }
        Ok(())
    }

    /// The token of a code that was asked for in this session, to this target: tried and right.
    pub async fn redeem_in_session(
        &self,
        redeemed: Redeemed<'_>,
        now: Timestamp,
    ) -> Result<Token, Problem> {
        let token = self
            .challenges
            .get(redeemed.token)
            .await?
            .filter(|token| {
                token.code_is_alive(redeemed.purpose, now)
                    && token.user == redeemed.user.id
                    && token.session == Some(redeemed.session)
                    && token.epoch == redeemed.user.epoch
                    && redeemed
                        .target
                        .is_none_or(|target| token.target.as_ref() == Some(target))
            })
            .ok_or_else(Problem::code_expired)?;
        self.try_code(&token, redeemed.code, now).await?;
        Ok(token)
    }

    fn requested(&self, token: &Token, user: UserId, caller: &Caller, now: Timestamp) -> Event {
        let kind = EventKind::ChallengeRequested {
            purpose: token.purpose,
            token_id: token.id,
        };
        caller.event(user, kind, now, &*self.random)
    }
}

/// What somebody who is signed in asks a code for.
#[derive(Debug)]
pub struct Asked<'a> {
    /// What the code is to do.
    pub purpose: Purpose,
    /// Who asks.
    pub user: &'a User,
    /// The session that they ask in.
    pub session: SessionId,
    /// Where the code goes.
    pub target: Target,
}

/// What somebody who is signed in sends back.
#[derive(Debug)]
pub struct Redeemed<'a> {
    /// What the code is to do.
    pub purpose: Purpose,
    /// Who sends it.
    pub user: &'a User,
    /// The session that they send it in.
    pub session: SessionId,
    /// The address or number that they say it is for, where the purpose has one.
    pub target: Option<&'a Target>,
    /// The token's id.
    pub token: TokenId,
    /// The code.
    pub code: &'a SubmittedCode,
}
