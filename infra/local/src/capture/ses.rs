//! SES v2 `SendEmail`, with content of the kind `Simple`.

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use super::fault::Fault;
use super::feedback::Feedback;
use crate::inbox::{Channel, Draft, Inbox};

/// The tag of an email that names its template.
const TEMPLATE_TAG: &str = "template";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SendEmail {
    from_email_address: Option<String>,
    #[serde(default)]
    destination: Destination,
    content: Content,
    #[serde(default)]
    email_tags: Vec<Tag>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[expect(clippy::struct_field_names, reason = "the names are those of the API")]
struct Destination {
    to_addresses: Vec<String>,
    cc_addresses: Vec<String>,
    bcc_addresses: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Content {
    simple: Option<Simple>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Simple {
    subject: Text,
    body: Body,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Body {
    text: Option<Text>,
    html: Option<Text>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Text {
    data: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tag {
    name: String,
    value: String,
}

/// Keeps the email for each of its recipients before it is answered; those that the mailbox
/// simulator has a say about have been told of, too.
pub(super) async fn send_email(
    inbox: &Inbox,
    feedback: &Feedback,
    body: &[u8],
) -> Result<Response, Fault> {
    let email: SendEmail = serde_json::from_slice(body)
        .map_err(|error| Fault::bad_request("BadRequestException", error.to_string()))?;
    if email.from_email_address.is_none_or(|from| from.is_empty()) {
        return Err(refused("FromEmailAddress is missing"));
    }
    let simple = email
        .content
        .simple
        .ok_or_else(|| refused("the local stack takes Simple content only"))?;
    let to = email.destination;
    let recipients = [to.to_addresses, to.cc_addresses, to.bcc_addresses].concat();
    if recipients.is_empty() {
        return Err(refused("there is no destination"));
    }
    let template = email
        .email_tags
        .into_iter()
        .find(|tag| tag.name == TEMPLATE_TAG)
        .map(|tag| tag.value)
        .unwrap_or_default();
    let draft = Draft {
        to: String::new(),
        subject: Some(simple.subject.data),
        text: simple.body.text.map(|text| text.data).unwrap_or_default(),
        html: simple.body.html.map(|html| html.data),
        template,
    };
    let mut id = None;
    for to in recipients {
        let draft = Draft {
            to: to.clone(),
            ..draft.clone()
        };
        let kept = inbox.keep(Channel::Email, draft).map_err(Fault::internal)?;
        feedback.simulate(&to, kept).await;
        id = Some(kept);
    }
    let answer = json!({ "MessageId": id }).to_string();
    Ok(([(CONTENT_TYPE, "application/json")], answer).into_response())
}

fn refused(message: &str) -> Fault {
    Fault::bad_request("BadRequestException", message)
}
