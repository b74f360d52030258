//! The cache that all functions share: one Redis or Valkey (hosted or local), not clustered, over a
//! socket or over Upstash's REST interface.
//!
//! It must not evict (`maxmemory-policy noeviction`, the default): a mark that is dropped to make room
//! is not noticed, unlike a flush. Every operation is one Lua script, so it is atomic and one round trip.

mod breaker;
mod link;
mod reply;
mod rest;
mod script;
mod wire;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;

use self::reply::Reply;
use self::script::{Batch, Command, Scripts};
pub(super) use self::wire::{Transport, Wire};
use super::quota::{FARTHEST, Measure, judge};
use super::{
    Bump, Cache, CacheError, DenyMark, Key, Quota, Standing, Verdict, duration, milliseconds,
};
use crate::clock::Clock;

/// How much longer than by our clock Redis keeps an entry, in milliseconds: its expiry only cleans
/// up, and neither a skew between the clocks nor a slow call may drop what is still alive.
const SLACK: i64 = 60_000;

/// How many marks one script writes: a script holds up every other caller, and this many take about
/// a millisecond.
const MARKS_AT_ONCE: usize = 500;

/// How many such scripts go in one exchange: half a megabyte, where Upstash takes one, and well
/// within its time.
const SCRIPTS_AT_ONCE: usize = 8;

/// A cache in Redis.
pub(super) struct RedisCache {
    wire: Wire,
    clock: Arc<dyn Clock>,
    /// Of deny marks. Milliseconds.
    life: i64,
    /// How many times a mark could not be written. The Redis that comes back may remember everything
    /// but that, so it has to begin its recording anew before anybody trusts its silence again.
    missed: AtomicU64,
    /// How many of those times it has begun anew after.
    renewed: AtomicU64,
    scripts: Scripts,
}

impl RedisCache {
    /// A cache at the end of this wire; `life` is that of deny marks (see [`open`](super::open)).
    pub(super) fn over(wire: Wire, clock: Arc<dyn Clock>, life: Duration) -> Self {
        Self {
            wire,
            clock,
            life: milliseconds(life),
            missed: AtomicU64::new(0),
            renewed: AtomicU64::new(0),
            scripts: Scripts::new(),
        }
    }

    fn now(&self) -> i64 {
        self.clock.now().as_millisecond()
    }

    /// Writes marks, given as key, kind and content.
    async fn mark(&self, marks: &[(Key, &str, String)]) -> Result<(), CacheError> {
        let written = self.try_to_mark(marks).await;
        if written.is_err() {
            self.missed.fetch_add(1, Ordering::SeqCst);
        }
        written
    }

    async fn try_to_mark(&self, marks: &[(Key, &str, String)]) -> Result<(), CacheError> {
        let now = self.now();
        let scripts = marks.chunks(MARKS_AT_ONCE).map(|marks| {
            let since = Key::denied_since();
            let keys = std::iter::once(&since).chain(marks.iter().map(|(key, ..)| key));
            let script = self.scripts.mark.on(keys);
            let script = script.arg(now).arg(now + self.life).arg(self.life + SLACK);
            marks.iter().fold(script, |script, (_, kind, content)| {
                script.arg(kind).arg(content)
            })
        });
        for written in self.recording(now, scripts.collect()).await? {
            if !written.flag()? {
                return Err(CacheError::Corrupt);
            }
        }
        Ok(())
    }

    /// Runs what reads or writes marks. After a mark was missed, recording begins now, in the same
    /// transaction, for every function that asks this Redis.
    async fn recording(
        &self,
        now: i64,
        mut commands: Vec<Command>,
    ) -> Result<Vec<Reply>, CacheError> {
        let missed = self.missed.load(Ordering::SeqCst);
        if missed <= self.renewed.load(Ordering::SeqCst) {
            let atomic = false;
            return self.wire.exchange(Batch { commands, atomic }).await;
        }
        let since = Key::denied_since();
        let anew = Command::repeatable(&["SET", since.as_str()]).arg(now);
        commands.insert(0, anew);
        let atomic = true;
        let mut replies = self.wire.exchange(Batch { commands, atomic }).await?;
        replies.remove(0).expect_text("OK")?;
        self.renewed.fetch_max(missed, Ordering::SeqCst);
        Ok(replies)
    }
}

