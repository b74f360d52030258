//! Access tokens: JWTs after RFC 9068, ES256, 15 minutes.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, Header, Validation};
use serde::{Deserialize, Serialize};

use crate::domain::id::{SessionId, TokenId, UserId};
use crate::domain::plan::{FREE_PLAN, Subscription};
use crate::domain::session::Session;
use crate::domain::user::User;
use crate::keys::Keyring;
use crate::random::Random;

/// How long an access token lives.
pub const LIFE: SignedDuration = SignedDuration::from_mins(15);
/// How far ahead of us the clock of the instance that issued a token may be.
const ISSUED_LEEWAY: SignedDuration = SignedDuration::from_secs(30);
/// The `typ` that tells an access token from any other JWT (RFC 9068 section 2.1).
const TYPE: &str = "at+jwt";
/// No access token of ours comes near; longer ones are refused before they are parsed.
const MAX_LENGTH: usize = 4096;

/// What an access token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Who issued it: the service's base URL.
    pub iss: String,
    /// Whom it speaks for.
    pub sub: UserId,
    /// Whom it is meant for.
    pub aud: String,
    /// When it ends, in seconds since 1970.
    pub exp: i64,
    /// When it was issued, likewise.
    pub iat: i64,
    /// Its own id.
    pub jti: String,
    /// The session it belongs to.
    pub sid: SessionId,
    /// When the user last proved who they are, in seconds since 1970.
    pub auth_time: i64,
    /// How they proved it (RFC 8176).
    pub amr: Vec<String>,
    /// How much that proof is worth: `aal1`, or `aal2` with two factors (NIST SP 800-63B).
    pub acr: String,
    /// The names of the user's roles.
    pub roles: Vec<String>,
    /// What the roles allow.
    pub permissions: Vec<String>,
    /// The name of the user's plan.
    pub plan: String,
    /// Since when they have it, in seconds since 1970; absent for the plan that they began with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan_since: Option<i64>,
    /// Until when, likewise; from then on they are on the free one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan_until: Option<i64>,
    /// Whether the user's address is verified.
    pub email_verified: bool,
    /// The client it was issued to, where that is not the service's own front end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
}

impl Claims {
    /// The plan that the user has at `now`, and since and until when.
    pub fn plan_at(&self, now: Timestamp) -> (&str, Subscription) {
        let at = |seconds: i64| Timestamp::from_second(seconds).ok();
        let subscription = Subscription {
            since: self.plan_since.and_then(at),
            until: self.plan_until.and_then(at),
        };
        let plan = if subscription.has_ended(now) {
            FREE_PLAN
        } else {
            &self.plan
        };
        (plan, subscription.at(now))
    }
}

/// The token is not one of ours, or no longer good. Which, is nobody's business.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the access token is not valid")]
pub struct InvalidToken;

