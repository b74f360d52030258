//! `POST /api/auth/sign-up` — begins an account. For anybody who is not signed in.
//!
//! Whether the address is free or taken, the answer, its ids and the work behind it are alike: an
//! address that somebody has verified gets a shadow of an account that can never be verified, and
//! its owner a mail. One that waits for verification is anybody's who verifies it: each sign-up has
//! a code of its own, so that nobody who was there before can put their password on an account
//! that its owner then verifies. Usernames are public names, so a taken one is said to be.

use std::time::Duration;

use axum::extract;
use http::StatusCode;
use jiff::Timestamp;
use latchkey_shared::cache::Key;
use latchkey_shared::domain::email::EmailAddress;
use latchkey_shared::domain::event::EventKind;
use latchkey_shared::domain::id::{TokenId, UserId};
use latchkey_shared::domain::locale::Locale;
use latchkey_shared::domain::name::DisplayName;
use latchkey_shared::domain::password::Password;
use latchkey_shared::domain::password_strength::Context;
use latchkey_shared::domain::phone::PhoneNumber;
use latchkey_shared::domain::plan::Subscription;
use latchkey_shared::domain::status::StatusDetail;
use latchkey_shared::domain::token::{Purpose, Target, Token};
use latchkey_shared::domain::user::{
    FREE_PLAN, PENDING_LIFE, Preferences, Status, USER_ROLE, User,
};
use latchkey_shared::domain::username::Username;
use latchkey_shared::http::views::ChallengeView;
use latchkey_shared::http::{
    Anonymous, Body, Caller, Code, Fields, FromFields, Problem, Reply, phone_number,
};
use latchkey_shared::store::transaction::CommitError;
use latchkey_shared::store::users::{Claim, Holder};
use latchkey_shared::telemetry::chain;
use secrecy::SecretString;
use serde::Serialize;

use crate::State;

/// How often a sign-up that met another for the same name or address looks again.
const ATTEMPTS: usize = 3;

#[derive(Debug)]
pub(crate) struct Request {
    name: DisplayName,
    email: EmailAddress,
    password: Password,
    /// Whom the password is for, as the request tells it.
    context: Context,
    username: Option<Username>,
    phone_number: Option<PhoneNumber>,
}

