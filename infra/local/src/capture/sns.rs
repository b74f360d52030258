//! SNS `Publish` to a phone number, in the Query protocol.

use std::collections::HashMap;

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use url::form_urlencoded;

use super::fault::Fault;
use crate::inbox::{Channel, Draft, Inbox};

/// The attribute of an SMS that names its template.
const TEMPLATE_ATTRIBUTE: &str = "template";

/// The longest text that SNS takes, in characters.
const MAX_TEXT: usize = 1600;

/// Answers a call of SNS.
pub(super) fn call(inbox: &Inbox, body: &[u8]) -> Result<Response, Fault> {
    let form: HashMap<String, String> = form_urlencoded::parse(body).into_owned().collect();
    match form.get("Action").map(String::as_str) {
        Some("Publish") => publish(inbox, form),
        action => Err(Fault::unknown_operation(action.unwrap_or("(none)"))),
    }
}

/// Keeps the SMS before it is answered.
fn publish(inbox: &Inbox, mut form: HashMap<String, String>) -> Result<Response, Fault> {
    let template = attribute(&form, TEMPLATE_ATTRIBUTE).unwrap_or_default();
    let kind = attribute(&form, "AWS.SNS.SMS.SMSType");
    if kind.is_some_and(|kind| !matches!(kind.as_str(), "Transactional" | "Promotional")) {
        return Err(refused("SMSType"));
    }
    let to = form
        .remove("PhoneNumber")
        .filter(|number| is_e164(number))
        .ok_or_else(|| refused("PhoneNumber"))?;
    let text = form
        .remove("Message")
        .filter(|text| !text.is_empty() && text.chars().count() <= MAX_TEXT)
        .ok_or_else(|| refused("Message"))?;
    let draft = Draft {
        to,
        text,
        template,
        ..Draft::default()
    };
    let id = inbox.keep(Channel::Sms, draft).map_err(Fault::internal)?;
    let answer = format!(
        "<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><PublishResult>\
         <MessageId>{id}</MessageId></PublishResult><ResponseMetadata><RequestId>{id}</RequestId>\
         </ResponseMetadata></PublishResponse>"
    );
    Ok(([(CONTENT_TYPE, "text/xml")], answer).into_response())
}

/// The attribute of this name, by whatever number it goes.
fn attribute(form: &HashMap<String, String>, name: &str) -> Option<String> {
    let entry = form
        .iter()
        .find(|(key, value)| {
            key.starts_with("MessageAttributes.entry.") && key.ends_with(".Name") && *value == name
        })
        .and_then(|(key, _)| key.strip_suffix(".Name"))?;
    form.get(&format!("{entry}.Value.StringValue")).cloned()
}

fn is_e164(number: &str) -> bool {
    number.strip_prefix('+').is_some_and(|digits| {
        (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

fn refused(parameter: &str) -> Fault {
    Fault::bad_request(
        "InvalidParameter",
        format!("Invalid parameter: {parameter}"),
    )
}
