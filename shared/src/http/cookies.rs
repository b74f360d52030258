//! The refresh token as a cookie, and the `Origin` that may use it.

use axum::response::{IntoResponse, Response};
use cookie::{Cookie, SameSite, time::Duration};
use http::header::{COOKIE, ORIGIN, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use super::problem::{Code, Problem};
use crate::env::{Env, EnvError};

/// The cookie's name. `__Host-` binds it to this host, to TLS and to the whole path, so that no
/// sibling domain can plant one.
const NAME: &str = "__Host-refresh_token";

/// How the refresh cookie is set, and from where it is taken.
#[derive(Debug, Clone)]
pub struct RefreshCookie {
    same_site: SameSite,
    allowed_origins: Vec<String>,
}

impl RefreshCookie {
    /// As `COOKIE_SAME_SITE`, `ALLOWED_ORIGINS` and `PUBLIC_URL` say.
    pub fn open(env: &Env) -> Result<Self, EnvError> {
        let same_site = same_site(env)?;
        let mut allowed_origins = allowed_origins(env)?;
        allowed_origins.push(env.base_url("PUBLIC_URL")?);
        Ok(Self {
            same_site,
            allowed_origins,
        })
    }

    /// The header that keeps the token in the browser until the session's absolute end.
    pub fn set(&self, token: &SecretString, expires_at: Timestamp, now: Timestamp) -> HeaderValue {
        let life = expires_at.duration_since(now).as_secs();
        self.header(token.expose_secret(), life)
    }

    /// The header that makes the browser forget it.
    pub fn clear(&self) -> HeaderValue {
        self.header("", 0)
    }

    /// The answer to a browser that is signed out: forget what you keep for us. But not all cookies:
    /// that would reach those of the whole domain, and the one by which a device is known and trusted.
    pub fn signed_out(&self) -> Response {
        let mut response = StatusCode::NO_CONTENT.into_response();
        let headers = response.headers_mut();
        headers.append(SET_COOKIE, self.clear());
        headers.insert(
            HeaderName::from_static("clear-site-data"),
            HeaderValue::from_static(r#""storage""#),
        );
        response
    }

    /// The token in a request's cookies. Two cookies of the name are an attempt to plant one, and
    /// count as none.
    pub fn read(&self, headers: &HeaderMap) -> Option<SecretString> {
        only(headers, NAME).map(|cookie| SecretString::from(cookie.value()))
    }

    /// Refuses a request that a browser sends from a site which is not ours.
    pub fn check_origin(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let foreign = headers
            .get_all(ORIGIN)
            .iter()
            .any(|origin| !self.allows(origin))
            || headers
                .get("sec-fetch-site")
                .is_some_and(|site| site == "cross-site")
                && headers.get(ORIGIN).is_none();
        if foreign {
            return Err(Problem::new(
                Code::OriginNotAllowed,
                "Call from an origin that the service is configured for.",
            ));
        }
        Ok(())
    }

    fn allows(&self, origin: &HeaderValue) -> bool {
        self.allowed_origins
            .iter()
            .any(|allowed| origin == allowed.as_str())
    }

    fn header(&self, value: &str, seconds: i64) -> HeaderValue {
        header(NAME, value, self.same_site, seconds)
    }
}

/// As `COOKIE_SAME_SITE` says.
pub(super) fn same_site(env: &Env) -> Result<SameSite, EnvError> {
    match env.optional("COOKIE_SAME_SITE").unwrap_or("Strict") {
        "Strict" => Ok(SameSite::Strict),
        "Lax" => Ok(SameSite::Lax),
        "None" => Ok(SameSite::None),
        _ => Err(EnvError::Invalid("COOKIE_SAME_SITE".to_owned())),
    }
}

/// The one cookie of this name.
pub(super) fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<Cookie<'a>> {
    let mut found = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(Cookie::split_parse)
        .flatten()
        .filter(|cookie| cookie.name() == name);
    let cookie = found.next()?;
    found.next().is_none().then_some(cookie)
}

/// The header that sets a cookie which scripts can't read, for this many seconds.
pub(super) fn header(name: &str, value: &str, same_site: SameSite, seconds: i64) -> HeaderValue {
    let cookie = Cookie::build((name, value))
        .path("/")
        .secure(true)
        .http_only(true)
        .same_site(same_site)
        .max_age(Duration::seconds(seconds));
    // Values are base64url, so the header is always valid.
    HeaderValue::from_str(&cookie.to_string()).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// The origins that `ALLOWED_ORIGINS` names; each must be one, and `*` is none.
pub(crate) fn allowed_origins(env: &Env) -> Result<Vec<String>, EnvError> {
    let origins = env.list("ALLOWED_ORIGINS");
    let all_good = origins.iter().all(|origin| {
        url::Url::parse(origin).is_ok_and(|url| url.origin().ascii_serialization() == *origin)
    });
    all_good
        .then_some(origins)
        .ok_or_else(|| EnvError::Invalid("ALLOWED_ORIGINS".to_owned()))
}
