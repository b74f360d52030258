//! What users change about their own account: rows, claims, tokens and events together.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use super::StoreError;
use super::change::Change;
use super::events::Events;
use super::item::{number, text};
use super::plans::Plans;
use super::sessions::Sessions;
use super::tokens::{Half, Tokens};
use super::transaction::{CommitError, Transaction};
use super::users::{self, Claim, Users};
use crate::domain::event::Event;
use crate::domain::id::{SessionId, UserId};
use crate::domain::image_url::ImageUrl;
use crate::domain::locale::Locale;
use crate::domain::name::DisplayName;
use crate::domain::phone::PhoneNumber;
use crate::domain::token::{Target, Token};
use crate::domain::user::{Former, Kind, Preferences, Rejected, Status, UNDO_LIFE, User};
use crate::domain::username::Username;
use crate::env::{Env, EnvError};

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

/// New values of what a user wants to be told. What is `None` stays.
#[derive(Debug, Default)]
pub struct PreferencesChange {
    /// Whether to tell of new devices.
    pub notify_new_device: Option<bool>,
    /// Whether to tell of new places.
    pub notify_new_location: Option<bool>,
    /// The language.
    pub locale: Option<Locale>,
}

impl PreferencesChange {
    /// Whether it leaves things as they are.
    pub fn leaves(&self, present: &Preferences) -> bool {
        let device = self.notify_new_device.unwrap_or(present.notify_new_device);
        let place = self
            .notify_new_location
            .unwrap_or(present.notify_new_location);
        let locale = self.locale.as_ref().unwrap_or(&present.locale);
        device == present.notify_new_device
            && place == present.notify_new_location
            && *locale == present.locale
    }
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
    /// The sessions that end: their rows go with it, as many as one transaction takes.
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
    /// What the account goes back to: an address, a number, both or neither.
    pub back: Vec<Former>,
    /// The claims that it gives up for it.
    pub released: Vec<Target>,
    /// The claims that it had given up before, until when they are held again.
    pub held: Vec<(Target, Timestamp)>,
    /// The changes that can still be taken back.
    pub former: Vec<Former>,
    /// The changes that have been.
    pub rejected: Vec<Rejected>,
    /// Whether its second factors end: they were set up since.
    pub ends_factors: bool,
    /// The sessions that end: their rows go with it, as many as one transaction takes.
    pub ended: &'a [SessionId],
}

