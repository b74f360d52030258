use std::sync::Arc;

use aws_sdk_sesv2::error::ProvideErrorMetadata;
use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message, MessageTag};
use aws_sdk_sns::types::MessageAttributeValue;
use latchkey_shared::random::SystemEntropy;
use tokio::task::JoinSet;

use super::*;
use crate::aws::Endpoints;
use crate::clock::DevClock;
use crate::inbox::Channel;

struct Fixture {
    aws: aws_config::SdkConfig,
    inbox: Arc<Inbox>,
    _server: JoinSet<()>,
}

async fn start() -> Fixture {
    let clock = Arc::new(DevClock::open(None).unwrap());
    let random = Arc::new(SystemEntropy::default());
    let secrets = Arc::new(Secrets::open(&*random, None).unwrap());
    let inbox = Arc::new(Inbox::open(clock.clone(), random, None).unwrap());
    let (feedback, _) = Feedback::open(clock);
    let capture = Capture {
        inbox: inbox.clone(),
        feedback,
        secrets,
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let endpoints = Endpoints {
        dynamodb: url.clone(),
        capture: url,
    };
    let mut server = JoinSet::new();
    server.spawn(async move { axum::serve(listener, capture.router()).await.unwrap() });
    Fixture {
        aws: endpoints.sdk_config(None),
        inbox,
        _server: server,
    }
}

fn content(text: &str) -> Content {
    Content::builder().data(text).build().unwrap()
}

#[tokio::test]
async fn a_mail_sent_through_the_real_client_is_in_the_inbox() {
    let fixture = start().await;
    let body = Body::builder()
        .text(content("Your code is 123456"))
        .html(content("<p>Your code is 123456</p>"))
        .build();
    let message = Message::builder()
        .subject(content("Hello"))
        .body(body)
        .build();
    let tag = MessageTag::builder().name("template").value("welcome");
    let answer = aws_sdk_sesv2::Client::new(&fixture.aws)
        .send_email()
        .from_email_address("no-reply@latchkey.local")
        .destination(Destination::builder().to_addresses("a@example.com").build())
        .content(EmailContent::builder().simple(message).build())
        .email_tags(tag.build().unwrap())
        .configuration_set_name("mail")
        .send()
        .await
        .unwrap();
    let messages = fixture.inbox.messages();
    let [mail] = &messages[..] else {
        panic!("one mail was sent: {messages:?}");
    };
    assert_eq!(answer.message_id(), Some(&*mail.id.to_string()));
    assert_eq!(mail.channel, Channel::Email);
    assert_eq!(mail.to, "a@example.com");
    assert_eq!(mail.subject.as_deref(), Some("Hello"));
    assert_eq!(mail.text, "Your code is 123456");
    assert_eq!(mail.html.as_deref(), Some("<p>Your code is 123456</p>"));
    assert_eq!(mail.template, "welcome");
}

#[tokio::test]
async fn a_mail_for_nobody_is_refused_as_ses_refuses_it() {
    let fixture = start().await;
    let message = Message::builder()
        .subject(content("Hello"))
        .body(Body::builder().text(content("Hi")).build());
    let refused = aws_sdk_sesv2::Client::new(&fixture.aws)
        .send_email()
        .from_email_address("no-reply@latchkey.local")
        .content(EmailContent::builder().simple(message.build()).build())
        .send()
        .await
        .unwrap_err()
        .into_service_error();
    assert!(refused.is_bad_request_exception(), "{refused:?}");
    assert!(fixture.inbox.messages().is_empty());
}

fn attribute(kind: &str, value: &str) -> MessageAttributeValue {
    MessageAttributeValue::builder()
        .data_type(kind)
        .string_value(value)
        .build()
        .unwrap()
}

#[tokio::test]
async fn an_sms_sent_through_the_real_client_is_in_the_inbox() {
    let fixture = start().await;
    let answer = aws_sdk_sns::Client::new(&fixture.aws)
        .publish()
        .phone_number("+46701234567")
        .message("Your code is 123456 & nothing else")
        .message_attributes("AWS.SNS.SMS.SMSType", attribute("String", "Transactional"))
        .message_attributes("AWS.SNS.SMS.MaxPrice", attribute("Number", "0.50"))
        .message_attributes("template", attribute("String", "welcome"))
        .send()
        .await
        .unwrap();
    let messages = fixture.inbox.messages();
    let [sms] = &messages[..] else {
        panic!("one SMS was sent: {messages:?}");
    };
    assert_eq!(answer.message_id(), Some(&*sms.id.to_string()));
    assert_eq!(sms.channel, Channel::Sms);
    assert_eq!(sms.to, "+46701234567");
    assert_eq!(sms.text, "Your code is 123456 & nothing else");
    assert_eq!(sms.template, "welcome");
    assert_eq!((&sms.subject, &sms.html), (&None, &None));
}

#[tokio::test]
async fn an_sms_to_what_is_no_number_is_refused_as_sns_refuses_it() {
    let fixture = start().await;
    let client = aws_sdk_sns::Client::new(&fixture.aws);
    let kind = |kind: &str| attribute("String", kind);
    let publish = || client.publish().message("Hi").phone_number("+46701234567");
    for refused in [
        publish().phone_number("0701234567"),
        publish().set_phone_number(None),
        publish().message("x".repeat(1601)),
        publish().message_attributes("AWS.SNS.SMS.SMSType", kind("Loud")),
    ] {
        let refused = refused.send().await.unwrap_err().into_service_error();
        assert!(refused.is_invalid_parameter_exception(), "{refused:?}");
    }
    assert!(fixture.inbox.messages().is_empty());
}

#[tokio::test]
async fn a_mail_to_the_simulator_is_kept_where_nobody_has_subscribed() {
    let fixture = start().await;
    let message = Message::builder()
        .subject(content("Hello"))
        .body(Body::builder().text(content("Hi")).build());
    let to = "bounce@simulator.amazonses.com";
    aws_sdk_sesv2::Client::new(&fixture.aws)
        .send_email()
        .from_email_address("no-reply@latchkey.local")
        .destination(Destination::builder().to_addresses(to).build())
        .content(EmailContent::builder().simple(message.build()).build())
        .send()
        .await
        .unwrap();
    assert_eq!(fixture.inbox.messages().len(), 1);
}

#[tokio::test]
async fn the_keys_secret_is_read_through_the_real_client_and_no_other_exists() {
    let fixture = start().await;
    let client = aws_sdk_secretsmanager::Client::new(&fixture.aws);
    let get = |id: &'static str| client.get_secret_value().secret_id(id).send();
    let secret = get(KEYS_SECRET_ID).await.unwrap().secret_string.unwrap();
    let secret: serde_json::Value = serde_json::from_str(&secret).unwrap();
    assert_eq!(secret["seed"].as_str().unwrap().len(), 64);
    let error = get("other").await.unwrap_err().into_service_error();
    assert!(error.is_resource_not_found_exception(), "{error:?}");
}

#[tokio::test]
async fn an_operation_that_is_not_known_is_an_error() {
    let fixture = start().await;
    let account = aws_sdk_sesv2::Client::new(&fixture.aws)
        .get_account()
        .send();
    let error = account.await.unwrap_err().into_service_error();
    assert_eq!(error.code(), Some("UnknownOperationException"));
    let topics = aws_sdk_sns::Client::new(&fixture.aws).list_topics().send();
    let error = topics.await.unwrap_err().into_service_error();
    assert_eq!(error.code(), Some("UnknownOperationException"));
    let secrets = aws_sdk_secretsmanager::Client::new(&fixture.aws)
        .list_secrets()
        .send();
    let error = secrets.await.unwrap_err().into_service_error();
    assert_eq!(error.code(), Some("UnknownOperationException"));
}
