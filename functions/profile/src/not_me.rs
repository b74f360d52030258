//! `POST /api/auth/security/not-me` — the owner says that a change was not theirs.
//!
//! For whoever has the link from the mail that told of it. The change is taken back, every session
//! ends, and the next sign-in needs a new password. What was changed after it in the same way goes
//! too: a thief who moves an account twice has it taken back by the first mail.

use axum::extract;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use jiff::Timestamp;
use latchkey_shared::domain::event::EventKind;
use latchkey_shared::domain::id::SessionId;
use latchkey_shared::domain::token::{Purpose, Target, Token};
use latchkey_shared::domain::user::{Former, Kind, Rejected, Status, UNDO_LIFE, User};
use latchkey_shared::http::body::{content_type, read_bytes, read_json, unsupported};
use latchkey_shared::http::page::form_field;
use latchkey_shared::http::{Caller, Code, Fields, FromFields, Problem, Reply};
use latchkey_shared::store::profiles::{Hold, Write};
use latchkey_shared::store::transaction::CommitError;
use latchkey_shared::store::users::Claim;
use serde::Serialize;

use crate::State;
use crate::not_me_page;

const PURPOSE: Purpose = Purpose::NotMe;

#[derive(Debug)]
struct Request {
    token: String,
}

impl FromFields for Request {
    fn read(fields: &mut Fields) -> Option<Self> {
        let token = fields.required("token");
        Some(Self { token: token? })
    }
}

/// The answer: nobody is signed in, and the password must be set anew.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Held {
    status: &'static str,
    password_reset_required: bool,
}

pub(crate) async fn handler(
    extract::State(state): extract::State<State>,
    caller: Caller,
    request: extract::Request,
) -> Result<Response, Problem> {
    match content_type(&request).as_deref() {
        Some("application/x-www-form-urlencoded") => {
            let bytes = read_bytes(request).await?;
            let token = form_field(&bytes, "token");
            Ok(match state.reject(&token, &caller).await {
                Ok(_) => {
                    let page = not_me_page::held();
                    let page = state.site.tell(StatusCode::OK, page, &*state.random);
                    page.into_response()
                }
                Err(problem) => {
                    let gone = not_me_page::GONE;
                    let page = state.site.fail(&problem, gone, &*state.random);
                    page.into_response()
                }
            })
        }
        Some("application/json") | None => {
            let request: Request = read_json(request).await?;
            let status = state.reject(&request.token, &caller).await?;
            let held = Held {
                status: status.as_str(),
                password_reset_required: true,
            };
            Ok(Reply(StatusCode::OK, held).into_response())
        }
        Some(_) => Err(unsupported("Send JSON or the page's own form.")),
    }
}

/// How often a rejection that met another change of the account looks again.
const ATTEMPTS: usize = 4;

impl State {
    /// Where the account stands once the change is taken back.
    async fn reject(&self, link: &str, caller: &Caller) -> Result<Status, Problem> {
        let now = self.clock.now();
        let token = match self.desk.open_link(link, PURPOSE, now).await {
            Err(problem) if problem.code == Code::CodeExpired => return Err(gone()),
            token => token?,
        };
        for _ in 0..ATTEMPTS {
            let user = self.users.get(token.user).await?.ok_or_else(gone)?;
            let sessions = self.sessions.of_user(user.id).await?;
            let now = self.clock.now();
            let ids: Vec<SessionId> = sessions.iter().map(|session| session.id).collect();
            let hold = self.what_goes_back(&user, &token, &ids, now).await?;
            let kind = EventKind::ChangeRejected { all_until: now };
            let event = caller.event(user.id, kind, now, &*self.random);
            match self.profiles.hold(&user, &hold, &event, now).await {
                Ok(()) => {
                    tracing::warn!(user.id = %user.id, "user.change_rejected");
                    self.denylist.deny(user.id, &ids, Some(now)).await;
                    // One that is shut out for another reason stays so.
                    return Ok(match user.status {
                        Status::Active => Status::SecurityIssue,
                        status => status,
                    });
                }
                // Whoever holds the link must not lose to a thief who keeps changing things.
                Err(CommitError::Refused(writes)) if !writes.contains(&Write::Token) => {
                    tracing::info!(?writes, "a rejection met another change");
                }
                Err(CommitError::Refused(_)) => return Err(gone()),
                Err(CommitError::Store(error)) => return Err(error.into()),
            }
        }
        Err(Problem::unavailable())
    }

