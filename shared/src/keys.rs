//! The keys of a deployment, all derived from one seed in Secrets Manager.
//!
//! HKDF-SHA-256 (RFC 5869) with a label for each use gives the ES256 key that signs access tokens
//! and the MAC keys of codes, links, refresh tokens and look-ups, so that a deployment makes its
//! secret with nothing but Secrets Manager's own random string, and no key serves two uses.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::agreement::{ECDH_P256, PrivateKey};
use aws_lc_rs::encoding::{AsBigEndian, EcPrivateKeyBin};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use aws_lc_rs::hmac;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{Jwk, KeyAlgorithm, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use serde::Deserialize;

use crate::domain::id::TokenId;
use crate::domain::token::Purpose;
use crate::random::Random;

/// The shortest seed taken: 43 characters of base64 or 64 of letters and digits hold 256 bits.
const MIN_SEED_LENGTH: usize = 43;

/// Digits in a mailed code (ASVS 6.5.4 asks for 20 bits, which are 6 digits).
const CODE_DIGITS: u32 = 6;

/// Why no keys could be made of a secret. It never quotes the secret.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The secret is not the JSON that the template makes.
    #[error("the keys secret is not JSON with a seed")]
    Malformed,
    /// The seed holds too little.
    #[error("the seed of the keys secret has fewer than {MIN_SEED_LENGTH} characters")]
    Short,
    /// The library refused to make a key.
    #[error("no key can be derived from the seed")]
    Underivable,
}

/// What the secret in Secrets Manager holds.
#[derive(Deserialize)]
struct Secret {
    seed: SecretString,
}

/// The keys of a deployment.
pub struct Keyring {
    signing: SigningKey,
    codes: hmac::Key,
    links: hmac::Key,
    refresh_tokens: hmac::Key,
    devices: hmac::Key,
    lookups: hmac::Key,
    seals: LessSafeKey,
}

/// The key pair that signs access tokens.
pub struct SigningKey {
    /// Its name in JWKS and token headers: the RFC 7638 thumbprint.
    pub(crate) kid: String,
    pub(crate) encoding: EncodingKey,
    pub(crate) decoding: DecodingKey,
    /// Its public half, as JWKS shows it.
    pub jwk: Jwk,
}

impl Keyring {
    /// Derives the keys from the secret's JSON.
    pub fn from_secret(secret: &SecretString) -> Result<Self, KeysError> {
        let Secret { seed } =
            serde_json::from_str(secret.expose_secret()).map_err(|_| KeysError::Malformed)?;
        let seed = seed.expose_secret();
        if seed.len() < MIN_SEED_LENGTH {
            return Err(KeysError::Short);
        }
        let root = Salt::new(HKDF_SHA256, b"latchkey").extract(seed.as_bytes());
        Ok(Self {
            signing: SigningKey::derive(&root)?,
            codes: mac_key(&root, "codes")?,
            links: mac_key(&root, "links")?,
            refresh_tokens: mac_key(&root, "refresh tokens")?,
            devices: mac_key(&root, "devices")?,
            lookups: mac_key(&root, "look-ups")?,
            seals: seal_key(&root)?,
        })
    }

    /// The key pair that signs access tokens.
    pub fn signing(&self) -> &SigningKey {
        &self.signing
    }

    /// The key of refresh tokens' MACs.
    pub(crate) fn refresh_tokens(&self) -> &hmac::Key {
        &self.refresh_tokens
    }

    /// The key of device cookies' MACs.
    pub(crate) fn devices(&self) -> &hmac::Key {
        &self.devices
    }

    /// The code of a token: 6 digits, cut from a MAC as HOTP does it (RFC 4226 section 5.3).
    pub fn code(&self, token: TokenId, purpose: Purpose) -> SecretString {
        let tag = hmac::sign(&self.codes, &token_input(token, purpose));
        let tag = tag.as_ref();
        let offset = usize::from(tag[tag.len() - 1] & 0x0f);
        let word = u32::from_be_bytes([
            tag[offset] & 0x7f,
            tag[offset + 1],
            tag[offset + 2],
            tag[offset + 3],
        ]);
        let code = word % 10_u32.pow(CODE_DIGITS);
        SecretString::from(format!("{code:0width$}", width = CODE_DIGITS as usize))
    }

