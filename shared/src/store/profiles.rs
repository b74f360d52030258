//! What users change about their own account: rows, claims, tokens and events together.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, Delete};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use super::StoreError;
use super::change::Change;
use super::events::Events;
use super::item::{number, text, time};
use super::plans::Plans;
use super::sessions::Sessions;
use super::tokens::{Half, Tokens};
use super::transaction::{CommitError, Transaction};
use super::users::{self, Claim, Users};
use crate::domain::event::Event;
use crate::domain::id::{SessionId, UserId};
use crate::domain::image_url::ImageUrl;
use crate::domain::name::DisplayName;
use crate::domain::phone::PhoneNumber;
use crate::domain::token::{FormerPhone, Target, Token};
use crate::domain::user::{Former, Preferences, Status, UNDO_LIFE, User};
use crate::domain::username::Username;
use crate::env::{Env, EnvError};

/// The most sessions that are deleted with another change: DynamoDB takes 100 writes at once. Any
/// that are left are over all the same, by the cutoff in the user's row.
pub const MAX_ENDED_BESIDE: usize = 60;

/// Changes users' own accounts.
#[derive(Debug, Clone)]
pub struct Profiles {
    client: Client,
    users: Users,
    sessions: Sessions,
    tokens: Tokens,
    plans: Plans,
    events: Events,
}

/// Which write of a change found its condition not met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Write {
    /// The user's row: it has changed since it was read.
    User,
    /// The claim of what the user wants.
    Wanted,
    /// A claim that the user has or had.
    Own,
    /// The user who loses a number that they never showed to be theirs.
    Loser,
    /// A token.
    Token,
    /// A session.
    Session,
    /// How many have the user's plan.
    Plan,
    /// An event.
    Event,
}

/// New values of what everybody may see of a user. What is `None` stays.
#[derive(Debug, Default)]
pub struct BasicChange {
    /// The name.
    pub name: Option<DisplayName>,
    /// The picture, or none.
    pub image_url: Option<Option<ImageUrl>>,
    /// The username, or none.
    pub username: Option<Option<Username>>,
}

/// Why a password may be changed.
#[derive(Debug)]
pub enum Warrant<'a> {
    /// The current one was given, and matched this hash.
    Current(&'a SecretString),
    /// A mailed code or link.
    Token(&'a Token, Half),
}

/// A new password, and what ends with the old one.
#[derive(Debug)]
pub struct PasswordChange<'a> {
    /// Why it may be changed.
    pub warrant: Warrant<'a>,
    /// The hash of the new one.
    pub hash: &'a SecretString,
    /// The session that goes on, where there is one.
    pub kept: Option<SessionId>,
    /// The sessions whose rows are deleted, at most [`MAX_ENDED_BESIDE`].
    pub ended: &'a [SessionId],
    /// The token whose link says that it was not the owner.
    pub notice: &'a Token,
}

/// An address or number that an account moves to, or back to.
#[derive(Debug)]
pub struct Move<'a> {
    /// Where to.
    pub target: &'a Target,
    /// The code that allows it.
    pub token: &'a Token,
    /// The token whose link takes it back.
    pub undo: &'a Token,
    /// Who has the number without having shown that it is theirs.
    pub loser: Option<UserId>,
}

/// An account as it is held after its owner said "that was not me".
#[derive(Debug)]
pub struct Hold<'a> {
    /// The link's token.
    pub token: &'a Token,
    /// The address that the account goes back to.
    pub email: Option<&'a Target>,
    /// The number that it goes back to, or none at all.
    pub phone: Option<Option<&'a FormerPhone>>,
    /// The claims that it gives up for it.
    pub released: Vec<Target>,
    /// What stays of its former addresses and numbers.
    pub former: Vec<Former>,
    /// The sessions whose rows are deleted, at most [`MAX_ENDED_BESIDE`].
    pub ended: &'a [SessionId],
}

impl Profiles {
    /// The tables that a user's own changes touch.
    pub fn open(client: &Client, env: &Env) -> Result<Self, EnvError> {
        Ok(Self {
            client: client.clone(),
            users: Users::open(client, env)?,
            sessions: Sessions::open(client, env)?,
            tokens: Tokens::open(client, env)?,
            plans: Plans::open(client, env)?,
            events: Events::open(client, env)?,
        })
    }