    /// What the link takes back: the change that it came with, and all that came after it.
    async fn what_goes_back<'a>(
        &self,
        user: &User,
        token: &'a Token,
        ended: &'a [SessionId],
        now: Timestamp,
    ) -> Result<Hold<'a>, Problem> {
        let since = token.id.unix_millis();
        if user.has_rejected(since) {
            return Err(gone());
        }
        let open = user.former.iter().filter(|former| former.is_open(now));
        let (later, former): (Vec<Former>, Vec<Former>) = open
            .cloned()
            .partition(|former| former.given_up_at >= since);
        let back: Vec<Former> = [Kind::Email, Kind::Phone]
            .into_iter()
            .filter_map(|kind| first_of(kind, &later))
            .collect();
        let left = left_behind(user, &later, &back, now);
        let mine = self.users.claimed(user.id, left).await?;
        let (held, released): (Vec<_>, Vec<_>) = mine.into_iter().partition(|target| {
            let mut before = former.iter();
            before.any(|former| former.target.as_ref() == Some(target))
        });
        let held = held.into_iter().map(|target| {
            let until = former.iter().filter(|f| f.target.as_ref() == Some(&target));
            let until = until.map(|former| former.given_up_at).max();
            let until = until.and_then(|at| Timestamp::from_millisecond(at).ok());
            (target, until.unwrap_or(now) + UNDO_LIFE)
        });
        let mut rejected: Vec<Rejected> = user.rejected.clone();
        rejected.retain(|span| span.until > (now - UNDO_LIFE).as_millisecond());
        rejected.push(Rejected {
            from: since,
            until: now.as_millisecond(),
        });
        Ok(Hold {
            token,
            back: self.that_can_be_had(user, back, now).await?,
            released,
            held: held.collect(),
            former,
            rejected,
            ends_factors: user
                .mfa_since
                .is_some_and(|at| at.as_millisecond() >= since),
            ended,
        })
    }

    /// A number that somebody else has shown to be theirs since does not come back.
    async fn that_can_be_had(
        &self,
        user: &User,
        mut back: Vec<Former>,
        now: Timestamp,
    ) -> Result<Vec<Former>, Problem> {
        for former in &mut back {
            let Some(target) = former.target.as_ref().filter(|_| former.held) else {
                continue;
            };
            let holders = self.users.holders(&[Claim::from(target)], now).await?;
            let lost = holders
                .into_iter()
                .flatten()
                .any(|holder| holder.is_proven_anothers(user.id));
            if lost && former.kind == Kind::Email {
                return Err(gone());
            }
            if lost {
                former.target = None;
            }
        }
        for former in &mut back {
            former.held &= former.target.is_some();
            former.verified &= former.target.is_some();
        }
        Ok(back)
    }
}

/// What the account had before the first of these changes. A number that was never shown to be the
/// user's was given up for good.
fn first_of(kind: Kind, later: &[Former]) -> Option<Former> {
    let of_kind = later.iter().filter(|former| former.kind == kind);
    let first = of_kind.min_by_key(|former| former.given_up_at)?;
    Some(Former {
        target: first.target.clone().filter(|_| first.verified),
        ..first.clone()
    })
}

/// What the account had since, and has now, and no longer has when it goes back.
fn left_behind(user: &User, later: &[Former], back: &[Former], now: Timestamp) -> Vec<Target> {
    let mut left = Vec::new();
    for goal in back {
        let since = later.iter().filter(|former| former.kind == goal.kind);
        let present = user.present(goal.kind, now);
        let targets = since
            .map(|former| former.target.clone())
            .chain([present.target]);
        for target in targets.flatten() {
            if goal.target.as_ref() != Some(&target) && !left.contains(&target) {
                left.push(target);
            }
        }
    }
    left
}

fn gone() -> Problem {
    Problem::new(Code::CodeExpired, not_me_page::GONE)
}
