//! Records of the stream's API as Lambda hands them to functions.

use std::collections::HashMap;

use aws_lambda_events::event::dynamodb::EventRecord;
use aws_sdk_dynamodbstreams::types::{AttributeValue, Record, StreamRecord};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
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
    let mut object = json!({
        "Keys": image(change.keys),
        "SequenceNumber": change.sequence_number,
        "SizeBytes": change.size_bytes,
        "StreamViewType": change.stream_view_type.map(|view| view.as_str().to_owned()),
    });
    if let Some(at) = change.approximate_creation_date_time {
        object["ApproximateCreationDateTime"] = json!(at.secs());
    }
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

fn image(image: Option<HashMap<String, AttributeValue>>) -> Value {
    members(&image.unwrap_or_default())
}

fn members(map: &HashMap<String, AttributeValue>) -> Value {
    map.iter()
        .map(|(name, value)| (name.clone(), attribute(value)))
        .collect()
}

/// An attribute in DynamoDB's JSON. The SDK has a writer for it, and keeps it to itself.
fn attribute(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::B(bytes) => json!({ "B": STANDARD.encode(bytes) }),
        AttributeValue::Bool(value) => json!({ "BOOL": value }),
        AttributeValue::Bs(set) => {
            let set: Vec<_> = set.iter().map(|bytes| STANDARD.encode(bytes)).collect();
            json!({ "BS": set })
        }
        AttributeValue::L(list) => {
            let list: Vec<_> = list.iter().map(attribute).collect();
            json!({ "L": list })
        }
        AttributeValue::M(map) => json!({ "M": members(map) }),
        AttributeValue::N(number) => json!({ "N": number }),
        AttributeValue::Ns(set) => json!({ "NS": set }),
        AttributeValue::S(text) => json!({ "S": text }),
        AttributeValue::Ss(set) => json!({ "SS": set }),
        // Null; and what a later API may add, which nothing here writes.
        _ => json!({ "NULL": true }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_attribute_arrives_as_it_was_written() {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let inner = HashMap::from([("deep".to_owned(), AttributeValue::L(vec![text("x")]))]);
        let new_image = HashMap::from([
            ("text".to_owned(), text("t")),
            ("number".to_owned(), AttributeValue::N("12".to_owned())),
            ("yes".to_owned(), AttributeValue::Bool(true)),
            ("nothing".to_owned(), AttributeValue::Null(true)),
            ("map".to_owned(), AttributeValue::M(inner)),
            ("set".to_owned(), AttributeValue::Ss(vec!["one".to_owned()])),
        ]);
        let change = StreamRecord::builder()
            .set_new_image(Some(new_image))
            .sequence_number("7")
            .size_bytes(1)
            .build();
        let record = Record::builder()
            .event_id("id")
            .event_name("INSERT".into())
            .aws_region("eu-west-1")
            .dynamodb(change)
            .build();
        let event = to_event(record, "arn").unwrap();
        assert_eq!(event.event_name, "INSERT");
        assert_eq!(event.event_source_arn.as_deref(), Some("arn"));
        assert_eq!(event.change.sequence_number.as_deref(), Some("7"));
        assert!(event.change.old_image.is_empty());
        let row: Value = serde_dynamo::from_item(event.change.new_image).unwrap();
        let expected = json!({
            "text": "t", "number": 12, "yes": true, "nothing": null,
            "map": { "deep": ["x"] }, "set": ["one"],
        });
        assert_eq!(row, expected);
    }
}