    /// Changes name, picture and username. Refused at [`Write::Wanted`] where somebody has the
    /// username.
    pub async fn change_basics(
        &self,
        user: &User,
        basics: &BasicChange,
        event: &Event,
        now: Timestamp,
    ) -> Result<(), CommitError<Write>> {
        let mut row = self.users.change(user);
        let mut transaction = Transaction::new().put(Write::Event, self.events.put(event)?);
        if let Some(name) = &basics.name {
            row = row.set_named("#name", "name", text(name.as_str()));
        }
        if let Some(image_url) = &basics.image_url {
            row = row.set_or_remove("imageUrl", image_url.as_ref().map(|url| text(url.as_str())));
        }
        if let Some(username) = &basics.username {
            row = same(
                row,
                "username",
                user.username.as_ref().map(Username::as_str),
            )
            .set_or_remove(
                "username",
                username.as_ref().map(|name| text(name.as_str())),
            );
            let key = |name: &Option<Username>| name.as_ref().map(|name| name.key().to_owned());
            if key(username) != key(&user.username) {
                if let Some(wanted) = username {
                    let taken =
                        self.users
                            .take_claim(Claim::Username(wanted), user.id, None, now)?;
                    transaction = transaction.update(Write::Wanted, taken);
                }
                if let Some(old) = &user.username {
                    let released = self.users.release_claim(Claim::Username(old), user.id)?;
                    transaction = transaction.delete(Write::Own, released);
                }
            }
        }
        transaction
            .update(Write::User, row.build()?)
            .commit(&self.client)
            .await
    }

    /// Changes what the user wants to be told.
    pub async fn change_preferences(
        &self,
        user: &User,
        preferences: &Preferences,
        event: &Event,
    ) -> Result<(), CommitError<Write>> {
        let row = self
            .users
            .change(user)
            .set("preferences", attribute(preferences)?);
        Transaction::new()
            .update(Write::User, row.build()?)
            .put(Write::Event, self.events.put(event)?)
            .commit(&self.client)
            .await
    }

    /// Uses up a code for what is verified already.
    pub async fn confirm(
        &self,
        token: &Token,
        event: &Event,
        now: Timestamp,
    ) -> Result<(), CommitError<Write>> {
        self.spend(token, Half::Code, now)?
            .put(Write::Event, self.events.put(event)?)
            .commit(&self.client)
            .await
    }

    /// Notes that the user's number is theirs.
    pub async fn verify_phone(
        &self,
        user: &User,
        number: &PhoneNumber,
        token: &Token,
        event: &Event,
        now: Timestamp,
    ) -> Result<(), CommitError<Write>> {
        let row = same(
            self.users.change(user),
            "phoneNumber",
            Some(number.as_str()),
        )
        .set("phoneVerified", AttributeValue::Bool(true));
        let claim = self
            .users
            .change_claim(Claim::Phone(number))
            .when("userId = :user")
            .with(":user", text(user.id))
            .remove("unproven");
        self.spend(token, Half::Code, now)?
            .update(Write::User, row.build()?)
            .update(Write::Own, claim.build()?)
            .put(Write::Event, self.events.put(event)?)
            .commit(&self.client)
            .await
    }

    /// Moves the account to the address or number of the token, which its user has shown to be
    /// theirs. What they had is held for them. Refused at [`Write::Wanted`] where somebody else
    /// has shown the same by now.
    pub async fn relocate(
        &self,
        user: &User,
        to: &Move<'_>,
        event: &Event,
        now: Timestamp,
    ) -> Result<(), CommitError<Write>> {
        let old = match to.target {
            Target::Email(_) => Some(Target::Email(user.email.clone())),
            Target::Phone(_) => user.phone_number.clone().map(Target::Phone),
        };
        let mut former: Vec<Former> = user
            .former
            .iter()
            .filter(|former| former.is_held(now) && former.target != *to.target)
            .cloned()
            .collect();
        let held = old.filter(|old| holds(user, old) && old != to.target);
        former.extend(held.clone().map(|target| Former {
            target,
            given_up_at: now.as_millisecond(),
        }));
        let row = self
            .placed(user, to.target, true)
            .set("former", attribute(&former)?)
            .set("epoch", number(user.epoch + 1));
        let mut transaction = self
            .spend(to.token, Half::Code, now)?
            .update(Write::User, row.build()?)
            .update(
                Write::Wanted,
                self.users
                    .win_claim(claim_of(to.target), user.id, true, now)?,
            )
            .put(Write::Token, self.tokens.put_new(to.undo)?)
            .put(Write::Event, self.events.put(event)?);
        if let Some(old) = &held {
            let hold = self
                .users
                .hold_claim(claim_of(old), user.id, now + UNDO_LIFE)?;
            transaction = transaction.update(Write::Own, hold);
        }
        if let Some(loser) = to.loser {
            let loses = Change::of(&self.users, users::profile_key(loser))
                .when("attribute_exists(pk)")
                .set("holdsPhone", AttributeValue::Bool(false));
            transaction = transaction.update(Write::Loser, loses.build()?);
        }
        transaction.commit(&self.client).await
    }

