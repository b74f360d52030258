//! The stack by itself: what it adds to the service, and what it must not lose.

// For Clippy, which else takes what stands outside of a test function for production code.
#![cfg(test)]

use std::path::Path;

use aws_sdk_dynamodb::types::AttributeValue;
use latchkey_local::{Options, Stack};
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::{Value, json};

const PASSWORD: &str = "correct horse battery staple";

async fn start(data: Option<&Path>) -> Stack {
    Stack::start(Options {
        data: data.map(Path::to_owned),
        ..Options::default()
    })
    .await
    .unwrap()
}

fn sign_up(stack: &Stack, email: &str) -> RequestBuilder {
    let body = json!({ "name": "Ada", "email": email, "password": PASSWORD });
    Client::new()
        .post(format!("{}/api/auth/sign-up", stack.url()))
        .json(&body)
}

async fn inbox(stack: &Stack) -> Vec<Value> {
    let answer = Client::new()
        .get(format!("{}/dev/inbox", stack.url()))
        .header("accept", "application/json")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let body: Value = answer.json().await.unwrap();
    body["messages"].as_array().unwrap().clone()
}

#[tokio::test]
async fn whoever_reads_the_inbox_after_an_answer_finds_the_mail() {
    let stack = start(None).await;
    for number in 1..=3 {
        let email = format!("ada{number}@example.com");
        let answer = sign_up(&stack, &email).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::ACCEPTED);
        let mail = inbox(&stack).await;
        assert_eq!(mail.len(), number);
        let last = mail.last().unwrap();
        assert_eq!(last["to"], email);
        assert_eq!(last["channel"], "email");
        assert_ne!(last["template"], "");
    }
    let url = format!("{}/dev/inbox", stack.url());
    let page = Client::new().get(&url).send().await.unwrap();
    let policy = page.headers()["content-security-policy"].clone();
    assert!(policy.to_str().unwrap().contains("script-src 'nonce-"));
    assert!(page.text().await.unwrap().contains("ada3@example.com"));
    let emptied = Client::new().delete(&url).send().await.unwrap();
    assert_eq!(emptied.status(), StatusCode::NO_CONTENT);
    assert!(inbox(&stack).await.is_empty());
    assert!(stack.dead_letters().is_empty());
}

#[tokio::test]
async fn nothing_is_lost_over_a_restart() {
    let data = tempfile::tempdir().unwrap();
    let stack = start(Some(data.path())).await;
    sign_up(&stack, "ada@example.com").send().await.unwrap();
    let before = inbox(&stack).await;
    assert_eq!(before.len(), 1);
    let then = stack.clock().advance(3600).unwrap();
    stack.stop().await;

    let stack = start(Some(data.path())).await;
    assert_eq!(inbox(&stack).await, before);
    assert!(latchkey_shared::clock::Clock::now(stack.clock()) >= then);
    // A mail that is asked for again comes, which shows that the user is there.
    Client::new()
        .post(format!("{}/api/auth/resend/verify/email", stack.url()))
        .json(&json!({ "email": "ada@example.com" }))
        .send()
        .await
        .unwrap();
    assert_eq!(inbox(&stack).await.len(), 2);
    stack.stop().await;
}

#[tokio::test]
async fn a_claim_of_a_dead_process_does_not_hold_up_its_mail() {
    let data = tempfile::tempdir().unwrap();
    let stack = start(Some(data.path())).await;
    let claim = |state: &str| {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        aws_sdk_dynamodb::Client::new(&stack.aws())
            .put_item()
            .table_name("latchkey-tokens")
            .item("pk", text(&format!("delivery#{state}")))
            .item("state", text(state))
    };
    claim("sending").send().await.unwrap();
    claim("sent").send().await.unwrap();
    stack.stop().await;

    let stack = start(Some(data.path())).await;
    let rows = aws_sdk_dynamodb::Client::new(&stack.aws())
        .scan()
        .table_name("latchkey-tokens")
        .send()
        .await
        .unwrap();
    let keys: Vec<_> = rows.items().iter().map(|row| row["pk"].clone()).collect();
    assert_eq!(keys, [AttributeValue::S("delivery#sent".to_owned())]);
    stack.stop().await;
}