    /// The secret part of a token's link: the id and a 256-bit MAC, in base64url.
    pub fn link(&self, token: TokenId, purpose: Purpose) -> SecretString {
        let tag = hmac::sign(&self.links, &token_input(token, purpose));
        SecretString::from(URL_SAFE_NO_PAD.encode([&token.as_bytes()[..], tag.as_ref()].concat()))
    }

    /// The token that a link of this purpose names, where its MAC is ours.
    pub fn open_link(&self, link: &str, purpose: Purpose) -> Option<TokenId> {
        let bytes = URL_SAFE_NO_PAD.decode(link).ok()?;
        let (id, tag) = bytes.split_first_chunk::<16>()?;
        let token = TokenId::from_bytes(*id);
        hmac::verify(&self.links, &token_input(token, purpose), tag).ok()?;
        Some(token)
    }

    /// A name for something personal, such as an address, in keys of tables and of the cache:
    /// equal for equal input, and meaningless without this key.
    pub fn lookup(&self, kind: &str, value: &str) -> String {
        let tag = hmac::sign(&self.lookups, format!("{kind}\0{value}").as_bytes());
        URL_SAFE_NO_PAD.encode(&tag.as_ref()[..16])
    }
}

/// A secret of somebody else's could not be sealed, or what was sealed is not what it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a sealed secret is not what was sealed")]
pub struct SealError;

impl Keyring {
    /// Seals a secret for the row of this name (AES-256-GCM, the name as associated data): in
    /// another row it does not open.
    pub(crate) fn seal(
        &self,
        row: &str,
        secret: &[u8],
        random: &dyn Random,
    ) -> Result<String, SealError> {
        let nonce: [u8; NONCE_LEN] = random.bytes();
        let mut sealed = secret.to_vec();
        self.seals
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(row.as_bytes()),
                &mut sealed,
            )
            .map_err(|_| SealError)?;
        Ok(URL_SAFE_NO_PAD.encode([&nonce[..], &sealed].concat()))
    }

    /// The secret that was sealed for the row of this name.
    pub(crate) fn unseal(&self, row: &str, sealed: &str) -> Result<SecretSlice<u8>, SealError> {
        let bytes = URL_SAFE_NO_PAD.decode(sealed).map_err(|_| SealError)?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE_LEN>().ok_or(SealError)?;
        let mut sealed = sealed.to_vec();
        let opened = self
            .seals
            .open_in_place(
                Nonce::assume_unique_for_key(*nonce),
                Aad::from(row.as_bytes()),
                &mut sealed,
            )
            .map_err(|_| SealError)?;
        Ok(SecretSlice::from(opened.to_vec()))
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring")
            .field("kid", &self.signing.kid)
            .finish_non_exhaustive()
    }
}

impl SigningKey {
    fn derive(root: &Prk) -> Result<Self, KeysError> {
        // A candidate of 32 bytes is no scalar of P-256 once in 2^32; then the next one is taken.
        let private = (0..4)
            .find_map(|candidate| {
                let bytes = expand(root, &format!("access tokens {candidate}")).ok()?;
                PrivateKey::from_private_key(&ECDH_P256, &bytes).ok()
            })
            .ok_or(KeysError::Underivable)?;
        let public = private
            .compute_public_key()
            .map_err(|_| KeysError::Underivable)?;
        let scalar: EcPrivateKeyBin<'_> =
            private.as_be_bytes().map_err(|_| KeysError::Underivable)?;
        let pkcs8 = EcdsaKeyPair::from_private_key_and_public_key(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            scalar.as_ref(),
            public.as_ref(),
        )
        .map_err(|_| KeysError::Underivable)?
        .to_pkcs8v1()
        .map_err(|_| KeysError::Underivable)?;

        let encoding = EncodingKey::from_ec_der(pkcs8.as_ref());
        let mut jwk = Jwk::from_encoding_key(&encoding, Algorithm::ES256)
            .map_err(|_| KeysError::Underivable)?;
        let kid = jwk
            .thumbprint(ThumbprintHash::SHA256)
            .map_err(|_| KeysError::Underivable)?;
        jwk.common.key_id = Some(kid.clone());
        jwk.common.public_key_use = Some(PublicKeyUse::Signature);
        jwk.common.key_algorithm = Some(KeyAlgorithm::ES256);
        let decoding = DecodingKey::from_jwk(&jwk).map_err(|_| KeysError::Underivable)?;
        Ok(Self {
            kid,
            encoding,
            decoding,
            jwk,
        })
    }
}

