//! What keeps mails and SMS from being sent: feedback of SES, caps, and a breaker.

// For Clippy, which else takes what stands outside of a test function for production code.
#![cfg(test)]

use std::sync::Arc;

use aws_config::retry::RetryConfig;
use aws_sdk_dynamodb::types::AttributeValue;
use latchkey_courier::{Failure, State, Texted, invoke};
use latchkey_local::{Channel, DevClock, Endpoints, Options, Stack};
use latchkey_shared::domain::id::EventId;
use latchkey_shared::domain::phone::PhoneNumber;
use latchkey_shared::env::Env;
use latchkey_shared::http::{Code, RateLimits, SmsLimits};
use latchkey_shared::platform::Platform;
use latchkey_shared::random::SystemEntropy;
use reqwest::StatusCode;
use serde_json::{Value, json};

/// Where nobody listens: a port that is never given out.
const NOWHERE: &str = "http://127.0.0.1:1";

const NUMBER: &str = "+46701234567";

async fn start(settings: &[(&str, &str)]) -> Stack {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Stack::start(Options {
        settings: settings.iter().map(owned).collect(),
        ..Options::default()
    })
    .await
    .unwrap()
}

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

/// A platform on the stack's tables, with a cache and a clock of its own.
async fn platform(stack: &Stack, settings: &[(&str, &str)]) -> (Platform, Arc<DevClock>) {
    let env = Env::default()
        .with("USERS_TABLE", "latchkey-users")
        .with("TOKENS_TABLE", "latchkey-tokens")
        .with("KEYS_SECRET_ID", "latchkey-keys")
        .with("PUBLIC_URL", "https://id.example.com")
        .with("REDIS_URL", "memory:")
        .with("APP_NAME", "Latchkey")
        .with("MAIL_FROM", "no-reply@latchkey.local")
        .with("SMS_COUNTRIES", "*");
    let env = settings
        .iter()
        .fold(env, |env, (name, value)| env.with(name, *value));
    let clock = Arc::new(DevClock::open(None).unwrap());
    let random = Arc::new(SystemEntropy::default());
    let platform = Platform::new(env, stack.aws(), clock.clone(), random)
        .await
        .unwrap();
    let cache = platform.cache().await.unwrap();
    (platform.with_cache(cache), clock)
}

async fn text(courier: &State, text: &str) -> Result<Texted, Failure> {
    let number = PhoneNumber::parse_e164(NUMBER).unwrap();
    let event = EventId::new(jiff::Timestamp::UNIX_EPOCH, &SystemEntropy::default());
    courier.text(&number, "test", text, event).await
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
    let (platform, _) = platform(&stack, &[]).await;
    let courier = State::open(&platform).await.unwrap();
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
    let (platform, _) = platform(&stack, &[]).await;
    let courier = State::open(&platform).await.unwrap();
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
async fn a_spent_budget_stops_every_sms_until_the_hour_is_over() {
    let stack = start(&[]).await;
    let (platform, clock) = platform(&stack, &[("SMS_PER_HOUR", "2")]).await;
    let courier = State::open(&platform).await.unwrap();
    let (cache, keys) = (platform.cache().await.unwrap(), platform.keys.clone());
    let limits = SmsLimits::open(&platform.env, cache, keys).unwrap();
    let ask = async || {
        let number = PhoneNumber::parse_e164("+447400123456").unwrap();
        let admitted = limits.admit(RateLimits::default(), &number, None).await;
        admitted.map(drop).map_err(|problem| problem.code)
    };

    assert_eq!(text(&courier, "one").await.unwrap(), Texted::Sent);
    assert_eq!(ask().await, Ok(()));
    assert_eq!(text(&courier, "two").await.unwrap(), Texted::Sent);
    assert_eq!(ask().await, Err(Code::Unavailable));
    for _ in 0..3 {
        assert_eq!(text(&courier, "three").await.unwrap(), Texted::Capped);
    }
    clock.advance(59 * 60).unwrap();
    assert_eq!(text(&courier, "four").await.unwrap(), Texted::Capped);
    clock.advance(60).unwrap();
    assert_eq!(ask().await, Ok(()));
    assert_eq!(text(&courier, "five").await.unwrap(), Texted::Sent);

    let messages = stack.inbox().messages();
    let sent: Vec<_> = messages.iter().map(|sms| sms.text.as_str()).collect();
    assert_eq!(sent, ["one", "two", "five"]);
    assert!(
        messages.iter().all(|sms| {
            sms.channel == Channel::Sms && sms.to == NUMBER && sms.template == "test"
        })
    );
    stack.stop().await;
}

#[tokio::test]
async fn an_sms_that_is_not_taken_is_settled_and_one_that_gets_no_answer_comes_again() {
    let stack = start(&[]).await;
    let (mut platform, _) = platform(&stack, &[("SMS_SENDER_ID", "Latchkey")]).await;
    let courier = State::open(&platform).await.unwrap();
    let long = "x".repeat(1601);
    assert_eq!(text(&courier, &long).await.unwrap(), Texted::Refused);

    let endpoints = Endpoints {
        capture: NOWHERE.to_owned(),
        ..stack.endpoints().clone()
    };
    platform.aws = stack
        .aws()
        .into_builder()
        .service_config(endpoints)
        .retry_config(RetryConfig::disabled())
        .build();
    let cut_off = State::open(&platform).await.unwrap();
    let failure = text(&cut_off, "secret text").await.unwrap_err();
    let words = format!("{failure:?}");
    assert!(matches!(failure, Failure::Sms(_)), "{words}");
    assert!(
        !words.contains("secret") && !words.contains("4670"),
        "{words}"
    );
    assert_eq!(stack.inbox().messages(), []);
    stack.stop().await;
}

#[tokio::test]
async fn an_sms_that_nobody_can_count_is_not_sent() {
    let stack = start(&[]).await;
    let (mut platform, _) = platform(&stack, &[]).await;
    platform.env = platform.env.with("REDIS_URL", "redis://127.0.0.1:1");
    let random = Arc::new(SystemEntropy::default());
    let blind = Platform::new(platform.env, platform.aws, platform.clock, random)
        .await
        .unwrap();
    let courier = State::open(&blind).await.unwrap();
    let failure = text(&courier, "one").await.unwrap_err();
    assert!(matches!(failure, Failure::Cache(_)), "{failure:?}");
    assert_eq!(stack.inbox().messages(), []);
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
