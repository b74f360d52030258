//! Sign-up and verification: users, claims, tokens and events that change together.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, Update};
use jiff::Timestamp;

use super::StoreError;
use super::events::Events;
use super::item::{number, text};
use super::tokens::{Half, Tokens};
use super::transaction::{CommitError, Transaction};
use super::users::{Claim, Users};
use crate::domain::event::Event;
use crate::domain::id::UserId;
use crate::domain::token::Token;
use crate::domain::user::{ADMIN_ROLE, User};
use crate::env::{Env, EnvError};

/// Which write of a sign-up or a verification found its condition not met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Write {
    /// The user's own row.
    User,
    /// The claim of the address.
    Email,
    /// The claim of the username.
    Username,
    /// The claim of the phone number.
    Phone,
    /// The claim of being the first admin.
    FirstAdmin,
    /// The token.
    Token,
    /// The event.
    Event,
}

/// What shows that the address of a sign-up is its owner's.
#[derive(Debug, Clone, Copy)]
pub struct Proof<'a> {
    /// The token.
    pub token: &'a Token,
    /// The half of it that was used.
    pub half: Half,
    /// How many sign-ups there have been for the address, where the token does not say which one
    /// its user means.
    pub sign_ups: Option<u32>,
}

impl Proof<'_> {
    /// Whether the sign-up may be a stranger's. Then its password, its username and its phone
    /// number are dropped: any of them would be a way in.
    pub fn is_ambiguous(&self) -> bool {
        self.sign_ups.is_some_and(|sign_ups| sign_ups > 1)
    }
}

/// Begins accounts and makes them active.
#[derive(Debug, Clone)]
pub struct SignUps {
    client: Client,
    users: Users,
    tokens: Tokens,
    events: Events,
}

impl SignUps {
    /// The tables of sign-up: users, tokens and events.
    pub fn open(client: &Client, env: &Env) -> Result<Self, EnvError> {
        Ok(Self {
            client: client.clone(),
            users: Users::open(client, env)?,
            tokens: Tokens::open(client, env)?,
            events: Events::open(client, env)?,
        })
    }

    /// Begins an account: the pending user, the claims on what is theirs alone, the token that is
    /// mailed and the events. Of several sign-ups for one address that nobody has verified, the
    /// newest holds it, and the first to verify has it. A shadow claims no address, and the event
    /// of its sign-up is the address owner's.
    pub async fn begin(
        &self,
        user: &User,
        token: &Token,
        events: &[Event],
    ) -> Result<(), CommitError<Write>> {
        let mut transaction = Transaction::new()
            .put(Write::User, self.users.put_new(user)?)
            .put(Write::Token, self.tokens.put_new(token)?);
        for event in events {
            transaction = transaction.put(Write::Event, self.events.put(event)?);
        }
        for (write, claim) in held_claims(user) {
            let take = self
                .users
                .take_claim(claim, user.id, user.lapses_at, user.created_at)?;
            transaction = transaction.update(write, take);
        }
        // Another has the number: that it is wanted by more than one is noted, since a code to it
        // could then be meant for any of them.
        if let Some(phone) = user.phone_number.as_ref().filter(|_| !user.holds_phone) {
            let wanted = self
                .users
                .change_claim(Claim::Phone(phone))
                .when("attribute_exists(pk)")
                .add("signUps", number(1));
            transaction = transaction.update(Write::Phone, wanted.build()?);
        }
        transaction.commit(&self.client).await
    }

    /// Makes a pending user active by one half of a token, which is used up, and lets their claims
    /// last. With `first_admin` they become admin too, unless there has been one.
    pub async fn verify(
        &self,
        user: &User,
        proof: &Proof<'_>,
        first_admin: bool,
        event: &Event,
        now: Timestamp,
    ) -> Result<(), CommitError<Write>> {
        let Proof { token, half, .. } = *proof;
        let whole = !proof.is_ambiguous();
        let mut transaction = Transaction::new()
            .update(Write::Token, self.tokens.consume(token, half, now)?)
            .update(Write::User, self.activate(user, first_admin, whole)?)
            .put(Write::Event, self.events.put(event)?);
        if token.purpose.newest_wins() {
            transaction = transaction.delete(Write::Token, self.tokens.settle(token)?);
        }
        for (write, claim) in held_claims(user) {
            let keep = match claim {
                Claim::Email(_) => self.win_address(claim, user.id, proof.sign_ups)?,
                _ if whole => self.keep_claim(claim, user.id)?,
                _ => {
                    let released = self.users.release_claim(claim, user.id)?;
                    transaction = transaction.delete(write, released);
                    continue;
                }
            };
            transaction = transaction.update(write, keep);
        }
        if first_admin {
            let claim = self
                .users
                .take_claim(Claim::FirstAdmin, user.id, None, now)?;
            transaction = transaction.update(Write::FirstAdmin, claim);
        }
        transaction.commit(&self.client).await
    }

    fn activate(&self, user: &User, first_admin: bool, whole: bool) -> Result<Update, StoreError> {
        let mut row = self
            .users
            .change(user)
            .when("shadow = :false")
            .with(":false", AttributeValue::Bool(false))
            .set_named("#status", "status", text("active"))
            .set("emailVerified", AttributeValue::Bool(true))
            .remove("lapsesAt")
            .remove_named("#ttl", "ttl");
        if first_admin {
            let mut roles: Vec<AttributeValue> = user.roles.iter().map(text).collect();
            roles.push(text(ADMIN_ROLE));
            row = row.set_named("#roles", "roles", AttributeValue::L(roles));
        }
        if !whole {
            row = row
                .remove("passwordHash")
                .remove("username")
                .remove("phoneNumber")
                .set("phoneVerified", AttributeValue::Bool(false))
                .set("holdsPhone", AttributeValue::Bool(false));
        }
        row.build()
    }

    /// Gives a user the address for good, if no sign-up for it has been verified before.
    fn win_address(
        &self,
        claim: Claim<'_>,
        user: UserId,
        sign_ups: Option<u32>,
    ) -> Result<Update, StoreError> {
        let mut row = self
            .users
            .change_claim(claim)
            .when("attribute_exists(lapsesAt)")
            .set("userId", text(user))
            .remove("lapsesAt")
            .remove("signUps")
            .remove_named("#ttl", "ttl");
        if let Some(sign_ups) = sign_ups {
            row = row
                .when("signUps = :signUps")
                .with(":signUps", number(sign_ups));
        }
        row.build()
    }

    fn keep_claim(&self, claim: Claim<'_>, user: UserId) -> Result<Update, StoreError> {
        self.users
            .change_claim(claim)
            .when("userId = :user")
            .with(":user", text(user))
            .remove("lapsesAt")
            .remove_named("#ttl", "ttl")
            .build()
    }
}

/// What is the user's alone. A shadow never holds its address, but something of the same cost.
fn held_claims(user: &User) -> Vec<(Write, Claim<'_>)> {
    let email = if user.shadow {
        Claim::Shadow(user.id)
    } else {
        Claim::Email(&user.email)
    };
    let username = user
        .username
        .as_ref()
        .map(|username| (Write::Username, Claim::Username(username)));
    let phone = user
        .phone_number
        .as_ref()
        .filter(|_| user.holds_phone)
        .map(|phone| (Write::Phone, Claim::Phone(phone)));
    [Some((Write::Email, email)), username, phone]
        .into_iter()
        .flatten()
        .collect()
}
