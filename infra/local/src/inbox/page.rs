//! `GET /dev/inbox` as a page for people.

use askama::Template;
use jiff::tz::TimeZone;
use uuid::Uuid;

use super::{Channel, Message};

/// What the HTML part of a mail may do when it is opened alone: look as it does, and open links.
/// The sandbox takes scripts, forms and this server's origin from it.
pub(crate) const MAIL_POLICY: &str = "sandbox allow-popups allow-popups-to-escape-sandbox; \
     default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'self'";

/// The page. The template escapes everything; an email's HTML is shown in a frame that can
/// neither run scripts nor reach this page.
#[derive(Template)]
#[template(path = "inbox.html")]
pub(crate) struct Page {
    app_name: String,
    nonce: String,
    entries: Vec<Entry>,
}

struct Entry {
    id: Uuid,
    channel: &'static str,
    to: String,
    subject: String,
    template: String,
    at: String,
    text: String,
    document: Option<String>,
}

impl Page {
    /// The page of these messages, which come oldest first and are shown newest first. Only the
    /// script that carries `nonce` may run.
    pub(crate) fn new(app_name: &str, nonce: &str, messages: Vec<Message>) -> Self {
        Self {
            app_name: app_name.to_owned(),
            nonce: nonce.to_owned(),
            entries: messages.into_iter().rev().map(Entry::of).collect(),
        }
    }

    /// What the page may do: run its one script, and ask this server.
    pub(crate) fn content_security_policy(nonce: &str) -> String {
        format!(
            "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'unsafe-inline'; \
             img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
             frame-ancestors 'self'"
        )
    }
}

impl Entry {
    fn of(message: Message) -> Self {
        let at = message.at.to_zoned(TimeZone::UTC);
        let untitled = match message.channel {
            Channel::Email => "(no subject)",
            Channel::Sms => "Text message",
        };
        Self {
            id: message.id,
            channel: match message.channel {
                Channel::Email => "Email",
                Channel::Sms => "SMS",
            },
            to: message.to,
            subject: message.subject.unwrap_or_else(|| untitled.to_owned()),
            template: message.template,
            at: at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
            text: message.text,
            // Links open beside the inbox: inside the frame the target page would refuse to show.
            document: message
                .html
                .map(|html| format!("<base target=\"_blank\">{html}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(subject: &str, html: Option<&str>) -> Message {
        Message {
            id: Uuid::nil(),
            channel: Channel::Email,
            to: "a@example.com".into(),
            subject: Some(subject.into()),
            text: "Your code".into(),
            html: html.map(Into::into),
            template: "verify_email".into(),
            at: "2026-01-02T03:04:05.678Z".parse().unwrap(),
        }
    }

    #[test]
    fn a_mail_can_t_break_out_of_its_frame() {
        let evil = "\"></iframe><script>alert(1)</script>";
        let page = Page::new("App", "n", vec![message(evil, Some(evil))])
            .render()
            .unwrap();
        assert!(!page.contains("<script>alert"), "{page}");
        assert!(!page.contains("\"></iframe><"), "{page}");
        assert!(page.contains("sandbox="));
    }

    #[test]
    fn an_sms_is_shown_as_its_text() {
        let sms = Message {
            channel: Channel::Sms,
            subject: None,
            text: "<b>Your</b> code".into(),
            ..message("", None)
        };
        let page = Page::new("App", "n", vec![sms]).render().unwrap();
        assert!(page.contains("SMS to <strong>a@example.com</strong>"));
        assert!(page.contains("<p class=\"sms\">&#60;b&#62;Your&#60;/b&#62; code</p>"));
        assert!(!page.contains("<iframe"));
    }

    #[test]
    fn the_newest_mail_comes_first() {
        let page = Page::new(
            "App",
            "n",
            vec![message("older", None), message("newer", None)],
        );
        let page = page.render().unwrap();
        assert!(page.find("newer").unwrap() < page.find("older").unwrap());
        assert!(page.contains("2026-01-02 03:04:05 UTC"));
    }
}
