//! The way to Redis and back: one exchange within the budget, over a socket or over HTTP.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::time::Instant;

use super::breaker::Breaker;
use super::link::Link;
use super::reply::{Refusal, Reply};
use super::rest::Rest;
use super::script::{Batch, Command};
use crate::cache::CacheError;
use crate::cache::address::Authority;
use crate::clock::Clock;

/// What is at the other end of an error that the caller need not tell apart.
pub(super) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The answer to each command of a batch, in their order.
pub(super) type Answers = Vec<Result<Reply, Refusal>>;

/// Why an exchange gave no answers.
#[derive(Debug)]
pub(super) enum Fault {
    /// A connection that had been good broke. Whether the commands took effect is not known.
    Lost(BoxError),
    /// There is no connection, or whoever answers is no Redis that serves us.
    Refused(BoxError),
    /// No answer in time.
    Timeout,
    /// What came is no answer to what was asked.
    Corrupt,
}

impl From<Fault> for CacheError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Lost(source) | Fault::Refused(source) => Self::Unavailable(source),
            Fault::Timeout => Self::Timeout,
            Fault::Corrupt => Self::Corrupt,
        }
    }
}

/// How commands travel. Nothing is connected before the first of them.
pub(in crate::cache) enum Transport {
    /// By Redis's own protocol.
    Socket(Link),
    /// By Upstash's, over HTTP.
    Rest(Rest),
}

impl Transport {
    /// To `redis://…` or `rediss://…` (TLS).
    pub(in crate::cache) fn socket(
        url: &SecretString,
        authority: Option<&Authority>,
    ) -> Result<Self, CacheError> {
        Ok(Self::Socket(Link::new(url, authority)?))
    }

    /// To `https://…` with this token.
    pub(in crate::cache) fn rest(
        url: &SecretString,
        token: &SecretString,
        authority: Option<&Authority>,
    ) -> Result<Self, CacheError> {
        Ok(Self::Rest(Rest::new(url, token, authority)?))
    }
}

/// A transport with its budget and its breaker.
pub(in crate::cache) struct Wire {
    transport: Transport,
    /// What one exchange may take, connecting included.
    budget: Duration,
    breaker: Breaker,
    clock: Arc<dyn Clock>,
}

impl Wire {
    pub(in crate::cache) fn new(
        transport: Transport,
        budget: Duration,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            transport,
            budget,
            breaker: Breaker::default(),
            clock,
        }
    }

    /// One command and its answer.
    pub(super) async fn ask(&self, command: Command) -> Result<Reply, CacheError> {
        let mut replies = self.exchange(Batch::from(command)).await?;
        replies.pop().ok_or(CacheError::Corrupt)
    }

    /// Several commands and their answers, as many. On an error, any of them may have taken effect.
    pub(super) async fn exchange(&self, batch: Batch) -> Result<Vec<Reply>, CacheError> {
        self.breaker
            .pass(self.clock.now())
            .map_err(|open| CacheError::Unavailable(open.into()))?;
        match self.answers(&batch).await {
            Ok(answers) => {
                self.breaker.succeeded();
                Ok(answers.into_iter().collect::<Result<_, _>>()?)
            }
            Err(fault) => {
                // One that answers at once, if nonsense, costs nobody a wait.
                if !matches!(fault, Fault::Corrupt) {
                    self.breaker.failed(self.clock.now());
                }
                Err(fault.into())
            }
        }
    }

    async fn answers(&self, batch: &Batch) -> Result<Answers, Fault> {
        let deadline = Instant::now() + self.budget;
        let mut answers = self.send(batch, deadline).await?;
        // A script that this Redis has not seen, or has forgotten: it has not run.
        let unknown: Vec<_> = (0..answers.len())
            .filter(|n| answers[*n] == Err(Refusal::NoScript))
            .collect();
        let commands: Vec<_> = unknown
            .iter()
            .filter_map(|n| batch.commands[*n].spelled_out())
            .collect();
        if commands.is_empty() {
            return Ok(answers);
        }
        let atomic = false;
        let spelled_out = Batch { commands, atomic };
        let again = self.send(&spelled_out, deadline).await?;
        for (n, answer) in unknown.into_iter().zip(again) {
            answers[n] = answer;
        }
        Ok(answers)
    }

    async fn send(&self, batch: &Batch, deadline: Instant) -> Result<Answers, Fault> {
        let answers = match self.send_once(batch, deadline).await {
            Err(Fault::Lost(_)) if batch.repeatable() => self.send_once(batch, deadline).await?,
            answers => answers?,
        };
        if answers.len() == batch.commands.len() {
            Ok(answers)
        } else {
            Err(Fault::Corrupt)
        }
    }

    async fn send_once(&self, batch: &Batch, deadline: Instant) -> Result<Answers, Fault> {
        match &self.transport {
            Transport::Socket(link) => link.send(batch, deadline).await,
            Transport::Rest(rest) => rest.send(batch, deadline).await,
        }
    }
}