#[tokio::test]
async fn the_clock_moves_forward_and_says_why_it_does_not() {
    let stack = start(None).await;
    let url = format!("{}/dev/clock", stack.url());
    let read = |answer: Value| answer["now"].as_str().unwrap().parse().unwrap();
    let get = Client::new().get(&url).send().await.unwrap();
    let before: jiff::Timestamp = read(get.json().await.unwrap());

    let advance = |body: Value| Client::new().post(&url).json(&body).send();
    let moved = advance(json!({ "advance": 7200 })).await.unwrap();
    assert_eq!(moved.status(), StatusCode::OK);
    let after: jiff::Timestamp = read(moved.json().await.unwrap());
    assert!(after >= before + jiff::SignedDuration::from_hours(2));

    for bad in [
        json!(0),
        json!(-5),
        json!(1e300),
        json!("soon"),
        json!(null),
    ] {
        let refused = advance(json!({ "advance": bad })).await.unwrap();
        assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY, "{bad}");
        let problem: Value = refused.json().await.unwrap();
        assert_eq!(problem["errors"][0]["field"], "advance");
    }
}

#[tokio::test]
async fn the_address_in_the_header_is_the_one_that_the_service_sees() {
    let stack = start(None).await;
    let cases = [
        (Some("203.0.113.7"), "203.0.113.7"),
        (Some("2001:db8::1"), "2001:db8::1"),
        (Some("nonsense"), "127.0.0.1"),
        (None, "127.0.0.1"),
    ];
    let mut expected = Vec::new();
    for (number, (header, seen)) in cases.into_iter().enumerate() {
        let mut request = sign_up(&stack, &format!("ada{number}@example.com"));
        if let Some(header) = header {
            request = request.header("x-dev-client-ip", header);
        }
        assert_eq!(request.send().await.unwrap().status(), StatusCode::ACCEPTED);
        expected.push(seen.to_owned());
    }
    let events = aws_sdk_dynamodb::Client::new(&stack.aws())
        .scan()
        .table_name("latchkey-events")
        .send()
        .await
        .unwrap();
    let mut seen: Vec<_> = events
        .items()
        .iter()
        .map(|event| event["ip"].as_s().unwrap().clone())
        .collect();
    seen.sort();
    expected.sort();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn the_calls_of_a_request_are_counted_and_those_of_the_courier_are_not() {
    let stack = start(None).await;
    let _ = stack.calls().take();
    sign_up(&stack, "ada@example.com").send().await.unwrap();
    stack.settle().await;
    let calls = stack.calls().take();
    assert!(calls.dynamodb_count() > 0);
    assert!((1..=calls.dynamodb_count()).contains(&calls.dynamodb_depth()));
    assert!(calls.dynamodb.iter().all(|call| call.ended.is_some()));
    let writes = |operation: &str| {
        calls
            .dynamodb
            .iter()
            .any(|call| call.operation == operation)
    };
    assert!(writes("TransactWriteItems"), "{calls:?}");

    // Asking for the mail again is limited, and the cache counts.
    let again = format!("{}/api/auth/resend/verify/email", stack.url());
    let body = json!({ "email": "ada@example.com" });
    let answer = Client::new().post(again).json(&body).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    assert!(stack.calls().take().cache.contains(&"bump_if"));

    let health = format!("{}/api/health", stack.url());
    Client::new().get(health).send().await.unwrap();
    assert_eq!(stack.calls().take(), latchkey_local::Calls::default());
}

#[tokio::test]
async fn two_stacks_never_share_a_data_directory() {
    let data = tempfile::tempdir().unwrap();
    let _first = start(Some(data.path())).await;
    let second = Stack::start(Options {
        data: Some(data.path().to_owned()),
        ..Options::default()
    });
    assert!(second.await.is_err());
}