impl RedisCache {
    /// What holds an attempt to these quotas.
    fn admission(&self, quotas: &[Quota<'_>], now: i64) -> Command {
        let script = self.scripts.admit.on(quotas.iter().map(|quota| quota.key));
        with_quotas(script.arg(now), quotas, now)
    }

    /// What asks for a standing, and holds an attempt to quotas where that denies nothing.
    fn checkup(
        &self,
        user: &str,
        session: &str,
        created: i64,
        quotas: &[Quota<'_>],
        now: i64,
    ) -> Command {
        let marks = marks_of(user, session);
        let keys = marks.iter().chain(quotas.iter().map(|quota| quota.key));
        let script = self.scripts.check.on(keys).arg(now).arg(created);
        with_quotas(script, quotas, now)
    }

    /// What asks for a standing.
    fn inquiry(&self, user: &str, session: &str, now: i64) -> Command {
        self.scripts.standing.on(&marks_of(user, session)).arg(now)
    }

    fn standing_of(&self, reply: Option<Reply>, now: i64) -> Result<Standing, CacheError> {
        let [since, session, before] = reply.ok_or(CacheError::Corrupt)?.three()?;
        let before = before.optional_text()?;
        Ok(Standing {
            session_denied: session.flag()?,
            user_denied_before: before
                .map(|before| before.parse().map_err(|_| CacheError::Corrupt))
                .transpose()?,
            trusted: now.saturating_sub(since.number()?) >= self.life,
        })
    }
}

/// The entries that say whether a session is denied.
fn marks_of(user: &str, session: &str) -> [Key; 3] {
    [
        Key::denied_since(),
        Key::denied_user(user),
        Key::denied_session(session),
    ]
}

/// The same script, with what an admission takes.
fn with_quotas(script: Command, quotas: &[Quota<'_>], now: i64) -> Command {
    let script = script.arg(SLACK).arg(FARTHEST);
    let measures = quotas.iter().map(|quota| quota.measure(now));
    measures.fold(script, |script, measure| match measure {
        Measure::Pace(pace) => script.arg("g").arg(pace.interval).arg(pace.capacity),
        Measure::Tally { most, end, .. } => script.arg("t").arg(most).arg(end),
    })
}

/// What the script said of these quotas, judged again by the same rule.
fn verdicts(quotas: &[Quota<'_>], now: i64, reply: Reply) -> Result<Vec<Verdict>, CacheError> {
    let measures: Vec<_> = quotas.iter().map(|quota| quota.measure(now)).collect();
    let mut replies = reply.list()?.into_iter();
    let counted = replies.next().ok_or(CacheError::Corrupt)?.flag()?;
    let numbers = replies.map(Reply::number).collect::<Result<Vec<_>, _>>()?;
    let possible = |number: &i64| (0..=FARTHEST).contains(number);
    if numbers.len() != measures.len() || !numbers.iter().all(possible) {
        return Err(CacheError::Corrupt);
    }
    let verdicts = judge(&measures, &numbers);
    if counted != verdicts.iter().all(|verdict| verdict.admitted) {
        return Err(CacheError::Corrupt);
    }
    Ok(verdicts)
}

/// A user mark as `entry.lua` reads it.
fn user_mark(version: u64, denied_before: Option<i64>) -> String {
    let denied = u8::from(denied_before.is_some());
    let before = denied_before.unwrap_or(0);
    format!("{version:020}:{denied}:{before}")
}

/// A mark as `mark.lua` takes it.
fn deny_mark(mark: &DenyMark) -> (Key, &'static str, String) {
    match mark {
        DenyMark::Session { id } => (Key::denied_session(id), "s", String::new()),
        DenyMark::User {
            id,
            before,
            version,
        } => {
            let content = user_mark(*version, Some(*before));
            (Key::denied_user(id), "u", content)
        }
    }
}

#[async_trait]
impl Cache for RedisCache {
    async fn put_once(&self, key: &Key, value: &str, life: Duration) -> Result<bool, CacheError> {
        let (now, life) = (self.now(), milliseconds(life));
        let script = self.scripts.put_once.on([key]);
        let script = script.arg(now).arg(now + life).arg(life + SLACK).arg(value);
        self.wire.ask(script).await?.flag()
    }

    async fn consume(&self, key: &Key) -> Result<Option<String>, CacheError> {
        let script = self.scripts.consume.on([key]).arg(self.now());
        self.wire.ask(script).await?.optional_text()
    }

    async fn bump_if(&self, key: &Key, limit: u32, window: Duration) -> Result<Bump, CacheError> {
        let now = self.now();
        let script = self.scripts.bump_if.on([key]).arg(now);
        let script = script.arg(now + milliseconds(window)).arg(SLACK).arg(limit);
        let [admitted, count, resets_in] = self.wire.ask(script).await?.three()?;
        Ok(Bump {
            admitted: admitted.flag()?,
            count: u32::try_from(count.number()?).map_err(|_| CacheError::Corrupt)?,
            resets_in: duration(resets_in.number()?),
        })
    }

    async fn admit(&self, quotas: &[Quota<'_>]) -> Result<Vec<Verdict>, CacheError> {
        if quotas.is_empty() {
            return Ok(Vec::new());
        }
        let now = self.now();
        let reply = self.wire.ask(self.admission(quotas, now)).await?;
        verdicts(quotas, now, reply)
    }

    async fn deny(&self, marks: &[DenyMark]) -> Result<(), CacheError> {
        for marks in marks.chunks(MARKS_AT_ONCE * SCRIPTS_AT_ONCE) {
            let marks: Vec<_> = marks.iter().map(deny_mark).collect();
            self.mark(&marks).await?;
        }
        Ok(())
    }

    async fn allow(&self, user: &str, version: u64) -> Result<(), CacheError> {
        let mark = (Key::denied_user(user), "u", user_mark(version, None));
        self.mark(&[mark]).await
    }

    async fn standing(&self, user: &str, session: &str) -> Result<Standing, CacheError> {
        let now = self.now();
        let script = self.inquiry(user, session, now);
        let standing = self.recording(now, vec![script]).await?.pop();
        self.standing_of(standing, now)
    }

    async fn check(
        &self,
        user: &str,
        session: &str,
        created: i64,
        quotas: &[Quota<'_>],
    ) -> Result<(Standing, Vec<Verdict>), CacheError> {
        if quotas.is_empty() {
            let standing = self.standing(user, session).await?;
            return Ok((standing, Vec::new()));
        }
        let now = self.now();
        let script = self.checkup(user, session, created, quotas, now);
        let reply = self.recording(now, vec![script]).await?.pop();
        let parts = reply.ok_or(CacheError::Corrupt)?.list()?;
        let [standing, admission] =
            <[Reply; 2]>::try_from(parts).map_err(|_| CacheError::Corrupt)?;
        let standing = self.standing_of(Some(standing), now)?;
        if standing.denies(created) {
            return Ok((standing, Vec::new()));
        }
        Ok((standing, verdicts(quotas, now, admission)?))
    }

    async fn ping(&self) -> Result<(), CacheError> {
        let pong = self.wire.ask(Command::repeatable(&["PING"])).await?;
        pong.expect_text("PONG")
    }
}