/// An account as it is deleted.
#[derive(Debug)]
pub struct Deletion<'a> {
    /// The hash that the current password was checked against, if it was given.
    pub checked: Option<&'a SecretString>,
    /// The claims that are free again.
    pub released: &'a [Target],
    /// The sessions that end: their rows go with it, as many as one transaction takes.
    pub ended: &'a [SessionId],
    /// The tokens that carry the addresses to the mails that say so.
    pub farewells: &'a [Token],
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

    /// Changes what the user wants to be told: what is `None` stays, whoever changes it at the
    /// same time.
    pub async fn change_preferences(
        &self,
        user: &User,
        change: &PreferencesChange,
        event: &Event,
    ) -> Result<Preferences, CommitError<Write>> {
        let mut row = self.users.change(user);
        let mut changed = user.preferences.clone();
        let flags = [
            (
                "notifyNewDevice",
                change.notify_new_device,
                &mut changed.notify_new_device,
            ),
            (
                "notifyNewLocation",
                change.notify_new_location,
                &mut changed.notify_new_location,
            ),
        ];
        for (name, wanted, kept) in flags {
            if let Some(wanted) = wanted {
                *kept = wanted;
                row = row.set_member("preferences", name, AttributeValue::Bool(wanted));
            }
        }
        if let Some(locale) = &change.locale {
            changed.locale = locale.clone();
            row = row.set_member("preferences", "locale", text(locale.as_str()));
        }
        Transaction::new()
            .update(Write::User, row.build()?)
            .put(Write::Event, self.events.put(event)?)
            .commit(&self.client)
            .await?;
        Ok(changed)
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
        let present = user.present(to.target.kind(), now);
        let open = user.former.iter().filter(|former| former.is_open(now));
        let mut former: Vec<Former> = open.cloned().collect();
        let mut given_up = present.clone();
        // A number that was never shown to be theirs is held for nobody: whoever owns it may show
        // that at any time, and must find no trace of this account in the way.
        given_up.held &= present.verified;
        former.push(given_up.clone());
        let left = present
            .target
            .filter(|old| present.held && old != to.target);
        let kind = to.target.kind();
        let row = as_it_is(self.users.change(user), user, kind);
        let row = place(row, kind, Some(to.target), true, true)
            .set("former", attribute(&former)?)
            .set("epoch", number(user.epoch + 1));
        let mut transaction = self
            .spend(to.token, Half::Code, now)?
            .update(Write::User, row.build()?)
            .update(
                Write::Wanted,
                self.users
                    .win_claim(Claim::from(to.target), user.id, true, now)?,
            )
            .put(Write::Token, self.tokens.put_new(to.undo)?)
            .put(Write::Event, self.events.put(event)?);
        if let Some(old) = &left {
            let claim = Claim::from(old);
            transaction = if given_up.held {
                let hold = self.users.hold_claim(claim, user.id, now + UNDO_LIFE)?;
                transaction.update(Write::Own, hold)
            } else {
                let release = self.users.release_claim(claim, user.id)?;
                transaction.delete(Write::Own, release)
            };
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
        let consumed = self.tokens.consume(hold.token, Half::Link, now)?;
        if user.status == Status::Active {
            let detail = user.status_detail.next(None, None, now);
            row = users::place_status(row, user.id, Status::SecurityIssue, &detail);
        } else if user.status != Status::SecurityIssue {
            // Shut out for another reason, it is not let in again with a password that may be a
            // thief's.
            row = row.remove("passwordHash");
        }
        let mut transaction = Transaction::new()
            .update(Write::Token, consumed)
            .put(Write::Event, self.events.put(event)?);
        for back in &hold.back {
            row = as_it_is(row, user, back.kind);
            row = place(
                row,
                back.kind,
                back.target.as_ref(),
                back.verified,
                back.held,
            );
            if let Some(target) = back.target.as_ref().filter(|_| back.held) {
                let won = self
                    .users
                    .win_claim(Claim::from(target), user.id, back.verified, now)?;
                transaction = transaction.update(Write::Wanted, won);
            }
        }
        for target in &hold.released {
            let released = self.users.release_claim(Claim::from(target), user.id)?;
            transaction = transaction.delete(Write::Own, released);
        }
        for (target, until) in &hold.held {
            let held = self
                .users
                .hold_claim(Claim::from(target), user.id, *until)?;
            transaction = transaction.update(Write::Own, held);
        }
        row = row
            .set("former", attribute(&hold.former)?)
            .set("rejected", attribute(&hold.rejected)?);
        row = users::end_sessions(row, user, now, None);
        if hold.ends_factors {
            row = row.remove("mfa").remove("mfaSince");
        }
        self.sessions
            .delete_beside(transaction, Write::Session, user.id, hold.ended)?
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
        row = row.set("passwordHash", text(change.hash.expose_secret()));
        row = users::end_sessions(row, user, now, change.kept);
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
        self.sessions
            .delete_beside(transaction, Write::Session, user.id, change.ended)?
            .update(Write::User, row.build()?)
            .put(Write::Token, self.tokens.put_new(change.notice)?)
            .commit(&self.client)
            .await
    }

    /// Deletes the account: its row, its claims and these sessions. The rest goes with the event.
    /// Refused at [`Write::User`] where the account has taken other claims since it was read:
    /// those would be nobody's for ever.
    pub async fn delete(
        &self,
        user: &User,
        deletion: &Deletion<'_>,
        event: &Event,
    ) -> Result<(), CommitError<Write>> {
        // A name or number that was changed since would be nobody's and never free again.
        let mut row = self.users.change(user);
        row = as_it_is(row, user, Kind::Email);
        row = as_it_is(row, user, Kind::Phone);
        row = same(
            row,
            "username",
            user.username.as_ref().map(Username::as_str),
        );
        row = row
            .named("#plan", "plan")
            .when("#plan = :plan")
            .with(":plan", text(&user.plan));
        if let Some(checked) = deletion.checked {
            row = row
                .when("passwordHash = :checked")
                .with(":checked", text(checked.expose_secret()));
        }
        let mut transaction = Transaction::new()
            .delete(Write::User, row.build_delete()?)
            .put(Write::Event, self.events.put(event)?);
        for farewell in deletion.farewells {
            transaction = transaction.put(Write::Token, self.tokens.put_new(farewell)?);
        }
        let claims = deletion.released.iter().map(Claim::from);
        if let Some(left) = self.plans.leave(&user.plan)? {
            transaction = transaction.update(Write::Plan, left);
        }
        for claim in claims.chain(user.username.as_ref().map(Claim::Username)) {
            let released = self.users.release_claim(claim, user.id)?;
            transaction = transaction.delete(Write::Own, released);
        }
        self.sessions
            .delete_beside(transaction, Write::Session, user.id, deletion.ended)?
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
}

/// Only where the user's address or number still is what it was.
fn as_it_is(row: Change, user: &User, kind: Kind) -> Change {
    match kind {
        Kind::Email => same(row, "email", Some(user.email.as_str())),
        Kind::Phone => {
            let number = user.phone_number.as_ref().map(PhoneNumber::as_str);
            same(row, "phoneNumber", number)
        }
    }
}

fn place(row: Change, kind: Kind, target: Option<&Target>, verified: bool, held: bool) -> Change {
    let verified = AttributeValue::Bool(verified);
    match (kind, target) {
        (Kind::Email, Some(Target::Email(email))) => row
            .set("email", text(email.as_str()))
            .set("emailVerified", verified),
        // Nobody is without an address.
        (Kind::Email, _) => row,
        (Kind::Phone, target) => {
            let number = match target {
                Some(Target::Phone(number)) => Some(text(number.as_str())),
                _ => None,
            };
            row.set_or_remove("phoneNumber", number)
                .set("phoneVerified", verified)
                .set("holdsPhone", AttributeValue::Bool(held))
        }
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

/// The addresses and numbers that may be the user's to release, present and former.
pub fn own_targets(user: &User) -> Vec<Target> {
    let present = [
        Some(Target::Email(user.email.clone())),
        user.phone_number.clone().map(Target::Phone),
    ];
    let former = user.former.iter().map(|former| former.target.clone());
    let mut own: Vec<Target> = Vec::new();
    for target in present.into_iter().chain(former).flatten() {
        if !own.contains(&target) {
            own.push(target);
        }
    }
    own
}

fn attribute(value: &impl serde::Serialize) -> Result<AttributeValue, StoreError> {
    serde_dynamo::to_attribute_value(value)
        .map_err(|error| StoreError::inconsistent("users", error))
}
