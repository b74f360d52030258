//! Chance as a thing that is handed in.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};

/// Fills buffers with bytes nobody can guess. Ids, salts and challenges come from here.
pub trait Random: Send + Sync {
    /// Overwrites `buffer` with random bytes.
    fn fill(&self, buffer: &mut [u8]);
}

impl dyn Random + '_ {
    /// An array of random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }
}

/// The operating system's generator.
#[derive(Debug, Default)]
pub struct SystemEntropy(SystemRandom);

impl Random for SystemEntropy {
    #[expect(
        clippy::expect_used,
        reason = "without entropy nothing here may go on: a panic answers 500"
    )]
    fn fill(&self, buffer: &mut [u8]) {
        self.0
            .fill(buffer)
            .expect("the operating system has entropy");
    }
}
