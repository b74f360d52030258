//! Mails: bounces and complaints, and caps.

use aws_sdk_dynamodb::types::AttributeValue;
use latchkey_courier::invoke;
use latchkey_local::Stack;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{courier, start};

async fn sign_up(stack: &Stack, email: &str) {
    let password = "correct horse battery staple";
    post(
        stack,
        "sign-up",
        json!({ "name": "Ada", "email": email, "password": password }),
    )
    .await;
}

async fn resend(stack: &Stack, email: &str) {
    post(stack, "resend/verify/email", json!({ "email": email })).await;
}

/// A request that sends a mail, which has been sent or not when this returns.
async fn post(stack: &Stack, path: &str, body: Value) {
    let answer = reqwest::Client::new()
        .post(format!("{}/api/auth/{path}", stack.url()))
        .json(&body)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::ACCEPTED, "{path} {body}");
    stack.settle().await;
}

fn mails_to(stack: &Stack, address: &str) -> usize {
    let messages = stack.inbox().messages();
    messages.iter().filter(|mail| mail.to == address).count()
}

/// The rows of addresses that get no mail.
async fn undeliverable(stack: &Stack) -> Vec<Value> {
    let rows = aws_sdk_dynamodb::Client::new(&stack.aws())
        .scan()
        .table_name("latchkey-tokens")
        .filter_expression("begins_with(pk, :kind)")
        .expression_attribute_values(":kind", AttributeValue::S("undeliverable#".into()))
        .send()
        .await
        .unwrap();
    let rows = rows.items.unwrap().into_iter();
    rows.map(|row| serde_json::to_value(serde_dynamo::Item::from(row)).unwrap())
        .collect()
}

fn notification(message: &str) -> Value {
    json!({ "Records": [{
        "EventSource": "aws:sns",
        "Sns": { "MessageId": "1", "Message": message },
    }] })
}

#[tokio::test]
async fn an_address_that_bounced_or_complained_gets_no_second_mail() {
    let stack = start(&[]).await;
    for (email, reason) in [
        ("bounce+1@simulator.amazonses.com", "bounce"),
        ("complaint+1@simulator.amazonses.com", "complaint"),
    ] {
        sign_up(&stack, email).await;
        assert_eq!(mails_to(&stack, email), 1, "{email}");
        // The addresses of the simulator are told apart by their labels, and not by case.
        let shouted = email.to_ascii_uppercase();
        resend(&stack, &shouted).await;
        assert_eq!(mails_to(&stack, email), 1, "{email}");

        let rows = undeliverable(&stack).await;
        let row = rows.iter().find(|row| row["reason"]["S"] == reason);
        assert!(row.unwrap()["feedbackId"]["S"].is_string(), "{rows:?}");
    }
    let other = "bounced@example.com";
    sign_up(&stack, other).await;
    resend(&stack, other).await;
    assert_eq!(mails_to(&stack, other), 2);

    let rows = undeliverable(&stack).await;
    assert_eq!(rows.len(), 2);
    assert!(!json!(rows).to_string().contains("amazonses"), "{rows:?}");
    assert!(stack.dead_letters().is_empty());
    stack.stop().await;
}

#[tokio::test]
async fn feedback_may_come_twice_and_what_it_is_not_has_to_come_again() {
    let stack = start(&[]).await;
    let courier = courier(&stack).await;
    let bounce = |kind: &str| {
        json!({
            "eventType": "Bounce",
            "bounce": {
                "bounceType": kind,
                "bouncedRecipients": [{ "emailAddress": "ada@example.com" }],
                "timestamp": "2026-08-05T00:41:02.669Z",
                "feedbackId": "f-1",
            },
        })
        .to_string()
    };
    let transient = invoke(&courier, notification(&bounce("Transient"))).await;
    assert_eq!(transient.unwrap(), Value::Null);
    assert_eq!(undeliverable(&stack).await, [Value::Null; 0]);

    let mut seen = Vec::new();
    for _ in 0..2 {
        let permanent = invoke(&courier, notification(&bounce("Permanent"))).await;
        assert_eq!(permanent.unwrap(), Value::Null);
        seen.push(undeliverable(&stack).await);
    }
    assert_eq!(seen[0].len(), 1);
    assert_eq!(seen[0], seen[1]);
    sign_up(&stack, "Ada@example.com").await;
    assert_eq!(mails_to(&stack, "Ada@example.com"), 0);

    for payload in [
        notification("ada@example.com"),
        notification(&bounce("Novel")),
        json!({ "Records": [{ "eventSource": "aws:sqs", "body": "ada@example.com" }] }),
    ] {
        let failure = invoke(&courier, payload.clone()).await.unwrap_err();
        assert!(
            !format!("{failure:?}{failure}").contains("ada"),
            "{payload}"
        );
    }
    stack.stop().await;
}

#[tokio::test]
async fn a_stream_batch_goes_through_the_same_door() {
    let stack = start(&[]).await;
    let courier = courier(&stack).await;
    let batch = json!({ "Records": [{
        "eventID": "1",
        "eventName": "INSERT",
        "eventSource": "aws:dynamodb",
        "awsRegion": "eu-west-1",
        "dynamodb": {
            "NewImage": { "pk": { "S": "user#1" } },
            "SequenceNumber": "7",
            "SizeBytes": 1,
        },
    }] });
    let answer = invoke(&courier, batch).await.unwrap();
    let failed = json!({ "batchItemFailures": [{ "itemIdentifier": "7" }] });
    assert_eq!(answer, failed);
    stack.stop().await;
}

#[tokio::test]
async fn mails_over_a_cap_are_dropped_and_hold_up_nothing() {
    let domain = start(&[("MAILS_PER_DOMAIN_HOUR", "1")]).await;
    sign_up(&domain, "ada@example.com").await;
    sign_up(&domain, "bob@example.com").await;
    sign_up(&domain, "cid@example.org").await;
    let sent: Vec<_> = domain.inbox().messages();
    let sent: Vec<_> = sent.iter().map(|mail| mail.to.as_str()).collect();
    assert_eq!(sent, ["ada@example.com", "cid@example.org"]);
    domain.clock().advance(60 * 60).unwrap();
    resend(&domain, "bob@example.com").await;
    assert_eq!(mails_to(&domain, "bob@example.com"), 1);
    assert!(domain.dead_letters().is_empty());
    domain.stop().await;

    let account = start(&[("MAILS_PER_HOUR", "1")]).await;
    sign_up(&account, "ada@example.com").await;
    sign_up(&account, "cid@example.org").await;
    assert_eq!(account.inbox().messages().len(), 1);
    assert!(account.dead_letters().is_empty());
    account.stop().await;
}
