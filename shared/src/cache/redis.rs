//! The cache that all functions share: one Redis or Valkey (hosted or local), not clustered.
//!
//! It must not evict (`maxmemory-policy noeviction`, the default): a mark that is dropped to make room
//! is not noticed, unlike a flush. Every operation is one Lua script, so it is atomic and one round trip.

mod link;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use redis::{Script, ScriptInvocation};
use secrecy::SecretString;

use self::link::Link;
use super::{Bump, Cache, CacheError, DenyMark, Key, Standing, duration, milliseconds};
use crate::clock::Clock;

/// How much longer than by our clock Redis keeps an entry, in milliseconds: its expiry only cleans
/// up, and neither a skew between the clocks nor a slow call may drop what is still alive.
const SLACK: i64 = 60_000;

/// How many marks one script writes: a script holds up every other caller, and this many take about
/// a millisecond.
const MARKS_AT_ONCE: usize = 500;

/// A cache in Redis.
pub struct RedisCache {
    link: Link,
    clock: Arc<dyn Clock>,
    /// Of deny marks. Milliseconds.
    life: i64,
    /// A mark could not be written. The Redis that comes back may remember everything but that,
    /// so it has to begin its recording anew before anybody trusts its silence again.
    missed: AtomicBool,
    scripts: Scripts,
}

struct Scripts {
    put_once: Script,
    consume: Script,
    bump_if: Script,
    mark: Script,
    standing: Script,
}

/// A script with what all of them start with before it.
macro_rules! script {
    ($file:literal) => {
        Script::new(concat!(
            include_str!("redis/entry.lua"),
            include_str!($file)
        ))
    };
}

impl RedisCache {
    /// A cache at `redis://…` or `rediss://…` (TLS), connected at the first use; `life` is that of
    /// deny marks (see [`open`](super::open)).
    pub fn connect(
        url: &SecretString,
        clock: Arc<dyn Clock>,
        life: Duration,
    ) -> Result<Self, CacheError> {
        Ok(Self {
            link: Link::new(url)?,
            clock,
            life: milliseconds(life),
            missed: AtomicBool::new(false),
            scripts: Scripts {
                put_once: script!("redis/put_once.lua"),
                consume: script!("redis/consume.lua"),
                bump_if: script!("redis/bump_if.lua"),
                mark: script!("redis/mark.lua"),
                standing: script!("redis/standing.lua"),
            },
        })
    }

    fn now(&self) -> i64 {
        self.clock.now().as_millisecond()
    }

    /// Writes marks, given as key, kind and content.
    async fn mark(&self, marks: &[(Key, &str, String)]) -> Result<(), CacheError> {
        let written = self.try_to_mark(marks).await;
        if written.is_err() {
            self.missed.store(true, Ordering::SeqCst);
        }
        written
    }

    async fn try_to_mark(&self, marks: &[(Key, &str, String)]) -> Result<(), CacheError> {
        let now = self.now();
        self.begin_anew_if_missed(now).await?;
        let mut call = self.scripts.mark.key(Key::denied_since().as_str());
        call.arg(now).arg(now + self.life).arg(self.life + SLACK);
        for (key, kind, content) in marks {
            call.key(key.as_str()).arg(kind).arg(content);
        }
        self.run(&call).await
    }

    /// After a mark was missed: recording begins now, for every function that asks this Redis.
    async fn begin_anew_if_missed(&self, now: i64) -> Result<(), CacheError> {
        if !self.missed.load(Ordering::SeqCst) {
            return Ok(());
        }
        self.link
            .call(|mut connection| async move {
                redis::cmd("SET")
                    .arg(Key::denied_since().as_str())
                    .arg(now)
                    .exec_async(&mut connection)
                    .await
            })
            .await?;
        self.missed.store(false, Ordering::SeqCst);
        Ok(())
    }

    async fn run<T>(&self, call: &ScriptInvocation<'_>) -> Result<T, CacheError>
    where
        T: redis::FromRedisValue + Send,
    {
        self.link
            .call(|mut connection| async move { call.invoke_async(&mut connection).await })
            .await
    }
}

/// A user mark as `entry.lua` reads it.
fn user_mark(version: u64, denied_before: Option<i64>) -> String {
    let denied = u8::from(denied_before.is_some());
    let before = denied_before.unwrap_or(0);
    format!("{version:020}:{denied}:{before}")
}

#[async_trait]
impl Cache for RedisCache {
    async fn put_once(&self, key: &Key, value: &str, life: Duration) -> Result<bool, CacheError> {
        let (now, life) = (self.now(), milliseconds(life));
        let mut call = self.scripts.put_once.key(key.as_str());
        call.arg(now).arg(now + life).arg(life + SLACK).arg(value);
        self.run(&call).await
    }

    async fn consume(&self, key: &Key) -> Result<Option<String>, CacheError> {
        let mut call = self.scripts.consume.key(key.as_str());
        call.arg(self.now());
        self.run(&call).await
    }

    async fn bump_if(&self, key: &Key, limit: u32, window: Duration) -> Result<Bump, CacheError> {
        let now = self.now();
        let mut call = self.scripts.bump_if.key(key.as_str());
        call.arg(now)
            .arg(now + milliseconds(window))
            .arg(SLACK)
            .arg(limit);
        let (admitted, count, resets_in): (bool, u32, i64) = self.run(&call).await?;
        Ok(Bump {
            admitted,
            count,
            resets_in: duration(resets_in),
        })
    }

    async fn deny(&self, marks: &[DenyMark]) -> Result<(), CacheError> {
        for marks in marks.chunks(MARKS_AT_ONCE) {
            let marks: Vec<_> = marks
                .iter()
                .map(|mark| match mark {
                    DenyMark::Session { id } => (Key::denied_session(id), "s", String::new()),
                    DenyMark::User {
                        id,
                        before,
                        version,
                    } => (
                        Key::denied_user(id),
                        "u",
                        user_mark(*version, Some(*before)),
                    ),
                })
                .collect();
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
        self.begin_anew_if_missed(now).await?;
        let mut call = self.scripts.standing.key(Key::denied_since().as_str());
        call.key(Key::denied_user(user).as_str())
            .key(Key::denied_session(session).as_str())
            .arg(now);
        let (since, session_denied, user_denied_before): (i64, bool, Option<i64>) =
            self.run(&call).await?;
        Ok(Standing {
            session_denied,
            user_denied_before,
            trusted: now.saturating_sub(since) >= self.life,
        })
    }

    async fn ping(&self) -> Result<(), CacheError> {
        self.link
            .call(|mut connection| async move {
                redis::cmd("PING").exec_async(&mut connection).await
            })
            .await
    }
}
