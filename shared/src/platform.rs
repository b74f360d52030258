//! What every function stands on: settings, AWS, clock, chance, keys and cache.
//!
//! A deployed function builds it from its environment. `infra/local` builds the same with its own
//! endpoints, clock and settings, so the code behind it is one.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use secrecy::SecretString;

use crate::access_token::{self, AccessTokens};
use crate::breached_passwords::{BreachedPasswords, ClientError};
use crate::cache::{Address, Cache, CacheError};
use crate::clock::{Clock, SystemClock};
use crate::env::{Env, EnvError};
use crate::keys::{Keyring, KeysError};
use crate::new_passwords::NewPasswords;
use crate::password_hash::{Cost, PasswordHashError, PasswordHasher};
use crate::random::{Random, SystemEntropy};
use crate::store::client::{self, Breaker};

/// One attempt at an AWS call. DynamoDB answers in single-digit milliseconds; what takes longer
/// than this has failed.
const ATTEMPT_TIMEOUT: Duration = Duration::from_millis(800);
/// All attempts at an AWS call together, well inside a request's five seconds.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(2);
/// The most attempts at an AWS call (AWS Builders' Library: few, with jitter, at one layer alone).
const ATTEMPTS: u32 = 4;
/// The longest wait before the second attempt, drawn anew each time; it doubles with each. The
/// SDK's own, a second where it is throttled, would leave no time for a third.
const FIRST_BACKOFF: Duration = Duration::from_millis(50);
/// The longest wait before any attempt.
const LONGEST_BACKOFF: Duration = Duration::from_millis(400);
/// How long the cache keeps deny marks: the life of an access token and some leeway.
const DENY_LIFE: Duration = Duration::from_mins(16);

