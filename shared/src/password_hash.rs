//! Passwords hashed with Argon2id, and never more at once than there are cores.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use argon2_rust::params::{Memory, TagLen};
use argon2_rust::{Algorithm, Argon2, Error, Hasher, Params, Version, decode_string};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{AcquireError, Semaphore};
use tokio::task::JoinError;

use crate::domain::password::{Password, SubmittedPassword};
use crate::random::Random;

/// Bytes of salt (RFC 9106 section 3.1 recommends 16).
const SALT_LENGTH: usize = 16;
/// Bytes of tag; fixed in the parameters too (RFC 9106 section 4).
const TAG_LENGTH: u64 = 32;
/// A stored hash that asks for more than this is not one of ours, and is refused before any
/// memory is taken for it.
const CEILING: (u64, u32, u32) = (1024 * 1024, 16, 16);
/// What a function needs beside the memory of its hashes, in MiB.
const BESIDE: u64 = 128;
/// The weakest parameters that OWASP and ASVS appendix C accept: memory in KiB against passes.
const FLOOR: [(u32, u32); 3] = [(47_104, 1), (19_456, 2), (12_288, 3)];

/// How much work a hash is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub iterations: u32,
    /// Lanes.
    pub parallelism: u32,
}

impl Default for Cost {
    /// 19 MiB, two passes, one lane: what OWASP names first for small memories, and about 7 to
    /// 15 ms on one vCPU.
    fn default() -> Self {
        Self {
            memory_kib: 19_456,
            iterations: 2,
            parallelism: 1,
        }
    }
}