    /// Takes a change back and holds the account: every session is over, and nobody gets in until
    /// a new password is set by mail.
    pub async fn hold(
        &self,
        user: &User,
        hold: &Hold<'_>,
        event: &Event,
        now: Timestamp,
    ) -> Result<(), CommitError<Write>> {
        let mut row = self.users.change(user);
        if user.status == Status::Active {
            let detail = user.status_detail.next(None, None, now);
            row = users::place_status(row, user.id, Status::SecurityIssue, &detail);
        }
        let mut transaction = Transaction::new()
            .update(
                Write::Token,
                self.tokens.consume(hold.token, Half::Link, now)?,
            )
            .put(Write::Event, self.events.put(event)?);
        let phone = hold
            .phone
            .map(|former| former.map(|former| (Target::Phone(former.number.clone()), former)));
        if let Some(email) = hold.email {
            row = same(row, "email", Some(user.email.as_str()));
            row = place(row, email, true);
        }
        match &phone {
            Some(Some((target, former))) => row = place(row, target, former.verified),
            Some(None) => {
                row = row
                    .remove("phoneNumber")
                    .set("phoneVerified", AttributeValue::Bool(false))
                    .set("holdsPhone", AttributeValue::Bool(false));
            }
            None => {}
        }
        let restored_phone = phone.iter().flatten().next();
        let restored = [
            hold.email.map(|email| (email, true)),
            restored_phone.map(|(target, former)| (target, former.verified)),
        ];
        for (target, proven) in restored.into_iter().flatten() {
            let won = self
                .users
                .win_claim(claim_of(target), user.id, proven, now)?;
            transaction = transaction.update(Write::Wanted, won);
        }
        for target in &hold.released {
            let released = self.users.release_claim(claim_of(target), user.id)?;
            transaction = transaction.delete(Write::Own, released);
        }
        row = row
            .set("former", attribute(&hold.former)?)
            .set("epoch", number(user.epoch + 1))
            .set("tokensValidAfter", time(now))
            .remove("keptSession");
        self.ending(transaction, user, hold.ended)?
            .update(Write::User, row.build()?)
            .commit(&self.client)
            .await
    }

    /// Sets a new password: all other sessions are over, and every token of before is dead. Who
    /// was held until they do so is held no longer.
    pub async fn change_password(
        &self,
        user: &User,
        change: &PasswordChange<'_>,
        events: &[Event],
        now: Timestamp,
    ) -> Result<(), CommitError<Write>> {
        let mut row = self.users.change(user);
        if user.status == Status::SecurityIssue {
            let detail = user.status_detail.next(None, None, now);
            row = users::place_status(row, user.id, Status::Active, &detail);
        }
        row = row
            .set("passwordHash", text(change.hash.expose_secret()))
            .set("epoch", number(user.epoch + 1))
            .set("tokensValidAfter", time(now))
            .set_or_remove("keptSession", change.kept.map(text));
        let mut transaction = match change.warrant {
            Warrant::Current(hash) => {
                row = row
                    .when("passwordHash = :checked")
                    .with(":checked", text(hash.expose_secret()));
                Transaction::new()
            }
            Warrant::Token(token, half) => self.spend(token, half, now)?,
        };
        for event in events {
            transaction = transaction.put(Write::Event, self.events.put(event)?);
        }
        self.ending(transaction, user, change.ended)?
            .update(Write::User, row.build()?)
            .put(Write::Token, self.tokens.put_new(change.notice)?)
            .commit(&self.client)
            .await
    }

