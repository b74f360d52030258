//! The marks of ended sessions, by which their access tokens end too.

use std::sync::Arc;

use jiff::Timestamp;

use crate::cache::{Cache, DenyMark};
use crate::domain::id::{SessionId, UserId};

/// Writes marks of ended sessions.
#[derive(Clone)]
pub struct Denylist {
    cache: Arc<dyn Cache>,
}

impl Denylist {
    /// Marks in this cache.
    pub fn new(cache: Arc<dyn Cache>) -> Self {
        Self { cache }
    }

    /// Marks ended sessions: those that are listed, and with `all_until` every one that began by
    /// then. Where the cache is away the marks are left to `courier`, which reads the same from the
    /// event.
    pub async fn deny(&self, user: UserId, sessions: &[SessionId], all_until: Option<Timestamp>) {
        let marks = deny_marks(user, sessions, all_until);
        if marks.is_empty() {
            return;
        }
        if let Err(error) = self.cache.deny(&marks).await {
            tracing::warn!(user.id = %user, %error, "deny marks left to the event stream");
        }
    }
}

/// The marks of ended sessions.
pub fn deny_marks(
    user: UserId,
    sessions: &[SessionId],
    all_until: Option<Timestamp>,
) -> Vec<DenyMark> {
    let listed = sessions.iter().map(|session| DenyMark::Session {
        id: session.to_string(),
    });
    // The moment is the version too: a later end of all sessions goes further.
    let all = all_until
        .map(Timestamp::as_millisecond)
        .map(|until| DenyMark::User {
            id: user.to_string(),
            before: until,
            version: until.unsigned_abs(),
        });
    listed.chain(all).collect()
}