/// Why a password could be neither hashed nor checked.
#[derive(Debug, thiserror::Error)]
pub enum PasswordHashError {
    /// The configured cost is under the floor or no cost at all.
    #[error("the Argon2 cost is below m=47104,t=1, m=19456,t=2 or m=12288,t=3, or out of range")]
    Cost,
    /// As many hashes as may run at once take more memory than there is.
    #[error("hashes at this Argon2 cost take {needed} MiB, and the function has {present} MiB")]
    Memory {
        /// What they and the rest of the function take, in MiB.
        needed: u64,
        /// What there is, in MiB.
        present: u64,
    },
    /// The library failed: too little memory, or a stored hash that is none.
    #[error("Argon2 failed: {0}")]
    Argon2(Error),
    /// The thread that hashed is gone.
    #[error("the hashing thread did not answer")]
    Thread(#[from] JoinError),
    /// The queue of hashes is closed.
    #[error("the queue of hashes is closed")]
    Queue(#[from] AcquireError),
}

/// What came of checking a password.
#[derive(Debug)]
pub enum Verdict {
    /// It is not the password, or there is none.
    Wrong,
    /// It is the password.
    Right {
        /// Its hash at today's cost, where the stored one was made at another.
        rehash: Option<SecretString>,
    },
}

/// Hashes and checks passwords.
#[derive(Clone)]
pub struct PasswordHasher(Arc<Inner>);

struct Inner {
    argon2: Argon2,
    params: Params,
    ceiling: Params,
    random: Arc<dyn Random>,
    permits: Arc<Semaphore>,
    /// Hashers that keep their memory: taking it afresh costs half as much as hashing.
    idle: Mutex<Vec<Hasher>>,
}

impl PasswordHashError {
    /// Whether the next try may find the memory that this one did not.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Argon2(Error::MemoryAllocationError))
    }
}

impl PasswordHasher {
    /// A hasher at this cost. A cost under the floor of OWASP and ASVS is an error.
    pub fn new(cost: Cost, random: Arc<dyn Random>) -> Result<Self, PasswordHashError> {
        let strong = FLOOR
            .iter()
            .any(|(memory, passes)| cost.memory_kib >= *memory && cost.iterations >= *passes);
        if !strong {
            return Err(PasswordHashError::Cost);
        }
        let build = |memory: u64, passes, lanes| {
            Params::builder()
                .memory(Memory::kib(memory))
                .passes(passes)
                .lanes(lanes)
                .tag_len(TagLen::bytes(TAG_LENGTH))
                .build()
                .map_err(|_| PasswordHashError::Cost)
        };
        let params = build(cost.memory_kib.into(), cost.iterations, cost.parallelism)?;
        let ceiling = build(CEILING.0, CEILING.1, CEILING.2)?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self(Arc::new(Inner {
            argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, params),
            params,
            ceiling,
            random,
            permits: Arc::new(Semaphore::new(cores)),
            idle: Mutex::new(Vec::new()),
        })))
    }

    /// Whether all hashes that may run at once fit into a function of this memory, in MiB. Asked at
    /// the start, so that a deployment fails and not the sign-ins after it.
    pub fn fits(&self, present: u64) -> Result<(), PasswordHashError> {
        let at_once = u64::try_from(self.0.permits.available_permits()).unwrap_or(u64::MAX);
        let each = u64::from(self.0.params.memory_kib()).div_ceil(1024);
        let needed = at_once.saturating_mul(each).saturating_add(BESIDE);
        if needed > present {
            return Err(PasswordHashError::Memory { needed, present });
        }
        Ok(())
    }

    /// The hash of a password, as a PHC string.
    pub async fn hash(&self, password: &Password) -> Result<SecretString, PasswordHashError> {
        let password = SecretString::from(password.expose());
        self.run(move |inner, hasher| inner.hash_with(hasher, password.expose_secret()))
            .await
    }

    /// Whether this is the password of the stored hash. With none stored it does the work all
    /// the same, so that time does not tell who exists.
    pub async fn verify(
        &self,
        password: &SubmittedPassword,
        stored: Option<&SecretString>,
    ) -> Result<Verdict, PasswordHashError> {
        let password = SecretString::from(password.expose());
        let stored = stored.cloned();
        self.run(move |inner, hasher| {
            let password = password.expose_secret();
            let Some(stored) = stored else {
                inner.hash_with(hasher, password)?;
                return Ok(Verdict::Wrong);
            };
            let stored = stored.expose_secret();
            let checked = hasher.verify_encoded_bounded(
                stored,
                password.as_bytes(),
                Algorithm::Argon2id,
                &inner.ceiling,
            );
            match checked {
                Err(Error::VerifyMismatch) => Ok(Verdict::Wrong),
                Err(error) => Err(PasswordHashError::Argon2(error)),
                Ok(()) if inner.is_current(stored)? => Ok(Verdict::Right { rehash: None }),
                Ok(()) => Ok(Verdict::Right {
                    rehash: Some(inner.hash_with(hasher, password)?),
                }),
            }
        })
        .await
    }

    /// Runs one piece of hashing on a thread of its own.
    ///
    /// The permit moves into the thread: a caller that hangs up must not let another hash start
    /// while the one it asked for still runs.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner, &mut Hasher) -> Result<T, PasswordHashError> + Send + 'static,
    ) -> Result<T, PasswordHashError> {
        let permit = self.0.permits.clone().acquire_owned().await?;
        let inner = self.0.clone();
        tokio::task::spawn_blocking(move || {
            let mut hasher = inner.take_hasher();
            let result = work(&inner, &mut hasher);
            inner.put_back(hasher);
            drop(permit);
            result
        })
        .await?
    }
}

impl Inner {
    fn hash_with(
        &self,
        hasher: &mut Hasher,
        password: &str,
    ) -> Result<SecretString, PasswordHashError> {
        let salt: [u8; SALT_LENGTH] = self.random.bytes();
        hasher
            .hash_encoded(password.as_bytes(), &salt)
            .map(SecretString::from)
            .map_err(PasswordHashError::Argon2)
    }

    fn is_current(&self, stored: &str) -> Result<bool, PasswordHashError> {
        let stored =
            decode_string(stored, Algorithm::Argon2id).map_err(PasswordHashError::Argon2)?;
        Ok(stored.params.memory_kib() == self.params.memory_kib()
            && stored.params.passes() == self.params.passes()
            && stored.params.lanes() == self.params.lanes()
            && stored.params.tag_len_bytes() == self.params.tag_len_bytes())
    }

    fn take_hasher(&self) -> Hasher {
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop()
            .unwrap_or_else(|| self.argon2.hasher())
    }

    fn put_back(&self, hasher: Hasher) {
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(hasher);
    }
}

