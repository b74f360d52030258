//! Records of the stream's API as Lambda hands them to functions.

use aws_lambda_events::event::dynamodb::EventRecord;
use aws_sdk_dynamodbstreams::types::{AttributeValue, Record, StreamRecord};
use serde_json::{Value, json};

/// The record in the JSON that Lambda sends, read back as the function's own type: the very way
/// that it takes on AWS.
pub(super) fn to_event(record: Record, stream_arn: &str) -> Result<EventRecord, serde_json::Error> {
    let event = json!({
        "eventID": record.event_id,
        "eventName": record.event_name.map(|name| name.as_str().to_owned()),
        "eventVersion": record.event_version,
        "eventSource": record.event_source,
        "awsRegion": record.aws_region,
        "eventSourceARN": stream_arn,
        "dynamodb": record.dynamodb.map(change),
    });
    serde_json::from_value(event)
}

fn change(change: StreamRecord) -> Value {
    let at = change.approximate_creation_date_time;
    let mut object = json!({
        "ApproximateCreationDateTime": at.map(|time| time.secs()),
        "Keys": image(change.keys),
        "SequenceNumber": change.sequence_number,
        "SizeBytes": change.size_bytes,
        "StreamViewType": change.stream_view_type.map(|view| view.as_str().to_owned()),
    });
    for (name, value) in [
        ("NewImage", change.new_image),
        ("OldImage", change.old_image),
    ] {
        if value.is_some() {
            object[name] = image(value);
        }
    }
    object
}

fn image(image: Option<std::collections::HashMap<String, AttributeValue>>) -> Value {
    let item = image.map(serde_dynamo::Item::from);
    serde_json::to_value(item).unwrap_or_default()
}
