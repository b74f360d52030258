//! The cache within one process: for the local server and for tests.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;

use super::quota::{Measure, judge, round_up};
use super::{
    Bump, Cache, CacheError, DenyMark, Key, Quota, Standing, Verdict, duration, milliseconds,
};
use crate::clock::Clock;

/// Below this many entries, looking for expired ones is not worth it.
const SWEEP_FLOOR: usize = 1024;

/// A cache in memory. It holds for one process only: two of them know nothing of each other.
pub struct MemoryCache {
    clock: Arc<dyn Clock>,
    /// Of deny marks. Milliseconds.
    life: i64,
    /// From when it has been recording marks: its own beginning. Unix milliseconds.
    since: i64,
    entries: Mutex<Entries>,
}

struct Entries {
    map: HashMap<Key, Entry>,
    /// How many entries lead to the next sweep.
    sweep_at: usize,
}

struct Entry {
    /// Unix milliseconds.
    expires: i64,
    content: Content,
}

enum Content {
    Value(String),
    Count(u32),
    /// When a quota is whole again. Unix microseconds.
    Whole(i64),
    /// How much of a period's quota is spent.
    Tally(i64),
    SessionEnded,
    User(UserMark),
}

/// The order of the fields is the order in which marks win: by version, then denial over none.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct UserMark {
    version: u64,
    denied_before: Option<i64>,
}

impl MemoryCache {
    /// An empty cache; `life` is that of deny marks (see [`open`](super::open)).
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, life: Duration) -> Self {
        let since = clock.now().as_millisecond();
        Self {
            clock,
            life: milliseconds(life),
            since,
            entries: Mutex::new(Entries {
                map: HashMap::new(),
                sweep_at: SWEEP_FLOOR,
            }),
        }
    }

    fn now(&self) -> i64 {
        self.clock.now().as_millisecond()
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        // No step below leaves an entry half-written, so a panic elsewhere spoils nothing.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn mark(
        &self,
        entries: &mut Entries,
        now: i64,
        user: &str,
        mark: UserMark,
    ) -> Result<(), CacheError> {
        let key = Key::denied_user(user);
        match entries.live(&key, now) {
            Some(Entry {
                content: Content::User(present),
                ..
            }) if *present > mark => Ok(()),
            None
            | Some(Entry {
                content: Content::User(_),
                ..
            }) => {
                entries.insert(key, now + self.life, Content::User(mark), now);
                Ok(())
            }
            Some(_) => Err(CacheError::Corrupt),
        }
    }
}

impl Entries {
    fn live(&self, key: &Key, now: i64) -> Option<&Entry> {
        self.map.get(key).filter(|entry| now < entry.expires)
    }

    /// Writes an entry. Expired ones go when the map has doubled since the last sweep, so that each
    /// insertion pays a constant share.
    fn insert(&mut self, key: Key, expires: i64, content: Content, now: i64) {
        if self.map.len() >= self.sweep_at {
            self.map.retain(|_, entry| now < entry.expires);
            self.sweep_at = SWEEP_FLOOR.max(self.map.len() * 2);
        }
        self.map.insert(key, Entry { expires, content });
    }
}

#[async_trait]
impl Cache for MemoryCache {
    async fn put_once(&self, key: &Key, value: &str, life: Duration) -> Result<bool, CacheError> {
        let now = self.now();
        let mut entries = self.entries();
        match entries.live(key, now).map(|entry| &entry.content) {
            Some(Content::Value(_)) => Ok(false),
            Some(_) => Err(CacheError::Corrupt),
            None => {
                let content = Content::Value(value.to_owned());
                entries.insert(key.clone(), now + milliseconds(life), content, now);
                Ok(true)
            }
        }
    }

