//! SMS: the budget, and what SNS says.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use latchkey_courier::{Failure, State, Texted};
use latchkey_local::{Channel, Endpoints};
use latchkey_shared::domain::phone::PhoneNumber;
use latchkey_shared::http::{Code, RateLimits, SmsLimits};
use latchkey_shared::platform::Platform;
use latchkey_shared::random::SystemEntropy;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use url::form_urlencoded;

use crate::{NUMBER, cut_off, platform, start, text};

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

    cut_off(&mut platform, &stack);
    let courier = State::open(&platform).await.unwrap();
    let failure = text(&courier, "secret text").await.unwrap_err();
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
async fn sns_is_told_the_type_the_sender_and_the_price() {
    let stack = start(&[]).await;
    let settings = [
        ("SMS_TYPE", "Promotional"),
        ("SMS_SENDER_ID", "Latchkey"),
        ("SMS_MAX_PRICE", "0.25"),
    ];
    let (mut platform, _) = platform(&stack, &settings).await;
    let (calls, mut called) = mpsc::unbounded_channel();
    let sns = Router::new().fallback(async move |body: Bytes| {
        calls.send(body).unwrap();
        "<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>"
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoints = Endpoints {
        capture: format!("http://{}", listener.local_addr().unwrap()),
        ..stack.endpoints().clone()
    };
    let mut server = JoinSet::new();
    server.spawn(async move { axum::serve(listener, sns).await.unwrap() });
    platform.aws = stack.aws().into_builder().service_config(endpoints).build();
    let courier = State::open(&platform).await.unwrap();
    assert_eq!(text(&courier, "Hi").await.unwrap(), Texted::Sent);

    let form = called.recv().await.unwrap();
    let form: HashMap<String, String> = form_urlencoded::parse(&form).into_owned().collect();
    assert_eq!(form["PhoneNumber"], NUMBER);
    assert_eq!(form["Message"], "Hi");
    let attributes: BTreeMap<&str, [&str; 2]> = (1..=5)
        .map(|n| {
            let part = |part| form[&format!("MessageAttributes.entry.{n}.{part}")].as_str();
            let value = [part("Value.DataType"), part("Value.StringValue")];
            (part("Name"), value)
        })
        .collect();
    assert_eq!(attributes["AWS.SNS.SMS.SMSType"], ["String", "Promotional"]);
    assert_eq!(attributes["AWS.SNS.SMS.SenderID"], ["String", "Latchkey"]);
    assert_eq!(attributes["AWS.SNS.SMS.MaxPrice"], ["Number", "0.25"]);
    assert_eq!(attributes["template"], ["String", "test"]);
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