fn token_input(token: TokenId, purpose: Purpose) -> Vec<u8> {
    [&token.as_bytes()[..], purpose.as_str().as_bytes()].concat()
}

fn seal_key(root: &Prk) -> Result<LessSafeKey, KeysError> {
    let key = UnboundKey::new(&AES_256_GCM, &expand(root, "seals")?);
    Ok(LessSafeKey::new(key.map_err(|_| KeysError::Underivable)?))
}

fn mac_key(root: &Prk, label: &str) -> Result<hmac::Key, KeysError> {
    Ok(hmac::Key::new(hmac::HMAC_SHA256, &expand(root, label)?))
}

fn expand(root: &Prk, label: &str) -> Result<[u8; 32], KeysError> {
    struct Length;
    impl KeyType for Length {
        fn len(&self) -> usize {
            32
        }
    }
    let mut bytes = [0; 32];
    root.expand(&[b"latchkey v1 ", label.as_bytes()], Length)
        .and_then(|okm| okm.fill(&mut bytes))
        .map_err(|_| KeysError::Underivable)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keyring(seed: &str) -> Keyring {
        Keyring::from_secret(&SecretString::from(format!(r#"{{"seed":"{seed}"}}"#))).unwrap()
    }

    #[test]
    fn the_same_seed_gives_the_same_keys_and_another_seed_others() {
        let token = TokenId::from_bytes([7; 16]);
        let (one, same, other) = (
            keyring(&"a".repeat(64)),
            keyring(&"a".repeat(64)),
            keyring(&"b".repeat(64)),
        );
        assert_eq!(one.signing.kid, same.signing.kid);
        assert_ne!(one.signing.kid, other.signing.kid);
        let link = one.link(token, Purpose::VerifyEmail);
        let open = |keys: &Keyring| keys.open_link(link.expose_secret(), Purpose::VerifyEmail);
        assert_eq!(open(&same), Some(token));
        assert_eq!(open(&other), None);
    }

    #[test]
    fn what_is_sealed_for_a_row_opens_there_alone() {
        let random = crate::random::SystemEntropy::default();
        let (keys, other) = (keyring(&"a".repeat(64)), keyring(&"b".repeat(64)));
        let sealed = keys.seal("row", b"secret", &random).unwrap();
        assert_ne!(sealed, keys.seal("row", b"secret", &random).unwrap());
        assert_eq!(
            keys.unseal("row", &sealed).unwrap().expose_secret(),
            b"secret"
        );
        assert!(keys.unseal("another row", &sealed).is_err());
        assert!(other.unseal("row", &sealed).is_err());
        for at in 0..sealed.len() {
            let mut changed = sealed.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(keys.unseal("row", &changed).is_err(), "{at}");
        }
        for short in ["", "AAAA", "?"] {
            assert!(keys.unseal("row", short).is_err());
        }
    }

    #[test]
    fn a_changed_link_opens_nothing() {
        let keys = keyring(&"a".repeat(64));
        let link = keys.link(TokenId::from_bytes([7; 16]), Purpose::VerifyEmail);
        let link = link.expose_secret();
        for at in 0..link.len() {
            let mut changed = link.as_bytes().to_vec();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(keys.open_link(&changed, Purpose::VerifyEmail), None);
        }
        assert_eq!(keys.open_link("", Purpose::VerifyEmail), None);
    }

    #[test]
    fn codes_are_six_digits_and_spread_evenly() {
        let keys = keyring(&"a".repeat(64));
        let mut first_digits = [0_u32; 10];
        for n in 0..10_000_u128 {
            let code = keys.code(TokenId::from_bytes(n.to_be_bytes()), Purpose::VerifyEmail);
            let code = code.expose_secret();
            assert_eq!(code.len(), 6);
            first_digits[code[..1].parse::<usize>().unwrap()] += 1;
        }
        // Chi-squared over ten cells: above 33.7 once in ten thousand seeds, and the seed is fixed.
        let chi: f64 = first_digits
            .iter()
            .map(|&n| (f64::from(n) - 1000.0).powi(2) / 1000.0)
            .sum();
        assert!(chi < 33.7, "{first_digits:?}");
    }

    #[test]
    fn a_poor_secret_is_refused_without_being_quoted() {
        for secret in ["", "{}", r#"{"seed":1}"#, r#"{"seed":"hunter2"}"#] {
            let error = Keyring::from_secret(&SecretString::from(secret)).unwrap_err();
            assert!(!error.to_string().contains("hunter2"));
        }
    }
}
