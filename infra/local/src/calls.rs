//! Counts what a request asks of DynamoDB and of the cache, so that tests can hold routes to it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

const DYNAMODB_TARGET: &str = "DynamoDB_20120810.";

/// One call of DynamoDB as it went over the wire; an attempt that is repeated counts again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The operation, such as `GetItem`.
    pub operation: String,
    /// When it started, in ticks of the log: one for each start and each end.
    pub started: u64,
    /// When its answer was there; nothing while it is under way or if it was given up.
    pub ended: Option<u64>,
}

/// The calls of a span of time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Calls {
    /// Calls of DynamoDB by the HTTP functions, in the order of their starts.
    pub dynamodb: Vec<Call>,
    /// Calls of the cache by the HTTP functions: names of methods of `Cache`.
    pub cache: Vec<&'static str>,
}

impl Calls {
    /// How many times DynamoDB was called.
    #[must_use]
    pub fn dynamodb_count(&self) -> usize {
        self.dynamodb.len()
    }

    /// How many calls of DynamoDB waited for one another: the longest chain of calls of which
    /// each started after the one before had ended.
    #[must_use]
    pub fn dynamodb_depth(&self) -> usize {
        let mut depths: Vec<usize> = Vec::with_capacity(self.dynamodb.len());
        for (index, call) in self.dynamodb.iter().enumerate() {
            let before = self.dynamodb[..index]
                .iter()
                .zip(&depths)
                .filter(|(earlier, _)| earlier.ended.is_some_and(|end| end < call.started))
                .map(|(_, depth)| *depth)
                .max();
            depths.push(before.unwrap_or(0) + 1);
        }
        depths.into_iter().max().unwrap_or(0)
    }
}

/// Writes down the calls of the HTTP functions. Clones share the log.
#[derive(Debug, Clone, Default)]
pub struct CallLog(Arc<Mutex<Entries>>);

#[derive(Debug, Default)]
struct Entries {
    ticks: u64,
    calls: Calls,
}

impl CallLog {
    /// The calls since the last time this was asked, which are then forgotten.
    #[must_use]
    pub fn take(&self) -> Calls {
        std::mem::take(&mut self.entries().calls)
    }

    /// Notes a call of the cache.
    pub(crate) fn note_cache(&self, method: &'static str) {
        self.entries().calls.cache.push(method);
    }

    /// A client that notes each call of DynamoDB which goes through it.
    pub(crate) fn watch(&self, client: SharedHttpClient) -> SharedHttpClient {
        SharedHttpClient::new(Watched {
            client,
            log: self.clone(),
        })
    }

    fn start(&self, operation: &str) -> u64 {
        let mut entries = self.entries();
        entries.ticks += 1;
        let started = entries.ticks;
        entries.calls.dynamodb.push(Call {
            operation: operation.to_owned(),
            started,
            ended: None,
        });
        started
    }

    fn end(&self, started: u64) {
        let mut entries = self.entries();
        entries.ticks += 1;
        let now = entries.ticks;
        let calls = &mut entries.calls.dynamodb;
        if let Some(call) = calls.iter_mut().find(|call| call.started == started) {
            call.ended = Some(now);
        }
    }

    fn entries(&self) -> std::sync::MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Watched<C> {
    client: C,
    log: CallLog,
}

impl<C> fmt::Debug for Watched<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watched")
    }
}

impl HttpClient for Watched<SharedHttpClient> {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Watched {
            client: self.client.http_connector(settings, components),
            log: self.log.clone(),
        })
    }
}

impl HttpConnector for Watched<SharedHttpConnector> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let operation = request
            .headers()
            .get("x-amz-target")
            .and_then(|target| target.strip_prefix(DYNAMODB_TARGET));
        let Some(operation) = operation else {
            return self.client.call(request);
        };
        let log = self.log.clone();
        let started = log.start(operation);
        let answer = self.client.call(request);
        HttpConnectorFuture::new(async move {
            let answer = answer.await;
            log.end(started);
            answer
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn depth(spans: &[(u64, Option<u64>)]) -> usize {
        let dynamodb = spans.iter().map(|&(started, ended)| Call {
            operation: "GetItem".to_owned(),
            started,
            ended,
        });
        let calls = Calls {
            dynamodb: dynamodb.collect(),
            cache: Vec::new(),
        };
        assert_eq!(calls.dynamodb_count(), spans.len());
        calls.dynamodb_depth()
    }

    #[test]
    fn calls_side_by_side_count_as_one_step() {
        assert_eq!(depth(&[]), 0);
        assert_eq!(depth(&[(1, Some(3)), (2, Some(4))]), 1);
        assert_eq!(depth(&[(1, Some(3)), (2, Some(4)), (5, Some(6))]), 2);
    }

    #[test]
    fn a_chain_is_as_long_as_its_longest_way() {
        // One long call beside two short ones in a row, then one that waits for them all.
        let spans = [(1, Some(6)), (2, Some(3)), (4, Some(5)), (7, Some(8))];
        assert_eq!(depth(&spans), 3);
    }

    #[test]
    fn nothing_waits_for_a_call_that_was_given_up() {
        assert_eq!(depth(&[(1, None), (2, Some(3))]), 1);
    }

    #[test]
    fn taking_forgets() {
        let log = CallLog::default();
        let started = log.start("Query");
        log.note_cache("deny");
        let calls = log.take();
        assert_eq!(calls.dynamodb_count(), 1);
        assert_eq!(calls.cache, ["deny"]);
        log.end(started);
        assert_eq!(log.take(), Calls::default());
    }
}
