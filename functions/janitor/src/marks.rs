//! The denylist, written anew from the index of those who are shut out: for a cache that lost a
//! mark or all of them, and so that no mark lapses before an access token that is older than the
//! life which tokens have now.

use latchkey_shared::cache::DenyMark;
use latchkey_shared::status_mark::deny_shut_out;
use latchkey_shared::store::user_index::Cursor;

use crate::{Failure, State};

impl State {
    pub(crate) async fn mark_all(&self) -> Result<(), Failure> {
        let mut cursor = Some(Cursor::default());
        while let Some(from) = cursor {
            let page = self.statuses.shut_out(from).await?;
            let users = page.users.iter().filter(|user| user.status.is_shut_out());
            // Where an account has moved since the index was written, the cache has a mark of a
            // later version, and these do not touch it.
            let marks: Vec<DenyMark> = users
                .map(|user| deny_shut_out(user.id, user.status_version))
                .collect();
            if !marks.is_empty() {
                self.cache.deny(&marks).await?;
            }
            cursor = page.next;
        }
        Ok(())
    }
}
