//! What the cache is told of an account's status: by whoever moved it, by `courier` after them, and
//! by `janitor` now and then.
//!
//! The mark follows from the row, never from an event, which may come hours late: then a later
//! move has happened, and its version is in the row.

use crate::cache::{Cache, CacheError, DenyMark};
use crate::domain::id::UserId;
use crate::domain::user::User;

/// After every session that there is or will be: as far as numbers are exact in a double, which is
/// all that Redis's Lua has.
const EVERY_SESSION: i64 = (1 << 53) - 1;

/// What the cache is to know of one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StatusMark {
    /// These sessions are denied.
    Deny(DenyMark),
    /// None is, as far as the status goes.
    Allow {
        /// The user's id.
        user: UserId,
        /// Which state of the account that is.
        version: u64,
    },
}

impl StatusMark {
    /// The mark of an account as its row has it.
    pub fn of(user: &User) -> Self {
        let version = user.status_detail.version;
        if user.status.is_shut_out() {
            return Self::Deny(deny_shut_out(user.id, version));
        }
        // Whoever comes back does so without the sessions that had ended before: to lift the mark
        // altogether would bring their access tokens back too.
        let ended = user.cutoff.map(|cutoff| match cutoff.kept {
            None => cutoff.at.as_millisecond(),
            // Those that ended beside it and are younger have marks of their own.
            Some(kept) => kept.unix_millis() - 1,
        });
        match ended {
            Some(before) => Self::Deny(DenyMark::User {
                id: user.id.to_string(),
                before,
                version,
            }),
            None => Self::Allow {
                user: user.id,
                version,
            },
        }
    }

    /// Writes it. A mark of a later version stays.
    pub async fn write(&self, cache: &dyn Cache) -> Result<(), CacheError> {
        match self {
            Self::Deny(mark) => cache.deny(std::slice::from_ref(mark)).await,
            Self::Allow { user, version } => cache.allow(&user.to_string(), *version).await,
        }
    }
}

/// The mark of an account that is shut out: no session of it is good, not even one that an instance
/// with a fast clock began a moment from now.
pub fn deny_shut_out(user: UserId, version: u64) -> DenyMark {
    DenyMark::User {
        id: user.to_string(),
        before: EVERY_SESSION,
        version,
    }
}
