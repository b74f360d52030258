//! What comes twice, in the wrong order or half, fails or makes no sense.

use std::sync::Arc;

use aws_lambda_events::event::dynamodb::Event;
use aws_sdk_dynamodb::Client;
use jiff::{SignedDuration, Timestamp};
use latchkey_courier::{State, handle};
use latchkey_local::Stack;
use latchkey_shared::random::SystemEntropy;
use latchkey_shared::store::deliveries::{Claim, Deliveries};
use serde_json::{Value, json};

use crate::{courier, cut_off, platform, start};

/// A courier that finds the tables but no SES.
async fn courier_without_ses(stack: &Stack) -> State {
    let (mut platform, _) = platform(stack, &[]).await;
    cut_off(&mut platform, stack);
    State::open(&platform).await.unwrap()
}

/// Signs somebody up; the answer is the event of it, as the stream has it.
async fn sign_up(stack: &Stack, email: &str) -> Value {
    let password = "correct horse battery staple";
    reqwest::Client::new()
        .post(format!("{}/api/auth/sign-up", stack.url()))
        .json(&json!({ "name": "Ada", "email": email, "password": password }))
        .send()
        .await
        .unwrap()
        .error_for_status()
        .unwrap();
    stack.settle().await;
    let rows = Client::new(&stack.aws())
        .scan()
        .table_name("latchkey-events")
        .send()
        .await
        .unwrap();
    let row = rows.items.unwrap().pop().unwrap();
    serde_json::to_value(serde_dynamo::Item::from(row)).unwrap()
}

/// The same event under an id of its own: one that nothing has been sent for yet.
fn renamed(event: &Value, id: &str) -> Value {
    let mut event = event.clone();
    event["sk"] = json!({ "S": id });
    event
}

/// A batch of these changes, with the sequence numbers 1, 2, …
fn batch(changes: &[(&str, &Value)]) -> Event {
    let records: Vec<Value> = changes
        .iter()
        .enumerate()
        .map(|(at, (name, image))| {
            json!({
                "eventID": format!("record {at}"),
                "eventName": name,
                "awsRegion": "eu-west-1",
                "dynamodb": {
                    "NewImage": image,
                    "SequenceNumber": (at + 1).to_string(),
                    "SizeBytes": 1,
                },
            })
        })
        .collect();
    serde_json::from_value(json!({ "Records": records })).unwrap()
}

/// The sequence numbers that failed.
async fn failures(state: &State, changes: &[(&str, &Value)]) -> Vec<String> {
    handle(state, batch(changes))
        .await
        .batch_item_failures
        .into_iter()
        .filter_map(|failure| failure.item_identifier)
        .collect()
}

const FIRST: &str = "01H455VB4PEX5VSKNK084SN02Q";
const SECOND: &str = "01H455VB4PEX5VSKNK084SN02R";

/// How many rows of a table have this text in them.
async fn rows_with(stack: &Stack, table: &str, text: &str) -> usize {
    let client = Client::new(&stack.aws());
    let rows = client.scan().table_name(table).send().await.unwrap();
    let rows = rows.items.unwrap();
    rows.iter()
        .filter(|row| format!("{row:?}").contains(text))
        .count()
}

#[tokio::test]
async fn personal_data_goes_with_an_account_also_while_no_mail_does() {
    let stack = start(&[]).await;
    let mut deleted = sign_up(&stack, "ada@example.com").await;
    let ip = deleted["ip"]["S"].as_str().unwrap().to_owned();
    deleted["type"] = json!({ "S": "user.deleted" });
    let token = deleted["data"]["M"]["tokenId"].clone();
    deleted["data"]["M"]["tokenIds"] = json!({ "L": [token] });
    deleted["data"]["M"]["allUntil"] = json!({ "S": "2026-01-01T00:00:00Z" });
    let deleted = renamed(&deleted, FIRST);
    let batch = [("INSERT", &deleted)];

    let without = courier_without_ses(&stack).await;
    assert_eq!(failures(&without, &batch).await, ["1"]);
    assert_eq!(rows_with(&stack, "latchkey-events", &ip).await, 0);
    // The mail is still to go out, and there is its address.
    assert_eq!(
        rows_with(&stack, "latchkey-tokens", "ada@example.com").await,
        1
    );

    let with = courier(&stack).await;
    assert_eq!(failures(&with, &batch).await, [""; 0]);
    let farewell = stack.inbox().messages().pop().unwrap();
    assert_eq!(farewell.template, "account_deleted");
    assert_eq!(
        rows_with(&stack, "latchkey-tokens", "ada@example.com").await,
        0
    );
}

#[tokio::test]
async fn an_event_that_comes_again_sends_no_second_mail() {
    let stack = start(&[]).await;
    let event = sign_up(&stack, "ada@example.com").await;
    assert_eq!(stack.inbox().messages().len(), 1);
    let courier = courier(&stack).await;
    let again = [("INSERT", &event), ("INSERT", &event)];
    assert_eq!(failures(&courier, &again).await, [""; 0]);
    assert_eq!(stack.inbox().messages().len(), 1);
    stack.stop().await;
}

#[tokio::test]
async fn an_event_that_comes_five_times_at_once_sends_one_mail() {
    let stack = start(&[]).await;
    let event = renamed(&sign_up(&stack, "ada@example.com").await, FIRST);
    let courier = courier(&stack).await;
    let batch = [("INSERT", &event)];
    let five = tokio::join!(
        failures(&courier, &batch),
        failures(&courier, &batch),
        failures(&courier, &batch),
        failures(&courier, &batch),
        failures(&courier, &batch),
    );
    let five = [five.0, five.1, five.2, five.3, five.4];
    // Who finds another at it fails, and comes again to find it done.
    assert!(five.iter().any(Vec::is_empty), "{five:?}");
    assert_eq!(stack.inbox().messages().len(), 2);
    assert_eq!(failures(&courier, &batch).await, [""; 0]);
    assert_eq!(stack.inbox().messages().len(), 2);
    stack.stop().await;
}