impl FromFields for Request {
    fn read(fields: &mut Fields) -> Option<Self> {
        let context = Context::default()
            .name(fields.text("name"))
            .email(fields.text("email"))
            .username(fields.text("username"));
        let name = fields.required("name");
        let email = fields.required("email");
        let password = fields.new_password("password", &context);
        let username = fields.optional("username");
        let phone_number = phone_number(fields);
        Some(Self {
            name: name?,
            email: email?,
            password: password?,
            context,
            username: username?,
            phone_number: phone_number?,
        })
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Response {
    user_id: UserId,
    verification: ChallengeView,
}

pub(crate) async fn handler(
    extract::State(state): extract::State<State>,
    _: Anonymous,
    caller: Caller,
    Body(request): Body<Request>,
) -> Result<Reply<Response>, Problem> {
    let now = state.clock.now();
    // Before anything is known of the address: neither this answer nor its time may tell of it.
    let accepted = state
        .new_passwords
        .accept(&request.password, &request.context)
        .await?;
    let mut taken = state.taken(&request, now).await?;
    let mailed = state.may_be_mailed(&request.email).await;

    for _ in 0..ATTEMPTS {
        let (user, token) =
            state.candidate(&request, &taken, &accepted.hash, caller.locale.clone(), now);
        // A code that nobody is sent is for nobody to find out: by signing up again and again one
        // would have five more tries at the address each time.
        let token = Token {
            decoy: token.decoy || !mailed,
            ..token
        };
        let kind = match taken.email {
            None => EventKind::SignedUp {
                token_id: token.id,
                mailed,
            },
            Some(_) => EventKind::SignUpRepeated,
        };
        let told = taken.email.as_ref().and_then(|owner| owner.told);
        let whose = told.unwrap_or(user.id);
        let mut events = vec![caller.event(whose, kind, now, &*state.random)];
        if accepted.breach_check_skipped {
            let kind = EventKind::BreachCheckSkipped;
            events.push(caller.event(user.id, kind, now, &*state.random));
        }
        match state.sign_ups.begin(&user, &token, &events).await {
            Ok(()) => {
                let response = Response {
                    user_id: user.id,
                    verification: ChallengeView::by_email(&token, &request.email),
                };
                return Ok(Reply(StatusCode::ACCEPTED, response));
            }
            // Somebody was quicker: look again at what is taken.
            Err(CommitError::Refused(writes)) => {
                tracing::info!(?writes, "a sign-up met another");
                taken = state.taken(&request, now).await?;
            }
            Err(CommitError::Store(error)) => return Err(error.into()),
        }
    }
    Err(Problem::unavailable())
}

/// Mails an hour to one address for sign-ups, at most: nobody's mailbox is filled by signing up
/// with their address. Who waits for one that did not come asks for it again.
const MAILS_AN_HOUR: u32 = 5;
const HOUR: Duration = Duration::from_hours(1);

/// Who has an address for good.
struct Owner {
    /// Whom a sign-up with it is told: not who has given it up, and gets their mail elsewhere.
    told: Option<UserId>,
}

impl From<Holder> for Owner {
    fn from(holder: Holder) -> Self {
        Self {
            told: holder.held_until.is_none().then_some(holder.user),
        }
    }
}

/// Who holds what the request asks for.
struct Taken {
    /// Whether somebody has the address for good, and who is to be told.
    email: Option<Owner>,
    phone_number: bool,
}

impl State {
    async fn taken(&self, request: &Request, now: Timestamp) -> Result<Taken, Problem> {
        let mut claims = vec![Claim::Email(&request.email)];
        claims.extend(request.username.as_ref().map(Claim::Username));
        claims.extend(request.phone_number.as_ref().map(Claim::Phone));
        let holders = self.users.holders(&claims, now).await?;
        let mut taken = Taken {
            email: None,
            phone_number: false,
        };
        for (claim, holder) in claims.iter().zip(holders) {
            match claim {
                Claim::Email(_) => {
                    taken.email = holder.filter(Holder::is_firm).map(Owner::from);
                }
                Claim::Phone(_) => taken.phone_number = holder.is_some(),
                Claim::Username(_) if holder.is_some() => {
                    return Err(Problem::new(
                        Code::UsernameTaken,
                        "Choose another username.",
                    ));
                }
                Claim::Username(_) | Claim::Shadow(_) | Claim::FirstAdmin => {}
            }
        }
        Ok(taken)
    }

    /// Whether one more mail may go to this address, counted alike whoever has it. Without the
    /// cache nobody counts, and sign-ups go on.
    async fn may_be_mailed(&self, email: &EmailAddress) -> bool {
        let address = self.keys.lookup("email", email.key());
        let key = Key::new("sign-up-mails", &[&address]);
        match self.cache.bump_if(&key, MAILS_AN_HOUR, HOUR).await {
            Ok(bump) => bump.admitted,
            Err(error) => {
                tracing::warn!(error = chain(&error), "mails of sign-ups are not counted");
                true
            }
        }
    }

    fn candidate(
        &self,
        request: &Request,
        taken: &Taken,
        password_hash: &SecretString,
        locale: Option<Locale>,
        now: Timestamp,
    ) -> (User, Token) {
        let shadow = taken.email.is_some();
        let user = User {
            id: UserId::new(now, &*self.random),
            name: request.name.clone(),
            email: request.email.clone(),
            email_verified: false,
            username: request.username.clone(),
            phone_number: request.phone_number.clone(),
            phone_verified: false,
            holds_phone: request.phone_number.is_some() && !taken.phone_number,
            image_url: None,
            status: Status::Pending,
            status_detail: StatusDetail::default(),
            roles: vec![USER_ROLE.to_owned()],
            plan: FREE_PLAN.to_owned(),
            subscription: Subscription::default(),
            mfa: Vec::new(),
            mfa_since: None,
            last_session: None,
            password_hash: Some(password_hash.clone()),
            cutoff: None,
            epoch: 0,
            former: Vec::new(),
            rejected: Vec::new(),
            preferences: Preferences {
                locale: locale.unwrap_or_default(),
                ..Preferences::default()
            },
            shadow,
            lapses_at: Some(now + PENDING_LIFE),
            created_at: now,
        };
        let token = Token {
            decoy: shadow,
            ..Token::new(
                TokenId::new(now, &*self.random),
                Purpose::VerifyEmail,
                user.id,
                Some(Target::Email(request.email.clone())),
                now,
            )
        };
        (user, token)
    }
}