    /// Deletes the account: its row, its claims and these sessions. The rest goes with the event.
    pub async fn delete(
        &self,
        user: &User,
        checked: Option<&SecretString>,
        ended: &[SessionId],
        farewell: &Token,
        event: &Event,
        now: Timestamp,
    ) -> Result<(), CommitError<Write>> {
        let mut row = Delete::builder()
            .table_name(&self.users.table.name)
            .set_key(Some(users::profile_key(user.id)))
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":status", text(user.status.as_str()))
            .expression_attribute_names("#plan", "plan")
            .expression_attribute_values(":plan", text(&user.plan))
            .expression_attribute_values(":email", text(user.email.as_str()));
        let mut condition = "#status = :status AND email = :email AND #plan = :plan".to_owned();
        if let Some(checked) = checked {
            condition.push_str(" AND passwordHash = :checked");
            row = row.expression_attribute_values(":checked", text(checked.expose_secret()));
        }
        let row = row
            .condition_expression(condition)
            .build()
            .map_err(|error| StoreError::inconsistent("users", error))?;
        let mut transaction = Transaction::new()
            .delete(Write::User, row)
            .put(Write::Token, self.tokens.put_new(farewell)?)
            .put(Write::Event, self.events.put(event)?);
        if let Some(left) = self.plans.leave(&user.plan)? {
            transaction = transaction.update(Write::Plan, left);
        }
        let own = own_targets(user, now);
        let claims = own.iter().map(claim_of);
        for claim in claims.chain(user.username.as_ref().map(Claim::Username)) {
            let released = self.users.release_claim(claim, user.id)?;
            transaction = transaction.delete(Write::Own, released);
        }
        self.ending(transaction, user, ended)?
            .commit(&self.client)
            .await
    }

    /// A transaction that begins with using a token up.
    fn spend(
        &self,
        token: &Token,
        half: Half,
        now: Timestamp,
    ) -> Result<Transaction<Write>, StoreError> {
        Ok(Transaction::new()
            .update(Write::Token, self.tokens.consume(token, half, now)?)
            .delete(Write::Token, self.tokens.settle(token)?))
    }

    fn ending(
        &self,
        mut transaction: Transaction<Write>,
        user: &User,
        sessions: &[SessionId],
    ) -> Result<Transaction<Write>, StoreError> {
        for session in sessions {
            let delete = self.sessions.delete(user.id, *session)?;
            transaction = transaction.delete(Write::Session, delete);
        }
        Ok(transaction)
    }

    /// The user's row with this address or number in the place of the one that it has.
    fn placed(&self, user: &User, target: &Target, verified: bool) -> Change {
        let row = self.users.change(user);
        let row = match target {
            Target::Email(_) => same(row, "email", Some(user.email.as_str())),
            Target::Phone(_) => {
                let old = user.phone_number.as_ref().map(PhoneNumber::as_str);
                same(row, "phoneNumber", old)
            }
        };
        place(row, target, verified)
    }
}

fn place(row: Change, target: &Target, verified: bool) -> Change {
    match target {
        Target::Email(email) => row
            .set("email", text(email.as_str()))
            .set("emailVerified", AttributeValue::Bool(verified)),
        Target::Phone(number) => row
            .set("phoneNumber", text(number.as_str()))
            .set("phoneVerified", AttributeValue::Bool(verified))
            .set("holdsPhone", AttributeValue::Bool(true)),
    }
}

/// Only where the attribute still is what it was.
fn same(row: Change, attribute: &str, value: Option<&str>) -> Change {
    match value {
        Some(value) => row
            .when(format!("{attribute} = :old_{attribute}"))
            .with(&format!(":old_{attribute}"), text(value)),
        None => row.when(format!("attribute_not_exists({attribute})")),
    }
}

/// The addresses and numbers whose claims are the user's, present and former.
fn own_targets(user: &User, now: Timestamp) -> Vec<Target> {
    let present = [
        Some(Target::Email(user.email.clone())),
        user.phone_number.clone().map(Target::Phone),
    ];
    let present = present.into_iter().flatten().filter(|own| holds(user, own));
    let mut own: Vec<Target> = present.collect();
    for former in user.former.iter().filter(|former| former.is_held(now)) {
        if !own.contains(&former.target) {
            own.push(former.target.clone());
        }
    }
    own
}

/// Whether the claim of a present address or number is the user's.
fn holds(user: &User, target: &Target) -> bool {
    match target {
        Target::Email(_) => !user.shadow,
        Target::Phone(_) => user.holds_phone,
    }
}

fn claim_of(target: &Target) -> Claim<'_> {
    match target {
        Target::Email(email) => Claim::Email(email),
        Target::Phone(number) => Claim::Phone(number),
    }
}

fn attribute(value: &impl serde::Serialize) -> Result<AttributeValue, StoreError> {
    serde_dynamo::to_attribute_value(value)
        .map_err(|error| StoreError::inconsistent("users", error))
}
