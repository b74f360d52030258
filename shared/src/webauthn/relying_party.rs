//! Who asks for passkeys: the domain that they are bound to, and the sites that may use them.

use std::sync::Arc;

use url::{Host, Url};
use webauthn_rs::{Webauthn, WebauthnBuilder};

use super::LIFE;
use crate::env::{Env, EnvError};
use crate::http::cookies::allowed_origins;

const RP_ID: &str = "WEBAUTHN_RP_ID";
const ORIGINS: &str = "WEBAUTHN_ORIGINS";
/// What a developer's machine goes by: browsers bind passkeys to names, never to addresses.
const LOCALHOST: &str = "localhost";

/// The relying party of a deployment.
#[derive(Debug, Clone)]
pub struct RelyingParty(Arc<Webauthn>);

impl RelyingParty {
    /// As `WEBAUTHN_RP_ID` and `WEBAUTHN_ORIGINS` say. The first is by default the host of
    /// `PUBLIC_URL`, the second the origins of `PUBLIC_URL` and `ALLOWED_ORIGINS` that are in that
    /// domain. `APP_NAME` is what browsers show.
    pub fn open(env: &Env) -> Result<Self, EnvError> {
        let public = env.base_url("PUBLIC_URL")?;
        let invalid = |name: &str| EnvError::Invalid(name.to_owned());
        let public = Url::parse(&public).map_err(|_| invalid("PUBLIC_URL"))?;
        let rp_id = match env.optional(RP_ID) {
            Some(id) => id.to_owned(),
            None => domain_of(&public).ok_or_else(|| invalid(RP_ID))?,
        };
        let named = env.list(ORIGINS);
        let origins: Vec<Url> = if named.is_empty() {
            let mut origins = vec![own_origin(&public)];
            for origin in allowed_origins(env)? {
                origins.extend(Url::parse(&origin));
            }
            origins.retain(|origin| is_within(origin, &rp_id));
            origins
        } else {
            named
                .iter()
                .map(|origin| origin_of(origin).filter(|url| is_within(url, &rp_id)))
                .collect::<Option<_>>()
                .ok_or_else(|| invalid(ORIGINS))?
        };
        let (first, others) = origins.split_first().ok_or_else(|| invalid(RP_ID))?;
        let mut builder = WebauthnBuilder::new(&rp_id, first)
            .map_err(|_| invalid(RP_ID))?
            .timeout(LIFE)
            .rp_name(env.optional("APP_NAME").unwrap_or(&rp_id));
        for origin in others {
            builder = builder.append_allowed_origin(origin);
        }
        let webauthn = builder.build().map_err(|_| invalid(RP_ID))?;
        Ok(Self(Arc::new(webauthn)))
    }

    pub(super) fn webauthn(&self) -> &Webauthn {
        &self.0
    }
}

fn domain_of(url: &Url) -> Option<String> {
    match url.host()? {
        Host::Domain(domain) => Some(domain.to_owned()),
        Host::Ipv4(ip) => ip.is_loopback().then(|| LOCALHOST.to_owned()),
        Host::Ipv6(ip) => ip.is_loopback().then(|| LOCALHOST.to_owned()),
    }
}

/// The service's own origin, under the name that a browser must use.
fn own_origin(public: &Url) -> Url {
    let mut origin = public.clone();
    if !matches!(public.host(), Some(Host::Domain(_))) && origin.set_host(Some(LOCALHOST)).is_err()
    {
        return public.clone();
    }
    origin.set_path("");
    origin
}

/// The origin that this text is, written as browsers write it.
fn origin_of(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    (url.origin().ascii_serialization() == text).then_some(url)
}

/// Whether a browser lets a page of this origin use passkeys of this domain: one of it or below
/// it, and fetched safely or from the machine itself.
fn is_within(origin: &Url, rp_id: &str) -> bool {
    let Some(domain) = origin.domain() else {
        return false;
    };
    let inside = domain == rp_id
        || domain
            .strip_suffix(rp_id)
            .is_some_and(|above| above.ends_with('.'));
    inside && (origin.scheme() == "https" || domain == LOCALHOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origins(settings: &[(&str, &str)]) -> Result<Vec<String>, EnvError> {
        let env: Env = settings
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let party = RelyingParty::open(&env)?;
        let origins = party.webauthn().get_allowed_origins().iter();
        Ok(origins
            .map(|url| url.origin().ascii_serialization())
            .collect())
    }

    #[test]
    fn the_public_url_and_the_front_ends_in_its_domain_are_the_default() {
        let settings = [
            ("PUBLIC_URL", "https://example.com/auth"),
            (
                "ALLOWED_ORIGINS",
                "https://app.example.com,https://badexample.com,https://example.org,\
                 http://app.example.com",
            ),
        ];
        let expected = ["https://example.com", "https://app.example.com"];
        assert_eq!(origins(&settings).unwrap(), expected);
    }

    #[test]
    fn an_address_of_this_machine_is_localhost() {
        let settings = [("PUBLIC_URL", "http://127.0.0.1:9000")];
        assert_eq!(origins(&settings).unwrap(), ["http://localhost:9000"]);
        let elsewhere = [("PUBLIC_URL", "https://192.0.2.1")];
        assert_eq!(origins(&elsewhere), Err(EnvError::Invalid(RP_ID.into())));
    }

    #[test]
    fn what_is_named_must_fit() {
        let with = |id, named| {
            origins(&[
                ("PUBLIC_URL", "https://id.example.com"),
                (RP_ID, id),
                (ORIGINS, named),
            ])
        };
        let good = with("example.com", "https://app.example.com:8443");
        assert_eq!(good.unwrap(), ["https://app.example.com:8443"]);
        for (id, named) in [
            ("example.com", "https://example.org"),
            ("example.com", "https://badexample.com"),
            ("example.com", "http://app.example.com"),
            ("example.com", "https://app.example.com/"),
            ("example.com", "app.example.com"),
            ("example.com", "*"),
        ] {
            assert_eq!(with(id, named), Err(EnvError::Invalid(ORIGINS.into())));
        }
        // Then nothing of the default is left.
        assert_eq!(
            with("example.org", ""),
            Err(EnvError::Invalid(RP_ID.into()))
        );
    }
}
