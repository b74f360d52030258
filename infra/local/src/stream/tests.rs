use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;

use aws_lambda_events::event::streams::DynamoDbBatchItemFailure;
use aws_sdk_dynamodb::types::AttributeValue;
use tokio::task::JoinSet;

use super::batches::Rules;
use super::*;
use crate::aws::Endpoints;
use crate::clock::DevClock;
use crate::data_dir::DataDir;
use crate::database::{self, TableDefinition};

const TABLE: &str = "latchkey-events";

/// The template's rules without the waiting.
const AT_ONCE: Rules = Rules {
    first_backoff: Duration::ZERO,
    ..Rules::TEMPLATE
};

/// The embedded database behind its wire protocol, and a reader of its events.
struct Fixture {
    aws: aws_config::SdkConfig,
    clock: Arc<DevClock>,
    tasks: JoinSet<()>,
}

impl Fixture {
    async fn start() -> Self {
        let clock = Arc::new(DevClock::open(None).unwrap());
        let tables = TableDefinition::of_this_repository().unwrap();
        let database = database::open(None, &clock, &tables).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mut tasks = JoinSet::new();
        tasks.spawn(dynoxide::server::serve_on(listener, database));
        let endpoints = Endpoints {
            dynamodb: url.clone(),
            capture: url,
        };
        Self {
            aws: endpoints.sdk_config(None),
            clock,
            tasks,
        }
    }

    async fn put(&self, sk: &str) {
        aws_sdk_dynamodb::Client::new(&self.aws)
            .put_item()
            .table_name(TABLE)
            .item("pk", AttributeValue::S("user#1".into()))
            .item("sk", AttributeValue::S(sk.into()))
            .send()
            .await
            .unwrap();
    }

    fn read(&mut self, handler: Handler, progress: &Arc<Progress>) -> Bell {
        let bell = Bell::new();
        let reader = Reader::new(
            &self.aws,
            TABLE.to_owned(),
            handler,
            progress.clone(),
            bell.clone(),
        );
        self.tasks.spawn(reader.run());
        bell
    }

    fn progress(&self, data: Option<Arc<DataDir>>) -> Arc<Progress> {
        Arc::new(Progress::open(self.clock.clone(), data).unwrap())
    }
}

type Seen = Arc<Mutex<Vec<String>>>;

/// Writes down the sort key of each record.
fn recorder(seen: &Seen) -> Handler {
    let seen = seen.clone();
    Arc::new(move |event| {
        let keys = event.records.iter().map(sort_key);
        seen.lock().unwrap().extend(keys);
        Box::pin(async { Ok(DynamoDbEventResponse::default()) })
    })
}

fn sort_key(record: &aws_lambda_events::event::dynamodb::EventRecord) -> String {
    let row: std::collections::HashMap<String, String> =
        serde_dynamo::from_item(record.change.new_image.clone()).unwrap();
    row["sk"].clone()
}

#[tokio::test]
async fn settling_waits_for_everything_written_before() {
    let mut fixture = Fixture::start().await;
    let seen = Seen::default();
    let progress = fixture.progress(None);
    fixture.put("a").await;
    let bell = fixture.read(recorder(&seen), &progress);
    bell.settle().await;
    assert_eq!(*seen.lock().unwrap(), ["a"]);

    for number in 0..60 {
        fixture.put(&format!("b{number:02}")).await;
    }
    // An overwritten row is no new event.
    fixture.put("a").await;
    bell.settle().await;
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 61);
    assert!(seen.is_sorted());
}

#[tokio::test]
async fn a_restart_goes_on_after_the_last_event_done() {
    let mut fixture = Fixture::start().await;
    let directory = tempfile::tempdir().unwrap();
    let data = Arc::new(DataDir::open(directory.path()).unwrap());
    for round in ["a", "b"] {
        let seen = Seen::default();
        let progress = fixture.progress(Some(data.clone()));
        fixture.put(round).await;
        fixture.read(recorder(&seen), &progress).settle().await;
        assert_eq!(*seen.lock().unwrap(), [round]);
    }
}

#[tokio::test]
async fn an_event_that_always_fails_becomes_a_dead_letter_and_the_rest_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let data = Arc::new(DataDir::open(directory.path()).unwrap());
    let clock = Arc::new(DevClock::open(None).unwrap());
    let progress = Progress::open(clock.clone(), Some(data.clone())).unwrap();
    let record = |number: &str| {
        let mut record = aws_lambda_events::event::dynamodb::EventRecord::default();
        record.change.sequence_number = Some(number.to_owned());
        record
    };
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let handler: Handler = Arc::new(move |event| {
        counted.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            let numbers = event.records.iter();
            let poison = numbers
                .filter_map(|record| record.change.sequence_number.as_deref())
                .any(|number| number == "102");
            assert!(!poison, "a panic of the function");
            Ok(DynamoDbEventResponse::default())
        })
    });
    let records = ["101", "102", "103"].map(record).to_vec();
    delivery::deliver(&handler, &progress, AT_ONCE, records)
        .await
        .unwrap();
    assert_eq!(progress.checkpoint().as_deref(), Some("103"));
    let kept = Progress::open(clock, Some(data)).unwrap().dead_letters();
    assert_eq!(kept, progress.dead_letters());
    let [letter] = &kept[..] else {
        panic!("one is given up: {kept:?}");
    };
    assert_eq!(letter.record.change.sequence_number.as_deref(), Some("102"));
    assert_eq!(letter.reason, "the function panicked");
    assert!(calls.load(Ordering::SeqCst) > AT_ONCE.max_retries as usize);
}

fn failure(number: &str) -> DynamoDbBatchItemFailure {
    let mut failure = DynamoDbBatchItemFailure::default();
    failure.item_identifier = Some(number.to_owned());
    failure
}

#[tokio::test]
async fn a_partial_answer_is_tried_again_until_it_is_whole() {
    let clock = Arc::new(DevClock::open(None).unwrap());
    let progress = Progress::open(clock, None).unwrap();
    let sizes: Arc<Mutex<Vec<usize>>> = Arc::default();
    let log = sizes.clone();
    let handler: Handler = Arc::new(move |event| {
        let mut sizes = log.lock().unwrap();
        sizes.push(event.records.len());
        let mut answer = DynamoDbEventResponse::default();
        if sizes.len() == 1 {
            answer.batch_item_failures = ["105", "102"].map(failure).to_vec();
        }
        Box::pin(async { Ok(answer) })
    });
    let records = (101..=105).map(|number: u32| {
        let mut record = aws_lambda_events::event::dynamodb::EventRecord::default();
        record.change.sequence_number = Some(number.to_string());
        record
    });
    delivery::deliver(&handler, &progress, AT_ONCE, records.collect())
        .await
        .unwrap();
    assert_eq!(*sizes.lock().unwrap(), [5, 4]);
    assert_eq!(progress.checkpoint().as_deref(), Some("105"));
    assert!(progress.dead_letters().is_empty());
}
