//! What Lambda invokes the function with: events of the table's stream, or notifications of SES.

use aws_lambda_events::event::dynamodb::Event as Batch;
use serde_json::Value;

use crate::feedback::Notifications;

/// One invocation.
#[derive(Debug)]
pub(crate) enum Invocation {
    /// Changes of the `events` table.
    Stream(Batch),
    /// What became of mails.
    Feedback(Notifications),
}

/// An invocation of neither kind. It says nothing of what is in it, which may be an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the invocation is neither a batch of a stream nor a notification")]
pub struct Unknown;

impl Invocation {
    /// Tells them apart by the service that the first record names; Lambda never mixes two in
    /// one invocation. The services spell the member in two ways.
    pub(crate) fn read(payload: Value) -> Result<Self, Unknown> {
        let first = &payload["Records"][0];
        match (first["eventSource"].as_str(), first["EventSource"].as_str()) {
            (Some("aws:dynamodb"), None) => serde_json::from_value(payload)
                .map(Self::Stream)
                .map_err(|_| Unknown),
            (None, Some("aws:sns")) => serde_json::from_value(payload)
                .map(Self::Feedback)
                .map_err(|_| Unknown),
            _ => Err(Unknown),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// As AWS's documents show it.
    fn stream() -> Value {
        json!({ "Records": [{
            "eventID": "c4ca4238a0b923820dcc509a6f75849b",
            "eventName": "INSERT",
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": "us-east-1",
            "dynamodb": {
                "ApproximateCreationDateTime": 1_479_499_740.5,
                "Keys": { "Id": { "N": "101" } },
                "NewImage": { "Message": { "S": "New item!" }, "Id": { "N": "101" } },
                "SequenceNumber": "4421584500000000017450439091",
                "SizeBytes": 26,
                "StreamViewType": "NEW_IMAGE",
            },
            "eventSourceARN": "arn:aws:dynamodb:us-east-1:123456789012:table/t/stream/1",
        }] })
    }

    fn notification() -> Value {
        json!({ "Records": [{
            "EventVersion": "1.0",
            "EventSubscriptionArn": "arn:aws:sns:us-east-1:123456789012:feedback:82833b5c",
            "EventSource": "aws:sns",
            "Sns": {
                "Type": "Notification",
                "MessageId": "82833b5c-8d5d-56d0-b0e1-7511f8253eb8",
                "TopicArn": "arn:aws:sns:us-east-1:123456789012:feedback",
                "Subject": null,
                "Message": "{}",
                "Timestamp": "2015-08-18T18:02:32.111Z",
                "SignatureVersion": "1",
                "Signature": "e+khMfZriwAOTkF0OVm3tmdVq9eY6s5Bj6rXZty4B2TYssx7SSSBpvsDCiDuzgeHe==",
                "SigningCertURL": "https://sns.us-east-1.amazonaws.com/cert.pem",
                "UnsubscribeURL": "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe",
                "MessageAttributes": {},
            },
        }] })
    }

    #[test]
    fn streams_and_notifications_are_told_apart() {
        let Ok(Invocation::Stream(batch)) = Invocation::read(stream()) else {
            panic!("a batch");
        };
        assert_eq!(batch.records.len(), 1);
        assert!(matches!(
            Invocation::read(notification()),
            Ok(Invocation::Feedback(_))
        ));
    }

    #[test]
    fn what_is_neither_is_an_error() {
        let mut queue = stream();
        queue["Records"][0]["eventSource"] = json!("aws:sqs");
        let mut both = stream();
        both["Records"][0]["EventSource"] = json!("aws:sns");
        let mut hollow = notification();
        hollow["Records"][0]["Sns"] = json!("ada@example.com");
        let mut mixed = notification();
        let records = mixed["Records"].as_array_mut().unwrap();
        records.push(stream()["Records"][0].clone());
        for payload in [
            queue,
            both,
            hollow,
            mixed,
            json!({ "Records": [] }),
            json!({}),
            json!(null),
            json!("aws:sns"),
        ] {
            assert_eq!(
                Invocation::read(payload.clone()).err(),
                Some(Unknown),
                "{payload}"
            );
        }
        assert!(!Unknown.to_string().contains('@'));
    }
}