impl fmt::Debug for PasswordHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordHasher")
            .field("params", &self.0.params)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use argon2::password_hash::PasswordVerifier;
    use argon2::password_hash::phc::PasswordHash;

    use super::*;
    use crate::random::SystemEntropy;

    fn hasher(iterations: u32) -> PasswordHasher {
        let cost = Cost {
            iterations,
            ..Cost::default()
        };
        PasswordHasher::new(cost, Arc::new(SystemEntropy::default())).unwrap()
    }

    fn submitted(password: &str) -> SubmittedPassword {
        SubmittedPassword::try_from(password.to_owned()).unwrap()
    }

    async fn stored(hasher: &PasswordHasher, password: &str) -> SecretString {
        let password = Password::try_from(password.to_owned()).unwrap();
        hasher.hash(&password).await.unwrap()
    }

    #[tokio::test]
    async fn another_implementation_agrees_on_the_hash() {
        let hash = stored(&hasher(2), "correct horse battery staple").await;
        let hash = PasswordHash::new(hash.expose_secret()).unwrap();
        let other = argon2::Argon2::default();
        assert!(
            other
                .verify_password(b"correct horse battery staple", &hash)
                .is_ok()
        );
        assert!(
            other
                .verify_password(b"correct horse battery stapler", &hash)
                .is_err()
        );
    }

    #[tokio::test]
    async fn the_right_password_is_rehashed_when_the_cost_has_changed() {
        let hash = stored(&hasher(2), "correct horse battery staple").await;
        let right = submitted("correct horse battery staple");
        let same = hasher(2).verify(&right, Some(&hash)).await.unwrap();
        assert!(matches!(same, Verdict::Right { rehash: None }));
        let dearer = hasher(3).verify(&right, Some(&hash)).await.unwrap();
        let Verdict::Right { rehash: Some(new) } = dearer else {
            panic!("{dearer:?}");
        };
        assert!(new.expose_secret().contains("t=3"));
    }

    #[tokio::test]
    async fn a_wrong_password_and_no_hash_at_all_are_both_wrong() {
        let hash = stored(&hasher(2), "correct horse battery staple").await;
        let wrong = submitted("correct horse battery");
        for stored in [Some(&hash), None] {
            let verdict = hasher(2).verify(&wrong, stored).await.unwrap();
            assert!(matches!(verdict, Verdict::Wrong));
        }
    }

    #[tokio::test]
    async fn a_stored_hash_that_is_none_is_an_error_and_not_a_wrong_password() {
        let hash = SecretString::from("$argon2id$v=19$m=4294967295,t=1,p=1$c29tZXNhbHQ$AAAA");
        let result = hasher(2).verify(&submitted("anything"), Some(&hash)).await;
        assert!(result.is_err());
    }

    /// Chance that fails once.
    #[derive(Default)]
    struct Broken(SystemEntropy, AtomicBool);

    impl Random for Broken {
        fn fill(&self, buffer: &mut [u8]) {
            assert!(self.1.swap(true, Ordering::SeqCst), "no chance");
            self.0.fill(buffer);
        }
    }

    #[tokio::test]
    async fn a_panic_while_hashing_is_an_error_and_the_next_hash_is_fine() {
        for _ in 0..3 {
            let hasher = PasswordHasher::new(Cost::default(), Arc::new(Broken::default())).unwrap();
            let password = Password::try_from("correct horse battery staple".to_owned()).unwrap();
            let broken = hasher.hash(&password).await;
            assert!(matches!(broken, Err(PasswordHashError::Thread(_))));
            let permits = hasher.0.permits.available_permits();
            let cores = std::thread::available_parallelism().unwrap().get();
            assert_eq!(permits, cores);
            let hash = hasher.hash(&password).await.unwrap();
            let right = submitted("correct horse battery staple");
            let verdict = hasher.verify(&right, Some(&hash)).await.unwrap();
            assert!(matches!(verdict, Verdict::Right { rehash: None }));
        }
    }

    #[test]
    fn a_cost_that_does_not_fit_into_the_function_is_refused() {
        let cores = u64::try_from(std::thread::available_parallelism().unwrap().get()).unwrap();
        let needed = 19 * cores + BESIDE;
        assert!(hasher(2).fits(needed).is_ok());
        let refused = hasher(2).fits(needed - 1);
        assert!(matches!(refused, Err(PasswordHashError::Memory { .. })));
    }

    #[test]
    fn a_cost_under_the_floor_is_refused() {
        let weak = Cost {
            memory_kib: 19_455,
            iterations: 2,
            parallelism: 1,
        };
        assert!(PasswordHasher::new(weak, Arc::new(SystemEntropy::default())).is_err());
    }
}