#[tokio::test]
async fn events_in_the_wrong_order_and_half_a_batch_again_send_each_mail_once() {
    let stack = start(&[]).await;
    let event = sign_up(&stack, "ada@example.com").await;
    let courier = courier(&stack).await;
    let (first, second) = (renamed(&event, FIRST), renamed(&event, SECOND));
    let backwards = [("INSERT", &second), ("INSERT", &first)];
    assert_eq!(failures(&courier, &backwards).await, [""; 0]);
    assert_eq!(stack.inbox().messages().len(), 3);
    // The function died after half of it, so that all of it comes again, and something new.
    let half = [("INSERT", &first), ("INSERT", &second), ("INSERT", &event)];
    assert_eq!(failures(&courier, &half).await, [""; 0]);
    assert_eq!(stack.inbox().messages().len(), 3);
    stack.stop().await;
}

#[tokio::test]
async fn another_mail_for_the_same_token_has_the_same_code() {
    let stack = start(&[]).await;
    let event = sign_up(&stack, "ada@example.com").await;
    let courier = courier(&stack).await;
    let renamed = renamed(&event, FIRST);
    assert_eq!(failures(&courier, &[("INSERT", &renamed)]).await, [""; 0]);
    let mails = stack.inbox().messages();
    let code = |at: usize| {
        let lines = mails[at].text.lines();
        lines.into_iter().find(|line| line.starts_with("Code: "))
    };
    assert_eq!(mails.len(), 2);
    assert!(code(0).is_some());
    assert_eq!(code(0), code(1));
    stack.stop().await;
}

#[tokio::test]
async fn a_record_that_cannot_be_read_fails_alone() {
    let stack = start(&[]).await;
    let event = sign_up(&stack, "ada@example.com").await;
    let courier = courier(&stack).await;
    let rubbish = json!({ "pk": { "S": "user#1" } });
    let (first, second) = (renamed(&event, FIRST), renamed(&event, SECOND));
    let changes = [
        ("INSERT", &first),
        ("INSERT", &rubbish),
        ("MODIFY", &rubbish),
        ("REMOVE", &rubbish),
        ("INSERT", &second),
    ];
    assert_eq!(failures(&courier, &changes).await, ["2"]);
    assert_eq!(stack.inbox().messages().len(), 3);
    stack.stop().await;
}

#[tokio::test]
async fn a_mail_that_ses_did_not_take_goes_out_when_its_event_comes_again() {
    let stack = start(&[]).await;
    let event = renamed(&sign_up(&stack, "ada@example.com").await, FIRST);
    let cut_off = courier_without_ses(&stack).await;
    assert_eq!(failures(&cut_off, &[("INSERT", &event)]).await, ["1"]);
    assert_eq!(stack.inbox().messages().len(), 1);
    let courier = courier(&stack).await;
    assert_eq!(failures(&courier, &[("INSERT", &event)]).await, [""; 0]);
    assert_eq!(stack.inbox().messages().len(), 2);
    stack.stop().await;
}

#[tokio::test]
async fn a_mail_that_has_lost_its_point_is_not_sent() {
    let stack = start(&[]).await;
    let event = sign_up(&stack, "ada@example.com").await;
    let mut unknown = renamed(&event, FIRST);
    unknown["data"]["M"]["tokenId"] = json!({ "S": "01890a5d-ac96-774b-bcce-b302099a8057" });
    let mut stranger = renamed(&event, SECOND);
    stranger["userId"] = json!({ "S": "01890a5d-ac96-774b-bcce-b302099a8057" });
    stranger["type"] = json!({ "S": "user.sign_up_repeated" });
    stranger.as_object_mut().unwrap().remove("data");
    let courier = courier(&stack).await;
    let changes = [("INSERT", &unknown), ("INSERT", &stranger)];
    assert_eq!(failures(&courier, &changes).await, [""; 0]);
    assert_eq!(stack.inbox().messages().len(), 1);
    stack.stop().await;
}

#[tokio::test]
async fn a_delivery_is_claimed_by_one_until_it_lapses_is_given_back_or_done() {
    let stack = start(&[]).await;
    let (platform, _) = platform(&stack, &[]).await;
    let random = Arc::new(SystemEntropy::default());
    let deliveries = Deliveries::open(&platform.dynamodb(), &platform.env, random).unwrap();
    let at = |seconds: i64| {
        Timestamp::from_second(1_800_000_000).unwrap() + SignedDuration::from_secs(seconds)
    };
    let claim = async |seconds: i64| deliveries.claim("x", at(seconds)).await.unwrap();

    let claims = tokio::join!(claim(0), claim(0), claim(0), claim(0), claim(0));
    let claims = [claims.0, claims.1, claims.2, claims.3, claims.4];
    let fresh = claims.iter().filter(|claim| **claim == Claim::Fresh);
    assert_eq!(fresh.count(), 1, "{claims:?}");
    assert_eq!(claim(60).await, Claim::Busy);

    assert_eq!(claim(61).await, Claim::Fresh, "the lease is over");
    deliveries.release("x", at(0)).await.unwrap();
    assert_eq!(
        claim(62).await,
        Claim::Busy,
        "who lost it gives nothing back"
    );
    deliveries.release("x", at(61)).await.unwrap();
    assert_eq!(claim(63).await, Claim::Fresh, "it was given back");

    deliveries.done("x", at(64)).await.unwrap();
    deliveries.release("x", at(63)).await.unwrap();
    assert_eq!(claim(10_000).await, Claim::Done);
    stack.stop().await;
}
