//! Second factors: which codes are sent, and what their owner is told.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use latchkey_local::{Channel, Message, Stack};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::events::{failures, renamed, sign_up};
use crate::{NUMBER, courier, start};

/// The nth event that nothing has been sent for yet: like this one, but of this type and with this
/// data, if any.
fn another(event: &Value, n: usize, kind: &str, data: &Value) -> Value {
    let mut event = renamed(event, &format!("01H455VB4PEX5VSKNK084SN{n:03}"));
    event["type"] = json!({ "S": kind });
    event["data"] = data.clone();
    let fields = event.as_object_mut().unwrap();
    fields.retain(|_, value| !value.is_null());
    event
}

/// Turns the only token into one of another purpose, to a number or an address.
async fn repurpose(stack: &Stack, token: &str, purpose: &str, target: (&str, &str)) {
    let client = Client::new(&stack.aws());
    let tokens = client.scan().table_name("latchkey-tokens").send().await;
    let mut rows = tokens.unwrap().items.unwrap().into_iter();
    let mut row = rows
        .find(|row| format!("{:?}", row["pk"]).contains(token))
        .unwrap();
    let text = |text: &str| AttributeValue::S(text.to_owned());
    row.insert("purpose".to_owned(), text(purpose));
    let target = [(target.0.to_owned(), text(target.1))].into();
    row.insert("target".to_owned(), AttributeValue::M(target));
    client
        .put_item()
        .table_name("latchkey-tokens")
        .set_item(Some(row))
        .send()
        .await
        .unwrap();
}

/// Verifies the address that this event is the sign-up of.
async fn verify(stack: &Stack, sign_up: &Value, email: &str) {
    let mail = stack.inbox().messages().pop().unwrap();
    let code = mail
        .text
        .lines()
        .find_map(|line| line.strip_prefix("Code: "));
    let answer = reqwest::Client::new()
        .post(format!("{}/api/auth/verify/email", stack.url()))
        .json(&json!({
            "code": code.unwrap(),
            "userId": sign_up["userId"]["S"],
            "tokenId": sign_up["data"]["M"]["tokenId"]["S"],
            "email": email,
        }))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    stack.settle().await;
}

/// What came since there were this many.
fn since(stack: &Stack, seen: usize) -> Vec<Message> {
    stack.inbox().messages().split_off(seen)
}

#[tokio::test]
async fn each_code_has_its_message_and_the_ticket_of_a_sign_in_has_none() {
    const EMAIL: (&str, &str) = ("email", "ada@example.com");
    const PHONE: (&str, &str) = ("phone", NUMBER);
    let stack = start(&[]).await;
    let event = sign_up(&stack, EMAIL.1).await;
    let token = &event["data"]["M"]["tokenId"];
    let courier = courier(&stack).await;
    for (n, (purpose, target, template, life)) in [
        ("second_factor", EMAIL, "sign_in_code", "for 5 minutes"),
        ("second_factor", PHONE, "otp_sms", "for 5 minutes"),
        (
            "enable_factor",
            EMAIL,
            "confirm_mfa_change",
            "for 10 minutes",
        ),
        ("enable_factor", PHONE, "otp_sms", "for 10 minutes"),
        ("manage_mfa", EMAIL, "confirm_mfa_change", "for 10 minutes"),
        ("manage_mfa", PHONE, "otp_sms", "for 10 minutes"),
        ("step_up", PHONE, "otp_sms", "for 10 minutes"),
        ("sign_in", EMAIL, "", ""),
        ("sign_in", PHONE, "", ""),
    ]
    .into_iter()
    .enumerate()
    {
        repurpose(&stack, token["S"].as_str().unwrap(), purpose, target).await;
        let data = json!({ "M": { "purpose": { "S": purpose }, "tokenId": token } });
        let asked = another(&event, n, "challenge.requested", &data);
        let seen = stack.inbox().messages().len();
        assert_eq!(failures(&courier, &[("INSERT", &asked)]).await, [""; 0]);
        let sent = since(&stack, seen);
        if template.is_empty() {
            assert_eq!(sent, [], "{purpose}");
            continue;
        }
        let [message] = &sent[..] else {
            panic!("{purpose}: {sent:?}");
        };
        assert_eq!(message.template, template, "{purpose}");
        assert_eq!(message.to, target.1, "{purpose}");
        assert_eq!(message.channel == Channel::Sms, target == PHONE);
        assert!(message.text.contains(life), "{purpose}: {}", message.text);
    }
    stack.stop().await;
}

#[tokio::test]
async fn the_owner_is_told_what_becomes_of_second_factors() {
    let stack = start(&[]).await;
    let event = sign_up(&stack, "ada@example.com").await;
    verify(&stack, &event, "ada@example.com").await;
    let courier = courier(&stack).await;
    let device = json!({ "M": { "deviceId": event["data"]["M"]["tokenId"] } });
    let locked = |bucket: &str| {
        let until = json!({ "S": "2027-01-15T08:01:00Z" });
        json!({ "M": { "until": until, "bucket": { "S": bucket } } })
    };
    for (n, (kind, data, template)) in [
        (
            "mfa.enabled",
            json!({ "M": { "method": { "S": "totp" } } }),
            Some("mfa_enabled"),
        ),
        (
            "mfa.disabled",
            json!({ "M": { "methods": { "L": [{ "S": "totp" }] } } }),
            Some("mfa_disabled"),
        ),
        (
            "mfa.recovery_codes_made",
            Value::Null,
            Some("recovery_codes_made"),
        ),
        (
            "mfa.recovery_code_used",
            Value::Null,
            Some("recovery_code_used"),
        ),
        ("user.locked", locked("session"), Some("account_locked")),
        (
            "user.locked",
            locked("second_factor"),
            Some("second_factor_locked"),
        ),
        ("user.locked", locked("second_factor"), None),
        ("device.trusted", device.clone(), None),
        ("device.untrusted", device, None),
    ]
    .into_iter()
    .enumerate()
    {
        let event = another(&event, n, kind, &data);
        let seen = stack.inbox().messages().len();
        let batch = [("INSERT", &event), ("INSERT", &event)];
        assert_eq!(failures(&courier, &batch).await, [""; 0], "{kind}");
        let sent = since(&stack, seen);
        let templates: Vec<_> = sent.iter().map(|mail| mail.template.as_str()).collect();
        assert_eq!(templates, Vec::from_iter(template), "{kind}");
        for mail in sent {
            assert_eq!(mail.to, "ada@example.com", "{kind}");
            let ip = event["ip"]["S"].as_str().unwrap();
            assert!(
                mail.text.contains(&format!("From: {ip}\n")),
                "{}",
                mail.text
            );
        }
    }
    stack.stop().await;
}
