//! What becomes of a mail to SES's mailbox simulator, told to `courier` through a topic.
//!
//! The addresses are those that SES has for this, so that a test means the same here as against a
//! deployment. There a notification comes seconds later; here it has been handled when SES
//! answers, so that nobody has to wait for it.

use std::sync::Arc;

use jiff::Timestamp;
use latchkey_shared::clock::Clock;
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use crate::clock::DevClock;

/// The domain of SES's mailbox simulator.
const SIMULATOR: &str = "simulator.amazonses.com";

/// How often Lambda invokes a function with one notification, at most.
const ATTEMPTS: u32 = 3;

const TOPIC: &str = "arn:aws:sns:eu-west-1:000000000000:latchkey-mail-feedback";

/// The publishing end of the topic.
#[derive(Clone)]
pub(crate) struct Feedback {
    clock: Arc<DevClock>,
    topic: mpsc::UnboundedSender<Notice>,
}

/// The other end.
pub(crate) struct Subscription(mpsc::UnboundedReceiver<Notice>);

/// One notification on its way.
struct Notice {
    payload: Value,
    handled: oneshot::Sender<()>,
}

impl Feedback {
    /// A topic with its one subscription.
    pub(crate) fn open(clock: Arc<DevClock>) -> (Self, Subscription) {
        let (topic, subscription) = mpsc::unbounded_channel();
        (Self { clock, topic }, Subscription(subscription))
    }

    /// Does what SES does with a mail to this address, where it is one of the simulator's that
    /// stand for trouble, and returns when that has been handled.
    pub(super) async fn simulate(&self, to: &str, mail: Uuid) {
        let at = self.clock.now();
        let Some(notification) = notification(to, mail, at) else {
            return;
        };
        let (handled, done) = oneshot::channel();
        let payload = payload(&notification, mail, at);
        // Without a subscriber there is nobody to wait for.
        if self.topic.send(Notice { payload, handled }).is_ok() {
            let _ = done.await;
        }
    }
}

/// Hands each notification to `courier` as Lambda does, for as long as it is polled.
pub(crate) async fn deliver(mut subscription: Subscription, courier: latchkey_courier::State) {
    while let Some(Notice { payload, handled }) = subscription.0.recv().await {
        for attempt in 1..=ATTEMPTS {
            match latchkey_courier::invoke(&courier, payload.clone()).await {
                Ok(_) => break,
                Err(error) => tracing::error!(%error, attempt, "a notification failed"),
            }
        }
        let _ = handled.send(());
    }
}

/// What SES says of a mail to this address; nothing if all is well.
fn notification(to: &str, mail: Uuid, at: Timestamp) -> Option<Value> {
    let (local, domain) = to.rsplit_once('@')?;
    if !domain.eq_ignore_ascii_case(SIMULATOR) {
        return None;
    }
    // Behind a plus sign there may be any label.
    let mailbox = local.split('+').next()?.to_ascii_lowercase();
    let mut notification = match mailbox.as_str() {
        "bounce" => json!({
            "eventType": "Bounce",
            "bounce": {
                "feedbackId": format!("{mail}-000000"),
                "bounceType": "Permanent",
                "bounceSubType": "General",
                "bouncedRecipients": [{
                    "emailAddress": to,
                    "action": "failed",
                    "status": "5.1.1",
                    "diagnosticCode": "smtp; 550 5.1.1 user unknown",
                }],
                "timestamp": at,
                "reportingMTA": "dns; local",
            },
        }),
        "complaint" => json!({
            "eventType": "Complaint",
            "complaint": {
                "feedbackId": format!("{mail}-000000"),
                "complaintSubType": null,
                "complainedRecipients": [{ "emailAddress": to }],
                "timestamp": at,
                "userAgent": "Amazon SES Mailbox Simulator",
                "complaintFeedbackType": "abuse",
                "arrivalDate": at,
            },
        }),
        _ => return None,
    };
    notification["mail"] = json!({
        "timestamp": at,
        "messageId": mail,
        "destination": [to],
        "headersTruncated": false,
    });
    Some(notification)
}

/// A notification in SNS's envelope, as Lambda hands it over.
fn payload(notification: &Value, id: Uuid, at: Timestamp) -> Value {
    json!({ "Records": [{
        "EventVersion": "1.0",
        "EventSubscriptionArn": format!("{TOPIC}:{id}"),
        "EventSource": "aws:sns",
        "Sns": {
            "Type": "Notification",
            "MessageId": id,
            "TopicArn": TOPIC,
            "Subject": "Amazon SES Email Event Notification",
            "Message": notification.to_string(),
            "Timestamp": at,
            "SignatureVersion": "1",
            "Signature": "",
            "SigningCertURL": "",
            "UnsubscribeURL": "",
            "MessageAttributes": {},
        },
    }] })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_simulators_addresses_stand_for_trouble_with_any_label() {
        let kind = |to: &str| {
            let told = notification(to, Uuid::nil(), Timestamp::UNIX_EPOCH)?;
            Some(told["eventType"].as_str().unwrap().to_owned())
        };
        for to in [
            "bounce@simulator.amazonses.com",
            "bounce+1@simulator.amazonses.com",
            "Bounce+a.b@Simulator.amazonses.com",
        ] {
            assert_eq!(kind(to).as_deref(), Some("Bounce"), "{to}");
        }
        let to = "complaint+1@simulator.amazonses.com";
        assert_eq!(kind(to).as_deref(), Some("Complaint"));
        for to in [
            "success@simulator.amazonses.com",
            "bounce@example.com",
            "bounced@simulator.amazonses.com",
            "bounce",
        ] {
            assert_eq!(kind(to), None, "{to}");
        }
    }
}