/// The token could not be signed.
#[derive(Debug, thiserror::Error)]
#[error("the access token could not be signed")]
pub struct SigningError(#[from] jsonwebtoken::errors::Error);

/// Issues and checks access tokens.
#[derive(Debug, Clone)]
pub struct AccessTokens {
    keys: Arc<Keyring>,
    issuer: String,
    audience: String,
}

impl AccessTokens {
    /// Tokens of this issuer for this audience.
    pub fn new(keys: Arc<Keyring>, issuer: String, audience: String) -> Self {
        Self {
            keys,
            issuer,
            audience,
        }
    }

    /// A token for the user in this session.
    pub fn issue(
        &self,
        user: &User,
        session: &Session,
        now: Timestamp,
        random: &dyn Random,
    ) -> Result<String, SigningError> {
        let subscription = user.subscription.at(now);
        let claims = Claims {
            iss: self.issuer.clone(),
            sub: user.id,
            aud: self.audience.clone(),
            exp: (now + LIFE).as_second(),
            iat: now.as_second(),
            jti: TokenId::new(now, random).to_string(),
            sid: session.id,
            auth_time: session.auth_time.as_second(),
            amr: session.amr.clone(),
            acr: session.acr().to_owned(),
            roles: user.roles.clone(),
            permissions: user.permissions().into_iter().map(Into::into).collect(),
            plan: user.plan_at(now).to_owned(),
            plan_since: subscription.since.map(Timestamp::as_second),
            plan_until: subscription.until.map(Timestamp::as_second),
            email_verified: user.email_verified,
            client_id: None,
        };
        let signing = self.keys.signing();
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some(TYPE.to_owned());
        header.kid = Some(signing.kid.clone());
        Ok(jsonwebtoken::encode(&header, &claims, &signing.encoding)?)
    }

    /// What the token says, if it is one of ours and good at `now`.
    ///
    /// Algorithm and key are pinned: nothing in the token's header chooses them, and `jku`, `x5u`
    /// and `jwk` are never looked at (RFC 8725).
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Claims, InvalidToken> {
        if token.len() > MAX_LENGTH {
            return Err(InvalidToken);
        }
        let mut rules = Validation::new(Algorithm::ES256);
        rules.set_audience(&[&self.audience]);
        rules.set_issuer(&[&self.issuer]);
        rules.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
        // The library would compare with the machine's clock; ours is handed in.
        rules.validate_exp = false;
        let signing = self.keys.signing();
        let data = jsonwebtoken::decode::<Claims>(token, &signing.decoding, &rules)
            .map_err(|_| InvalidToken)?;
        let claims = data.claims;
        let good = data.header.typ.as_deref() == Some(TYPE)
            && data.header.kid.as_deref() == Some(&signing.kid)
            && now.as_second() < claims.exp
            // Whatever life it was given by an earlier or later release: deny marks outlive this
            // one and no longer.
            && now.as_second() - claims.iat < LIFE.as_secs()
            && claims.iat <= (now + ISSUED_LEEWAY).as_second();
        good.then_some(claims).ok_or(InvalidToken)
    }
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;
    use serde_json::{Value, json};

    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn now() -> Timestamp {
        Timestamp::from_second(NOW).unwrap()
    }

    fn tokens() -> AccessTokens {
        let secret = format!(r#"{{"seed":"{}"}}"#, "s".repeat(64));
        let keys = Keyring::from_secret(&SecretString::from(secret)).unwrap();
        let (issuer, audience) = ("https://id.example.com", "https://api.example.com");
        AccessTokens::new(Arc::new(keys), issuer.to_owned(), audience.to_owned())
    }

    fn claims() -> Value {
        json!({
            "iss": "https://id.example.com",
            "sub": UserId::from_bytes([1; 16]),
            "aud": "https://api.example.com",
            "exp": NOW + 900,
            "iat": NOW,
            "jti": "01KP0000000000000000000000",
            "sid": SessionId::from_bytes([2; 16]),
            "auth_time": NOW,
            "amr": ["pwd"],
            "acr": "aal1",
            "roles": ["user"],
            "permissions": [],
            "plan": "free",
            "email_verified": true,
        })
    }

    /// Signs with the right key, whatever it is: from outside nobody can.
    fn signed(
        tokens: &AccessTokens,
        typ: Option<&str>,
        kid: Option<&str>,
        claims: &Value,
    ) -> String {
        let mut header = Header::new(Algorithm::ES256);
        header.typ = typ.map(ToOwned::to_owned);
        header.kid = kid.map(ToOwned::to_owned);
        jsonwebtoken::encode(&header, claims, &tokens.keys.signing().encoding).unwrap()
    }

    fn accepts(claims: &Value) -> bool {
        let tokens = tokens();
        let kid = tokens.keys.signing().kid.clone();
        let token = signed(&tokens, Some(TYPE), Some(&kid), claims);
        tokens.verify(&token, now()).is_ok()
    }

    #[test]
    fn a_jwt_of_ours_that_is_no_access_token_is_refused() {
        let tokens = tokens();
        let kid = tokens.keys.signing().kid.clone();
        let verify = |typ, kid| {
            let token = signed(&tokens, typ, kid, &claims());
            tokens.verify(&token, now())
        };
        assert!(verify(Some(TYPE), Some(&kid)).is_ok());
        for typ in [
            None,
            Some("JWT"),
            Some("at+JWT "),
            Some("logout+jwt"),
            Some(""),
        ] {
            assert_eq!(verify(typ, Some(&kid)), Err(InvalidToken), "{typ:?}");
        }
        for kid in [None, Some(""), Some("another")] {
            assert_eq!(verify(Some(TYPE), kid), Err(InvalidToken), "{kid:?}");
        }
    }

    #[test]
    fn issuer_and_audience_must_be_exactly_ours() {
        assert!(accepts(&claims()));
        for (name, value) in [
            ("iss", json!("https://id.example.com/")),
            ("iss", json!("https://id.example")),
            ("iss", json!("")),
            ("iss", json!(null)),
            ("iss", json!(["https://id.example.com"])),
            ("aud", json!("https://api.example.com/")),
            ("aud", json!("https://api.example")),
            ("aud", json!("")),
            ("aud", json!(null)),
            (
                "aud",
                json!(["https://api.example.com", "https://other.example.com"]),
            ),
        ] {
            let mut changed = claims();
            changed[name] = value;
            assert!(!accepts(&changed), "{changed}");
        }
    }

    #[test]
    fn no_claim_may_be_missing() {
        let names: Vec<String> = claims().as_object().unwrap().keys().cloned().collect();
        for name in names {
            let mut changed = claims();
            changed.as_object_mut().unwrap().remove(&name);
            assert!(!accepts(&changed), "{name}");
        }
    }

    #[test]
    fn times_are_whole_seconds_and_end_exactly() {
        for (exp, good) in [
            (json!(NOW + 1), true),
            (json!(NOW), false),
            (json!(NOW - 1), false),
            (json!(-1), false),
            (json!("9999999999"), false),
            (json!(1e30), false),
            (json!(null), false),
        ] {
            let mut changed = claims();
            changed["exp"] = exp;
            assert_eq!(accepts(&changed), good, "{changed}");
        }
        let mut longer = claims();
        for (exp, iat, good) in [
            (NOW + 900, NOW - 899, true),
            (NOW + 900, NOW - 900, false),
            (NOW + 86_400, NOW - 1_000, false),
        ] {
            longer["exp"] = json!(exp);
            longer["iat"] = json!(iat);
            assert_eq!(accepts(&longer), good, "{longer}");
        }
        let leeway = ISSUED_LEEWAY.as_secs();
        for (iat, good) in [(NOW + leeway, true), (NOW + leeway + 1, false)] {
            let mut changed = claims();
            changed["iat"] = json!(iat);
            assert_eq!(accepts(&changed), good, "{changed}");
        }
    }
}
