//! The cookie by which a browser is known that somebody has signed in on before.
//!
//! It opens nothing. Who sends it is counted apart from strangers when passwords fail, so that
//! they can't lock the owner out. It holds an id of the browser and, for each of its last few
//! users, when they signed in, under a MAC that names them: a copy is of use for those alone, and
//! does not say who they are.

use std::convert::Infallible;
use std::sync::Arc;

use aws_lc_rs::hmac;
use axum::extract::FromRequestParts;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cookie::SameSite;
use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use jiff::{SignedDuration, Timestamp};

use super::cookies;
use crate::domain::id::{DeviceId, UserId};
use crate::env::{Env, EnvError};
use crate::keys::Keyring;
use crate::random::Random;

/// The cookie's name; for its prefix see [`super::cookies`].
const NAME: &str = "__Host-device";
/// How long a browser is known after its user signed in on it: as long as browsers keep a cookie
/// at most (RFC 6265bis section 5.5).
const LIFE: SignedDuration = SignedDuration::from_hours(400 * 24);
/// Users that one browser is known for: a family's.
const MAX_USERS: usize = 4;
/// A time in milliseconds and a MAC of SHA-256.
const MARK_LENGTH: usize = 8 + 32;

/// What a request says of the browser that it comes from, unchecked.
#[derive(Debug, Clone, Default)]
pub struct Device {
    id: Option<DeviceId>,
    marks: Vec<[u8; MARK_LENGTH]>,
}

/// A browser that a user has signed in on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownDevice {
    /// The browser.
    pub id: DeviceId,
    /// When the user signed in on it last.
    pub known_at: Timestamp,
}

/// Sets and checks device cookies.
#[derive(Clone)]
pub struct DeviceCookie {
    keys: Arc<Keyring>,
    same_site: SameSite,
}

impl Device {
    fn read(headers: &HeaderMap) -> Option<Self> {
        let cookie = cookies::only(headers, NAME)?;
        let mut parts = cookie.value().split('.');
        let id = URL_SAFE_NO_PAD.decode(parts.next()?).ok()?;
        let marks = parts
            .take(MAX_USERS)
            .map(|mark| URL_SAFE_NO_PAD.decode(mark).ok()?.try_into().ok())
            .collect::<Option<_>>()?;
        Some(Self {
            id: Some(DeviceId::from_bytes(id.try_into().ok()?)),
            marks,
        })
    }
}

impl Device {
    /// The same browser, with an id if it has none.
    #[must_use]
    pub fn named(&self, now: Timestamp, random: &dyn Random) -> Self {
        Self {
            id: Some(self.id_or_new(now, random)),
            marks: self.marks.clone(),
        }
    }

    /// Its id, or a new one.
    pub fn id_or_new(&self, now: Timestamp, random: &dyn Random) -> DeviceId {
        self.id.unwrap_or_else(|| DeviceId::new(now, random))
    }
}

impl DeviceCookie {
    /// As strict as `COOKIE_SAME_SITE` says.
    pub fn open(env: &Env, keys: Arc<Keyring>) -> Result<Self, EnvError> {
        Ok(Self {
            keys,
            same_site: cookies::same_site(env)?,
        })
    }

    /// The browser, if this user has signed in on it.
    pub fn known(&self, device: &Device, user: UserId, now: Timestamp) -> Option<KnownDevice> {
        let id = device.id?;
        device
            .marks
            .iter()
            .filter_map(|mark| self.opened(id, user, mark))
            .max()
            .filter(|at| now < *at + LIFE)
            .map(|known_at| KnownDevice { id, known_at })
    }

    /// The header by which the browser is known for this user from `now` on, and still for the
    /// others that it was known for.
    pub fn set(
        &self,
        device: &Device,
        user: UserId,
        now: Timestamp,
        random: &dyn Random,
    ) -> HeaderValue {
        let id = device.id_or_new(now, random);
        let others = device
            .marks
            .iter()
            .filter(|mark| self.opened(id, user, mark).is_none())
            .copied();
        let marks = std::iter::once(self.mark(id, user, now)).chain(others);
        let mut value = URL_SAFE_NO_PAD.encode(id.as_bytes());
        for mark in marks.take(MAX_USERS) {
            value.push('.');
            value.push_str(&URL_SAFE_NO_PAD.encode(mark));
        }
        cookies::header(NAME, &value, self.same_site, LIFE.as_secs())
    }