/// Why a function could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting is missing or makes no sense.
    #[error(transparent)]
    Env(#[from] EnvError),
    /// A secret could not be read.
    #[error("a secret could not be read from Secrets Manager")]
    Secret(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The keys secret is no good.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The cache's address is no good.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// There are two addresses, which would be two caches.
    #[error("set REDIS_URL or UPSTASH_REDIS_REST_URL, not both")]
    SeveralCaches,
    /// The certificates to trust for the cache could not be read.
    #[error("the file that REDIS_CA_FILE names could not be read")]
    CacheAuthority(#[source] std::io::Error),
    /// The configured cost of password hashes is no good.
    #[error(transparent)]
    PasswordHash(#[from] PasswordHashError),
    /// There is no client for asking about breached passwords.
    #[error(transparent)]
    BreachedPasswords(#[from] ClientError),
}

/// What every function stands on.
#[derive(Clone)]
pub struct Platform {
    /// The settings.
    pub env: Env,
    /// Region, credentials, endpoints and limits of the AWS clients.
    pub aws: SdkConfig,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub random: Arc<dyn Random>,
    /// The deployment's keys.
    pub keys: Arc<Keyring>,
    cache: Option<Arc<dyn Cache>>,
    hasher: Arc<OnceLock<PasswordHasher>>,
    breaker: Arc<Breaker>,
}

impl Platform {
    /// The platform of a deployed function, from the process's environment.
    pub async fn from_process() -> Result<Self, StartError> {
        let env = Env::from_process();
        let aws = aws_config::defaults(BehaviorVersion::latest())
            .timeout_config(timeouts())
            .retry_config(retries())
            .load()
            .await;
        Self::new(
            env,
            aws,
            Arc::new(SystemClock),
            Arc::new(SystemEntropy::default()),
        )
        .await
    }

    /// A platform of these parts; the keys are read from Secrets Manager.
    pub async fn new(
        env: Env,
        aws: SdkConfig,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, StartError> {
        let secret = read_secret(&aws, env.required("KEYS_SECRET_ID")?).await?;
        let keys = Arc::new(Keyring::from_secret(&secret)?);
        let breaker = Arc::new(Breaker::new(clock.clone(), random.clone()));
        Ok(Self {
            env,
            aws,
            clock,
            random,
            keys,
            cache: None,
            hasher: Arc::default(),
            breaker,
        })
    }

    /// A client of the deployment's tables.
    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        client::open(&self.aws, &self.breaker)
    }

    /// The same platform with this cache, whatever the settings say. Functions that share a
    /// process share a `memory:` cache by it, as they would share a server.
    #[must_use]
    pub fn with_cache(mut self, cache: Arc<dyn Cache>) -> Self {
        self.cache = Some(cache);
        self
    }

    /// The cache: at `REDIS_URL` or `UPSTASH_REDIS_REST_URL`, else where the secret
    /// `REDIS_SECRET_ID` says.
    pub async fn cache(&self) -> Result<Arc<dyn Cache>, StartError> {
        if let Some(cache) = &self.cache {
            return Ok(cache.clone());
        }
        let mut address = self.cache_address().await?;
        if let Some(file) = self.env.optional("REDIS_CA_FILE") {
            let authority = std::fs::read(file).map_err(StartError::CacheAuthority)?;
            address = address.trusting(authority);
        }
        Ok(address.open(self.clock.clone(), DENY_LIFE)?)
    }

    async fn cache_address(&self) -> Result<Address, StartError> {
        let url = self.env.optional("REDIS_URL");
        let rest_url = self.env.optional("UPSTASH_REDIS_REST_URL");
        match (url, rest_url) {
            (Some(url), None) => Ok(Address::url(url.into())),
            (None, Some(url)) => {
                let token = self.env.required("UPSTASH_REDIS_REST_TOKEN")?;
                Ok(Address::rest(url.into(), token.into()))
            }
            (Some(_), Some(_)) => Err(StartError::SeveralCaches),
            (None, None) => {
                let id = self.env.required("REDIS_SECRET_ID")?;
                Ok(Address::from_secret(&read_secret(&self.aws, id).await?)?)
            }
        }
    }

    /// Issues and checks access tokens of this deployment.
    pub fn access_tokens(&self) -> Result<AccessTokens, EnvError> {
        let issuer = self.env.base_url("PUBLIC_URL")?;
        let audience = self.env.optional("AUDIENCE").unwrap_or(&issuer).to_owned();
        Ok(AccessTokens::new(self.keys.clone(), issuer, audience))
    }

    /// Hashes passwords at the configured cost: one hasher for all functions of a process, since
    /// it counts how many hash at once.
    pub fn password_hasher(&self) -> Result<PasswordHasher, StartError> {
        if let Some(hasher) = self.hasher.get() {
            return Ok(hasher.clone());
        }
        let default = Cost::default();
        let cost = Cost {
            memory_kib: self
                .env
                .parsed_or("ARGON2_MEMORY_KIB", default.memory_kib)?,
            iterations: self
                .env
                .parsed_or("ARGON2_ITERATIONS", default.iterations)?,
            parallelism: self
                .env
                .parsed_or("ARGON2_PARALLELISM", default.parallelism)?,
        };
        let hasher = PasswordHasher::new(cost, self.random.clone())?;
        // Lambda says so itself; elsewhere there is no such bound.
        hasher.fits(
            self.env
                .parsed_or("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", u64::MAX)?,
        )?;
        Ok(self.hasher.get_or_init(|| hasher).clone())
    }

    /// Takes passwords that are to be set. Asks about breached ones where
    /// `BREACHED_PASSWORDS_URL` says whom.
    pub fn new_passwords(&self) -> Result<NewPasswords, StartError> {
        let breached = match self.env.optional("BREACHED_PASSWORDS_URL") {
            Some(_) => {
                let url = self.env.base_url("BREACHED_PASSWORDS_URL")?;
                Some(BreachedPasswords::new(url)?)
            }
            None => None,
        };
        let app_name = self.env.optional("APP_NAME").unwrap_or_default();
        Ok(NewPasswords::new(
            self.password_hasher()?,
            breached,
            app_name.to_owned(),
        ))
    }
}

/// The limits of every AWS call.
pub fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(ATTEMPT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(OPERATION_TIMEOUT)
        .build()
}

/// How AWS calls are tried again. The SDK does it, and nothing else wraps another loop around it.
pub fn retries() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(ATTEMPTS)
        .with_initial_backoff(FIRST_BACKOFF)
        .with_max_backoff(LONGEST_BACKOFF)
}

async fn read_secret(aws: &SdkConfig, id: &str) -> Result<SecretString, StartError> {
    let answer = aws_sdk_secretsmanager::Client::new(aws)
        .get_secret_value()
        .secret_id(id)
        .send()
        .await
        .map_err(|error| StartError::Secret(error.into()))?;
    answer
        .secret_string
        .map(SecretString::from)
        .ok_or_else(|| StartError::Secret("it holds no text".into()))
}

const _: () = assert!(
    DENY_LIFE.as_secs() >= access_token::LIFE.as_secs().unsigned_abs(),
    "a deny mark must outlive the access tokens that it denies"
);

#[cfg(test)]
mod tests {
    use super::*;

    async fn cache(settings: &[(&str, &str)]) -> Result<(), StartError> {
        let seed = SecretString::from(format!(r#"{{"seed":"{}"}}"#, "x".repeat(64)));
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let random: Arc<dyn Random> = Arc::new(SystemEntropy::default());
        let platform = Platform {
            env: settings
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            aws: SdkConfig::builder().build(),
            breaker: Arc::new(Breaker::new(clock.clone(), random.clone())),
            clock,
            random,
            keys: Arc::new(Keyring::from_secret(&seed).unwrap()),
            cache: None,
            hasher: Arc::default(),
        };
        platform.cache().await.map(drop)
    }

    #[tokio::test]
    async fn there_is_one_cache() {
        const URL: (&str, &str) = ("REDIS_URL", "rediss://host");
        const REST: (&str, &str) = ("UPSTASH_REDIS_REST_URL", "https://host");
        const TOKEN: (&str, &str) = ("UPSTASH_REDIS_REST_TOKEN", "token");
        cache(&[URL]).await.unwrap();
        cache(&[REST, TOKEN]).await.unwrap();
        let several = cache(&[URL, REST, TOKEN]).await;
        assert!(matches!(several, Err(StartError::SeveralCaches)));
        for missing in [&[REST][..], &[TOKEN], &[]] {
            let missing = cache(missing).await;
            assert!(matches!(missing, Err(StartError::Env(_))), "{missing:?}");
        }
        let file = ("REDIS_CA_FILE", "/nowhere/ca.pem");
        let unreadable = cache(&[URL, file]).await;
        assert!(matches!(unreadable, Err(StartError::CacheAuthority(_))));
    }
}