    async fn consume(&self, key: &Key) -> Result<Option<String>, CacheError> {
        let now = self.now();
        let mut entries = self.entries();
        match entries.live(key, now).map(|entry| &entry.content) {
            None => return Ok(None),
            Some(Content::Value(_)) => {}
            Some(_) => return Err(CacheError::Corrupt),
        }
        match entries.map.remove(key) {
            Some(Entry {
                content: Content::Value(value),
                ..
            }) => Ok(Some(value)),
            _ => Ok(None),
        }
    }

    async fn bump_if(&self, key: &Key, limit: u32, window: Duration) -> Result<Bump, CacheError> {
        let now = self.now();
        let mut entries = self.entries();
        let (count, expires) = match entries.live(key, now) {
            None => (0, now + milliseconds(window)),
            Some(Entry {
                content: Content::Count(count),
                expires,
            }) => (*count, *expires),
            Some(_) => return Err(CacheError::Corrupt),
        };
        let admitted = count < limit;
        let count = count + u32::from(admitted);
        if admitted {
            entries.insert(key.clone(), expires, Content::Count(count), now);
        }
        Ok(Bump {
            admitted,
            count,
            resets_in: duration(expires - now),
        })
    }

    async fn admit(&self, quotas: &[Quota<'_>]) -> Result<Vec<Verdict>, CacheError> {
        let now = self.now();
        let mut entries = self.entries();
        let measures: Vec<_> = quotas.iter().map(|quota| quota.measure(now)).collect();
        let numbers: Vec<_> = quotas
            .iter()
            .zip(&measures)
            .map(|(quota, measure)| {
                let entry = entries.live(quota.key, now);
                match (measure, entry.map(|entry| &entry.content)) {
                    (_, None) => Ok(0),
                    (Measure::Pace(_), Some(Content::Whole(whole))) => {
                        Ok(measure.at_most_all(whole - now * 1000))
                    }
                    (Measure::Tally { .. }, Some(Content::Tally(count))) => Ok(*count),
                    _ => Err(CacheError::Corrupt),
                }
            })
            .collect::<Result<_, _>>()?;
        let verdicts = judge(&measures, &numbers);
        if verdicts.iter().all(|verdict| verdict.admitted) {
            for ((quota, measure), number) in quotas.iter().zip(measures).zip(numbers) {
                let (expires, content) = match measure {
                    Measure::Pace(pace) => {
                        let whole = now * 1000 + number + pace.interval;
                        (round_up(whole), Content::Whole(whole))
                    }
                    Measure::Tally { end, .. } => (end, Content::Tally(number + 1)),
                };
                entries.insert(quota.key.clone(), expires, content, now);
            }
        }
        Ok(verdicts)
    }

    async fn deny(&self, marks: &[DenyMark]) -> Result<(), CacheError> {
        let now = self.now();
        let mut entries = self.entries();
        for mark in marks {
            match mark {
                DenyMark::Session { id } => {
                    let key = Key::denied_session(id);
                    entries.insert(key, now + self.life, Content::SessionEnded, now);
                }
                DenyMark::User {
                    id,
                    before,
                    version,
                } => {
                    let mark = UserMark {
                        version: *version,
                        denied_before: Some(*before),
                    };
                    self.mark(&mut entries, now, id, mark)?;
                }
            }
        }
        Ok(())
    }

    async fn allow(&self, user: &str, version: u64) -> Result<(), CacheError> {
        let mark = UserMark {
            version,
            denied_before: None,
        };
        self.mark(&mut self.entries(), self.now(), user, mark)
    }

    async fn standing(&self, user: &str, session: &str) -> Result<Standing, CacheError> {
        let now = self.now();
        let entries = self.entries();
        let user_denied_before = match entries.live(&Key::denied_user(user), now) {
            None => None,
            Some(Entry {
                content: Content::User(mark),
                ..
            }) => mark.denied_before,
            Some(_) => return Err(CacheError::Corrupt),
        };
        Ok(Standing {
            session_denied: entries.live(&Key::denied_session(session), now).is_some(),
            user_denied_before,
            trusted: now - self.since >= self.life,
        })
    }

    async fn ping(&self) -> Result<(), CacheError> {
        Ok(())
    }
}