    fn mark(&self, id: DeviceId, user: UserId, at: Timestamp) -> [u8; MARK_LENGTH] {
        let at = at.as_millisecond().to_be_bytes();
        let tag = hmac::sign(self.keys.devices(), &input(id, user, at));
        let mut mark = [0; MARK_LENGTH];
        mark[..8].copy_from_slice(&at);
        mark[8..].copy_from_slice(tag.as_ref());
        mark
    }

    fn opened(&self, id: DeviceId, user: UserId, mark: &[u8; MARK_LENGTH]) -> Option<Timestamp> {
        let (at, tag) = mark.split_first_chunk::<8>()?;
        hmac::verify(self.keys.devices(), &input(id, user, *at), tag).ok()?;
        Timestamp::from_millisecond(i64::from_be_bytes(*at)).ok()
    }
}

fn input(id: DeviceId, user: UserId, at: [u8; 8]) -> Vec<u8> {
    [&id.as_bytes()[..], &user.as_bytes()[..], &at[..]].concat()
}

impl<S: Send + Sync> FromRequestParts<S> for Device {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::read(&parts.headers).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use http::header::COOKIE;
    use secrecy::SecretString;

    use super::*;
    use crate::random::SystemEntropy;

    const ADA: UserId = UserId::from_bytes([1; 16]);
    const BOB: UserId = UserId::from_bytes([2; 16]);

    fn cookies() -> DeviceCookie {
        let seed = SecretString::from(format!(r#"{{"seed":"{}"}}"#, "a".repeat(64)));
        let keys = Arc::new(Keyring::from_secret(&seed).unwrap());
        DeviceCookie::open(&Env::default(), keys).unwrap()
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    /// The value that a browser sends once it got this header.
    fn kept(header: &HeaderValue) -> String {
        let (pair, _) = header.to_str().unwrap().split_once(';').unwrap();
        let (_, value) = pair.split_once('=').unwrap();
        value.to_owned()
    }

    fn sent(value: &str) -> Device {
        let mut headers = HeaderMap::new();
        let cookie = format!("a=b; {NAME}={value}");
        headers.insert(COOKIE, cookie.parse().unwrap());
        Device::read(&headers).unwrap_or_default()
    }

    fn signed_in(device: &Device, user: UserId, now: Timestamp) -> String {
        kept(&cookies().set(device, user, now, &SystemEntropy::default()))
    }

    #[test]
    fn a_browser_is_known_for_who_signed_in_on_it() {
        let device = sent(&signed_in(&Device::default(), ADA, at(0)));
        let known = cookies().known(&device, ADA, at(5)).unwrap();
        assert_eq!(known.known_at, at(0));
        assert_eq!(cookies().known(&device, BOB, at(5)), None);

        let both = sent(&signed_in(&device, BOB, at(10)));
        assert_eq!(cookies().known(&both, ADA, at(20)), Some(known));
        let bob = cookies().known(&both, BOB, at(20)).unwrap();
        assert_eq!((bob.id, bob.known_at), (known.id, at(10)));

        let again = sent(&signed_in(&both, ADA, at(30)));
        assert_eq!(again.marks.len(), 2);
        let known = cookies().known(&again, ADA, at(40)).unwrap();
        assert_eq!(known.known_at, at(30));
    }

    #[test]
    fn a_browser_is_known_for_its_last_users_and_a_year() {
        let mut device = sent(&signed_in(&Device::default(), ADA, at(0)));
        assert!(cookies().known(&device, ADA, at(0) + LIFE).is_none());
        for user in 2..=5 {
            device = sent(&signed_in(&device, UserId::from_bytes([user; 16]), at(1)));
        }
        assert!(cookies().known(&device, BOB, at(2)).is_some());
        assert!(cookies().known(&device, ADA, at(2)).is_none());
    }

    #[test]
    fn a_forged_cookie_is_none() {
        let value = signed_in(&Device::default(), ADA, at(0));
        let forged = (0..value.len()).map(|at| {
            let mut bytes = value.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            String::from_utf8(bytes).unwrap()
        });
        let (id, mark) = value.split_once('.').unwrap();
        let cut = [
            id.to_owned(),
            mark.to_owned(),
            format!("{value}."),
            String::new(),
        ];
        for forged in forged.chain(cut) {
            assert_eq!(
                cookies().known(&sent(&forged), ADA, at(1)),
                None,
                "{forged}"
            );
        }
    }

    #[test]
    fn of_two_cookies_neither_counts() {
        let value = signed_in(&Device::default(), ADA, at(0));
        let twice = sent(&format!("{value}; {NAME}={value}"));
        assert_eq!(cookies().known(&twice, ADA, at(1)), None);
    }
}
