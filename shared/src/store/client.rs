//! The client of DynamoDB: when it tries again, and when it stops asking.
//!
//! The SDK is the one layer that tries again, with jitter and inside the time of one call. Two
//! things are added to it here: a single write that met a transaction is tried again as well,
//! and a store that is gone is not waited for by one request after another.

use std::sync::{Arc, Mutex, PoisonError};

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::interceptors::{
    BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef, InterceptorContext,
};
use aws_sdk_dynamodb::config::retry::{ClassifyRetry, RetryAction};
use aws_sdk_dynamodb::config::{Config, ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use jiff::{SignedDuration, Timestamp};

use crate::clock::Clock;
use crate::random::Random;

/// Attempts in a row without an answer after which the store counts as gone: as many as fit into
/// the time of one call.
const PATIENCE: u32 = 3;

/// The shortest and the longest time, in milliseconds, for which a store that is gone is not
/// asked. Each process draws its own, so that they do not all come back at once.
const PAUSE_MILLIS: std::ops::Range<u64> = 500..1000;

/// A client of this configuration. Clients that share a breaker learn of an outage together.
pub(crate) fn open(aws: &SdkConfig, breaker: &Arc<Breaker>) -> Client {
    let config = Config::from(aws)
        .to_builder()
        .retry_classifier(MetTransaction)
        .interceptor(Watch(breaker.clone()))
        .build();
    Client::from_conf(config)
}

/// Tries a single write again that met a transaction on the same row: the SDK does not.
#[derive(Debug)]
struct MetTransaction;

impl ClassifyRetry for MetTransaction {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let error = match context.output_or_error() {
            Some(Err(error)) => error.as_operation_error(),
            Some(Ok(_)) | None => None,
        };
        let met = error.is_some_and(|error| {
            error
                .downcast_ref()
                .is_some_and(UpdateItemError::is_transaction_conflict_exception)
                || error
                    .downcast_ref()
                    .is_some_and(PutItemError::is_transaction_conflict_exception)
                || error
                    .downcast_ref()
                    .is_some_and(DeleteItemError::is_transaction_conflict_exception)
        });
        if met {
            RetryAction::transient_error()
        } else {
            RetryAction::NoActionIndicated
        }
    }

    fn name(&self) -> &'static str {
        "a write that met a transaction"
    }
}

/// Knows whether the store answers. While it does not, calls fail at once instead of waiting, but
/// for one now and then that finds out whether it is back.
pub(crate) struct Breaker {
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Attempts in a row that had no answer.
    unanswered: u32,
    /// Until when nobody asks.
    closed_until: Option<Timestamp>,
}

/// The store did not answer a moment ago and is not asked again yet.
#[derive(Debug, thiserror::Error)]
#[error("the store has not answered lately")]
struct NotAsked;

impl Breaker {
    pub(crate) fn new(clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self {
            clock,
            random,
            state: Mutex::default(),
        }
    }

    /// Whether an attempt may be made now. The first after a pause begins the next one, so that of
    /// many requests one finds out.
    fn admits(&self) -> bool {
        let now = self.clock.now();
        let mut state = self.state();
        if state.closed_until.is_some_and(|until| now < until) {
            return false;
        }
        if state.unanswered >= PATIENCE {
            state.closed_until = Some(now + self.pause());
        }
        true
    }

    fn answered(&self) {
        *self.state() = State::default();
    }

    fn unanswered(&self) {
        let now = self.clock.now();
        let mut state = self.state();
        state.unanswered = state.unanswered.saturating_add(1);
        if state.unanswered >= PATIENCE {
            if state.unanswered == PATIENCE {
                tracing::error!("the store does not answer");
            }
            state.closed_until = Some(now + self.pause());
        }
    }

    fn pause(&self) -> SignedDuration {
        let drawn = u64::from(u16::from_be_bytes(self.random.bytes()));
        let spread = PAUSE_MILLIS.end - PAUSE_MILLIS.start;
        let millis = PAUSE_MILLIS.start + drawn * spread / (u64::from(u16::MAX) + 1);
        SignedDuration::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells the breaker of each attempt.
struct Watch(Arc<Breaker>);

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Watch")
    }
}

impl Intercept for Watch {
    fn name(&self) -> &'static str {
        "the breaker of the store"
    }

    fn read_before_attempt(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if self.0.admits() {
            Ok(())
        } else {
            Err(NotAsked.into())
        }
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        match context.output_or_error() {
            Some(Ok(_)) => self.0.answered(),
            // It answers, and that it can't just now.
            Some(Err(error)) if error.is_operation_error() => {
                if matches!(context.response(), Some(response) if response.status().is_server_error())
                {
                    self.0.unanswered();
                } else {
                    self.0.answered();
                }
            }
            // It was not asked.
            Some(Err(error)) if error.is_interceptor_error() => {}
            Some(Err(_)) | None => self.0.unanswered(),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    #[derive(Debug, Default)]
    struct Millis(AtomicI64);

    impl Clock for Millis {
        fn now(&self) -> Timestamp {
            Timestamp::from_millisecond(self.0.load(Ordering::SeqCst)).unwrap()
        }
    }

    /// Always draws the longest pause.
    struct Longest;

    impl Random for Longest {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(0xff);
        }
    }

    fn breaker() -> (Arc<Millis>, Breaker) {
        let clock = Arc::new(Millis::default());
        (clock.clone(), Breaker::new(clock, Arc::new(Longest)))
    }

    #[test]
    fn a_store_that_stumbles_is_asked_on() {
        let (_, breaker) = breaker();
        for _ in 0..10 {
            for _ in 1..PATIENCE {
                assert!(breaker.admits());
                breaker.unanswered();
            }
            assert!(breaker.admits());
            breaker.answered();
        }
    }

    #[test]
    fn a_store_that_is_gone_is_asked_by_one_now_and_then() {
        let (clock, breaker) = breaker();
        for _ in 0..PATIENCE {
            assert!(breaker.admits());
            breaker.unanswered();
        }
        assert!(!breaker.admits());
        for _ in 0..3 {
            clock.0.fetch_add(1000, Ordering::SeqCst);
            let asked = (0..50).filter(|_| breaker.admits()).count();
            assert_eq!(asked, 1);
        }
        // The one that asked may have died: the next pause ends all the same.
        clock.0.fetch_add(1000, Ordering::SeqCst);
        assert!(breaker.admits());
        breaker.answered();
        assert!((0..50).all(|_| breaker.admits()));
    }
}
