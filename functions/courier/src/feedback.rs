//! What SES says became of the mails: bounces and complaints, through a topic of SNS.
//!
//! An address that bounced for good, or whose owner called a mail spam, gets no more of them.
//! SES counts both, and suspends who goes on mailing. The same notification can come twice, which
//! marks the address twice and changes nothing.

use jiff::Timestamp;
use latchkey_shared::domain::email::EmailAddress;
use latchkey_shared::store::undeliverable::Reason;
use serde::Deserialize;

use crate::{Failure, State};

/// What SES and SNS say once when they are connected, as text and not as JSON.
const GREETING: &str = "Successfully validated SNS topic";

/// What SES tells of mails and asks nothing of us.
const NEWS: [&str; 9] = [
    "AmazonSnsSubscriptionSucceeded",
    "Click",
    "Delivery",
    "DeliveryDelay",
    "Open",
    "Reject",
    "Rendering Failure",
    "Send",
    "Subscription",
];

/// A notification that is not as SES writes them. It says nothing of what is in it, which may be
/// an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a notification of SES can't be read")]
pub struct Malformed;

/// The messages of a topic as Lambda hands them over.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Notifications {
    records: Vec<Record>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Record {
    sns: Envelope,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Envelope {
    message_id: String,
    message: String,
}

/// What one notification says.
#[derive(Debug, PartialEq, Eq)]
enum Feedback {
    /// These addresses must get no more mail.
    Undeliverable {
        addresses: Vec<EmailAddress>,
        reason: Reason,
        at: Timestamp,
        id: Option<String>,
    },
    /// A mailbox is full, or a server away. SES has tried again for hours; another mail may get
    /// through.
    Transient,
    /// Nothing that anything follows from.
    News,
}

/// An event of a configuration set (`eventType`), or a notification of an identity
/// (`notificationType`): but for that name they are one.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Notification {
    #[serde(alias = "notificationType")]
    event_type: String,
    bounce: Option<Bounce>,
    complaint: Option<Complaint>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bounce {
    #[serde(rename = "bounceType")]
    kind: String,
    bounced_recipients: Vec<Recipient>,
    timestamp: Timestamp,
    feedback_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Complaint {
    complained_recipients: Vec<Recipient>,
    #[serde(rename = "complaintFeedbackType")]
    kind: Option<String>,
    timestamp: Timestamp,
    feedback_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Recipient {
    email_address: String,
}

/// Acts on notifications. One that fails comes again, with those beside it.
pub(crate) async fn take(state: &State, notifications: Notifications) -> Result<(), Failure> {
    for record in notifications.records {
        let Envelope {
            message_id,
            message,
        } = record.sns;
        match read(&message)? {
            Feedback::Undeliverable {
                addresses,
                reason,
                at,
                id,
            } => {
                for address in &addresses {
                    let marked = state.undeliverable.mark(address, reason, at, id.as_deref());
                    marked.await?;
                }
                tracing::warn!(
                    sns.message_id = message_id,
                    ses.feedback_id = id,
                    reason = reason.as_str(),
                    addresses = addresses.len(),
                    "mail.undeliverable"
                );
            }
            Feedback::Transient => {
                tracing::info!(sns.message_id = message_id, "a mail bounced for now");
            }
            Feedback::News => {}
        }
    }
    Ok(())
}

fn read(message: &str) -> Result<Feedback, Malformed> {
    if message.starts_with(GREETING) {
        return Ok(Feedback::News);
    }
    let notification: Notification = serde_json::from_str(message).map_err(|_| Malformed)?;
    match notification.event_type.as_str() {
        "Bounce" => bounce(notification.bounce.ok_or(Malformed)?),
        "Complaint" => complaint(notification.complaint.ok_or(Malformed)?),
        kind if NEWS.contains(&kind) => Ok(Feedback::News),
        _ => Err(Malformed),
    }
}

fn bounce(bounce: Bounce) -> Result<Feedback, Malformed> {
    match bounce.kind.as_str() {
        "Permanent" => Ok(Feedback::Undeliverable {
            addresses: addresses(bounce.bounced_recipients)?,
            reason: Reason::Bounce,
            at: bounce.timestamp,
            id: bounce.feedback_id,
        }),
        "Transient" | "Undetermined" => Ok(Feedback::Transient),
        _ => Err(Malformed),
    }
}

fn complaint(complaint: Complaint) -> Result<Feedback, Malformed> {
    // RFC 6650: somebody took the mail back out of their spam folder.
    if complaint.kind.as_deref() == Some("not-spam") {
        return Ok(Feedback::News);
    }
    Ok(Feedback::Undeliverable {
        addresses: addresses(complaint.complained_recipients)?,
        reason: Reason::Complaint,
        at: complaint.timestamp,
        id: complaint.feedback_id,
    })
}

fn addresses(recipients: Vec<Recipient>) -> Result<Vec<EmailAddress>, Malformed> {
    if recipients.is_empty() {
        return Err(Malformed);
    }
    recipients
        .into_iter()
        .map(|recipient| EmailAddress::try_from(recipient.email_address).map_err(|_| Malformed))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const AT: &str = "2026-08-05T00:41:02.669Z";

    /// A bounce as the developer guide of SES shows it.
    fn bounced(kind: &str) -> Value {
        json!({
            "eventType": "Bounce",
            "bounce": {
                "bounceType": kind,
                "bounceSubType": "General",
                "bouncedRecipients": [{
                    "emailAddress": "Ada@Example.com",
                    "action": "failed",
                    "status": "5.1.1",
                    "diagnosticCode": "smtp; 550 5.1.1 user unknown",
                }],
                "timestamp": AT,
                "feedbackId": "01000157c44f053b-61b59c11",
                "reportingMTA": "dsn; mta.example.com",
            },
            "mail": {
                "timestamp": "2026-08-05T00:40:02.012Z",
                "source": "no-reply@example.com",
                "destination": ["Ada@Example.com"],
                "tags": { "template": ["verify_email"] },
            },
        })
    }

    fn complained(kind: Option<&str>) -> Value {
        json!({
            "eventType": "Complaint",
            "complaint": {
                "userAgent": "ExampleCorp Feedback Loop (V0.01)",
                "complainedRecipients": [{ "emailAddress": "ada@example.com" }],
                "complaintFeedbackType": kind,
                "complaintSubType": null,
                "arrivalDate": AT,
                "timestamp": AT,
                "feedbackId": "01000157c44f053b-61b59c12",
            },
            "mail": {},
        })
    }

    fn feedback(notification: &Value) -> Result<Feedback, Malformed> {
        read(&notification.to_string())
    }

    fn undeliverable(reason: Reason, id: &str) -> Feedback {
        Feedback::Undeliverable {
            addresses: vec!["ada@example.com".parse().unwrap()],
            reason,
            at: AT.parse().unwrap(),
            id: Some(id.to_owned()),
        }
    }

    #[test]
    fn a_permanent_bounce_and_a_complaint_end_the_mailing() {
        let bounce = undeliverable(Reason::Bounce, "01000157c44f053b-61b59c11");
        assert_eq!(feedback(&bounced("Permanent")), Ok(bounce));
        for kind in [None, Some("abuse")] {
            let complaint = undeliverable(Reason::Complaint, "01000157c44f053b-61b59c12");
            assert_eq!(feedback(&complained(kind)), Ok(complaint));
        }
    }

    #[test]
    fn a_notification_of_an_identity_is_read_as_well() {
        let mut notification = bounced("Permanent");
        let kind = notification["eventType"].take();
        notification.as_object_mut().unwrap().remove("eventType");
        notification["notificationType"] = kind;
        assert!(matches!(
            feedback(&notification),
            Ok(Feedback::Undeliverable { .. })
        ));
    }

    #[test]
    fn what_passes_marks_nobody() {
        for kind in ["Transient", "Undetermined"] {
            assert_eq!(feedback(&bounced(kind)), Ok(Feedback::Transient));
        }
        assert_eq!(feedback(&complained(Some("not-spam"))), Ok(Feedback::News));
        for kind in NEWS {
            assert_eq!(feedback(&json!({ "eventType": kind })), Ok(Feedback::News));
        }
        let greeting = "Successfully validated SNS topic for Amazon SES event publishing.";
        assert_eq!(read(greeting), Ok(Feedback::News));
    }

    #[test]
    fn what_is_not_understood_is_an_error_that_quotes_nothing() {
        let mut nobody = bounced("Permanent");
        nobody["bounce"]["bouncedRecipients"] = json!([]);
        let mut no_address = bounced("Permanent");
        no_address["bounce"]["bouncedRecipients"][0]["emailAddress"] = json!("ada");
        let mut no_time = bounced("Permanent");
        no_time["bounce"]["timestamp"] = json!("yesterday");
        for notification in [
            bounced("Novel"),
            nobody,
            no_address,
            no_time,
            json!({ "eventType": "Novel" }),
            json!({ "eventType": "Bounce" }),
            json!({ "eventType": "Complaint" }),
            json!({}),
            json!("ada@example.com"),
            json!([]),
        ] {
            assert_eq!(feedback(&notification), Err(Malformed), "{notification}");
        }
        assert_eq!(read(""), Err(Malformed));
        assert!(!Malformed.to_string().contains('@'));
    }
}
