//! What a change of address and one of number have in common: the code that allows it, and the
//! move that it allows.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use jiff::Timestamp;
use latchkey_shared::challenge::{Asked, Redeemed};
use latchkey_shared::domain::code::SubmittedCode;
use latchkey_shared::domain::event::EventKind;
use latchkey_shared::domain::id::{TokenId, UserId};
use latchkey_shared::domain::session::Session;
use latchkey_shared::domain::token::{Purpose, Target, Token};
use latchkey_shared::domain::user::User;
use latchkey_shared::http::views::ChallengeView;
use latchkey_shared::http::{Caller, Code, Fields, Limit, Problem, RateLimits, Reply};
use latchkey_shared::store::profiles::{Move, Write};
use latchkey_shared::store::transaction::CommitError;
use latchkey_shared::store::users::Claim;

use crate::State;
use crate::edit_basic::Changed;

/// Codes to one new address or number.
pub(crate) const LIMITS: [Limit; 2] = [Limit::RESEND, Limit::an_hour(3)];

/// Codes that one account may ask for, whatever they are to do and wherever they go.
pub(crate) const CODES_OF_ACCOUNT: [Limit; 1] = [Limit {
    name: "account",
    quota: 10,
    window: Duration::from_hours(1),
}];

/// Former addresses and numbers that are held for one account at once, at most.
const MAX_FORMER: usize = 10;

/// The code that comes back, with the id of its token.
#[derive(Debug)]
pub(crate) struct Proof {
    pub(crate) token: TokenId,
    pub(crate) code: SubmittedCode,
}

/// Reads `tokenId` and `code`, both or neither. The outer `None` means that they were bad.
#[expect(clippy::option_option, reason = "bad and absent are two things")]
pub(crate) fn proof(fields: &mut Fields) -> Option<Option<Proof>> {
    if !fields.has("tokenId") && !fields.has("code") {
        fields.discard("tokenId");
        fields.discard("code");
        return Some(None);
    }
    let token = fields.required("tokenId");
    let code = fields.required("code");
    Some(Some(Proof {
        token: token?,
        code: code?,
    }))
}

/// A code that is on its way, and where its limits stand.
pub(crate) fn challenged(limits: RateLimits, challenge: ChallengeView) -> Response {
    (limits, Reply(StatusCode::ACCEPTED, challenge)).into_response()
}

impl State {
    /// Counts one more code to this target, and one more of this account.
    pub(crate) async fn limit_codes(
        &self,
        user: &User,
        kind: &str,
        key: &str,
    ) -> Result<RateLimits, Problem> {
        self.limiter
            .count("codes", &user.id.to_string(), &CODES_OF_ACCOUNT)
            .await?;
        let subject = self.keys.lookup(kind, key);
        self.limiter.count("change", &subject, &LIMITS).await
    }

    /// Sends a code to an address or number that the user wants. Where another has shown it to be
    /// theirs, a decoy is kept, of which `courier` tells the owner of an address; the answer is the
    /// same.
    pub(crate) async fn challenge(
        &self,
        user: &User,
        session: &Session,
        target: Target,
        caller: &Caller,
    ) -> Result<Token, Problem> {
        let now = self.clock.now();
        let holder = self.users.holders(&[Claim::from(&target)], now).await?;
        let anothers = holder
            .into_iter()
            .flatten()
            .any(|holder| holder.is_proven_anothers(user.id));
        let asked = Asked {
            purpose: purpose_of(&target),
            user,
            session: session.id,
            target,
        };
        if anothers {
            Ok(self.desk.pretend_to_session(asked, caller, now).await?)
        } else {
            Ok(self.desk.issue_to_session(asked, caller, now).await?)
        }
    }

    /// Moves the account to the target that the code was sent to.
    pub(crate) async fn relocate(
        &self,
        mut user: User,
        session: &Session,
        target: Target,
        proof: &Proof,
        caller: &Caller,
    ) -> Result<Reply<Changed>, Problem> {
        let now = self.clock.now();
        let redeemed = Redeemed {
            purpose: purpose_of(&target),
            user: &user,
            session: session.id,
            target: Some(&target),
            token: proof.token,
            code: &proof.code,
        };
        let token = self.desk.redeem_in_session(redeemed, now).await?;
        let target = token.target.clone().ok_or_else(Problem::code_expired)?;
        if user.former.iter().filter(|f| f.is_open(now)).count() >= MAX_FORMER {
            return Err(too_many_changes());
        }
        let to_owner = Target::Email(user.email.clone());
        let undo = self.desk.token(Purpose::NotMe, &user, to_owner, now);
        let kind = match &target {
            Target::Email(_) => EventKind::EmailChanged { token_id: undo.id },
            Target::Phone(_) => EventKind::PhoneChanged { token_id: undo.id },
        };
        let event = caller.event(user.id, kind, now, &*self.random);
        let to = Move {
            target: &target,
            token: &token,
            undo: &undo,
            loser: self.loser(&user, &target, now).await?,
        };
        match self.profiles.relocate(&user, &to, &event, now).await {
            Ok(()) => {}
            // Used a moment ago, or somebody else has shown by now that it is theirs.
            Err(CommitError::Refused(writes))
                if writes.contains(&Write::Token) || writes.contains(&Write::Wanted) =>
            {
                return Err(Problem::code_expired());
            }
            Err(CommitError::Refused(_)) => return Err(Problem::changed_meanwhile()),
            Err(CommitError::Store(error)) => return Err(error.into()),
        }
        match target {
            Target::Email(email) => {
                user.email = email;
                user.email_verified = true;
            }
            Target::Phone(number) => {
                user.phone_number = Some(number);
                user.phone_verified = true;
            }
        }
        Ok(Reply(StatusCode::OK, Changed::at(&user, now)))
    }

    /// Who has a number without having shown that it is theirs, and loses it.
    async fn loser(
        &self,
        user: &User,
        target: &Target,
        now: Timestamp,
    ) -> Result<Option<UserId>, Problem> {
        let Target::Phone(number) = target else {
            return Ok(None);
        };
        let holder = self.users.holder(Claim::Phone(number), now).await?;
        Ok(holder
            .filter(|holder| holder.unproven && holder.user != user.id)
            .map(|holder| holder.user))
    }
}

/// What a code to this target is for.
fn purpose_of(target: &Target) -> Purpose {
    match target {
        Target::Email(_) => Purpose::ChangeEmail,
        Target::Phone(_) => Purpose::ChangePhone,
    }
}

fn too_many_changes() -> Problem {
    Problem::new(
        Code::Conflict,
        "This account changed its addresses too often in a week. Wait some days.",
    )
}
