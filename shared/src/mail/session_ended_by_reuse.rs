//! News for the owner of a session that was ended because its refresh token came back.

use askama::Template;
use jiff::Timestamp;

use super::{Mail, Message, Site};
use crate::domain::session::Source;

/// How much is shown of what a client calls itself. Honest ones say what matters before it.
const MAX_CLIENT_LENGTH: usize = 120;

/// Tells the owner of a session that it was ended, and what came with the used-up token.
#[derive(Debug)]
pub struct SessionEndedByReuse {
    /// When the token came.
    pub at: Timestamp,
    /// Where it came from.
    pub source: Source,
}

#[derive(Template)]
#[template(path = "mail/session_ended_by_reuse.html")]
struct Html<'a> {
    subject: &'a str,
    app_name: &'a str,
    when: &'a str,
    ip: &'a str,
    client: &'a str,
}

#[derive(Template)]
#[template(path = "mail/session_ended_by_reuse.txt")]
struct Text<'a> {
    app_name: &'a str,
    when: &'a str,
    ip: &'a str,
    client: &'a str,
}

impl Mail for SessionEndedByReuse {
    fn template(&self) -> &'static str {
        "session_ended_by_reuse"
    }

    fn write(&self, site: &Site) -> Result<Message, askama::Error> {
        let app_name = site.app_name.as_str();
        let when = self.at.strftime("%-d %B %Y, %H:%M UTC").to_string();
        let ip = self
            .source
            .ip
            .map_or_else(|| "an unknown address".to_owned(), |ip| ip.to_string());
        let client = client(self.source.user_agent.as_deref());
        let subject = format!("We signed one of your devices out of {app_name}");
        let html = Html {
            subject: &subject,
            app_name,
            when: &when,
            ip: &ip,
            client: &client,
        }
        .render()?;
        let text = Text {
            app_name,
            when: &when,
            ip: &ip,
            client: &client,
        }
        .render()?;
        Ok(Message {
            subject,
            text,
            html,
        })
    }
}

/// What a client calls itself, fit to be shown.
///
/// A thief chooses this text and the victim reads it: it must not bring lines of its own, nor
/// anything that mail programs turn into a link. They make links of `https://…`, of addresses and
/// of any `name.tld`, so a dot before a letter and a colon before a slash are followed by a space.
fn client(user_agent: Option<&str>) -> String {
    let mut shown = String::new();
    let mut before = ' ';
    for c in user_agent.unwrap_or_default().chars() {
        let c = if c.is_ascii_graphic() { c } else { ' ' };
        let would_link = (before == '.' && c.is_ascii_alphabetic()) || (before == ':' && c == '/');
        if would_link {
            shown.push(' ');
        }
        if c != ' ' || before != ' ' {
            shown.push(c);
        }
        before = c;
    }
    shown.truncate(MAX_CLIENT_LENGTH);
    match shown.trim() {
        "" => "nothing".to_owned(),
        shown => shown.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::site;
    use super::*;

    fn message(user_agent: &str) -> Message {
        let mail = SessionEndedByReuse {
            at: "2026-08-21T14:03:59Z".parse().unwrap(),
            source: Source {
                ip: Some("2001:db8::7".parse().unwrap()),
                user_agent: Some(user_agent.to_owned()),
            },
        };
        mail.write(&site()).unwrap()
    }

    #[test]
    fn it_says_when_and_from_where() {
        let message = message("Mozilla/5.0 (X11; Linux x86_64) Chrome/126.0.0.0 Safari/537.36");
        for part in [&message.text, &message.html] {
            assert!(part.contains("21 August 2026, 14:03 UTC"), "{part}");
            assert!(part.contains("2001:db8::7"), "{part}");
            assert!(part.contains("Chrome/126.0.0.0 Safari/537.36"), "{part}");
        }
    }

    #[test]
    fn a_hostile_client_brings_neither_markup_nor_lines_nor_links() {
        let message = message(
            "</dd><script>x</script>\r\n\r\nWe lost your password:\u{202e} \
             https://evil.example/x www.evil.example mallory@evil.example",
        );
        assert!(!message.html.contains("<script"));
        assert!(message.html.contains("&#60;script&#62;"));
        let line = "What it said it was: </dd><script>x</script> We lost your password: \
                    https: //evil. example/x www. evil. example mallory@evil. example";
        assert!(
            message.text.lines().any(|text| text == line),
            "{}",
            message.text
        );
    }

    #[test]
    fn what_a_client_calls_itself_is_cut() {
        assert_eq!(client(Some(&"a".repeat(10_000))), "a".repeat(120));
        assert_eq!(client(Some(&"é".repeat(10_000))), "nothing");
        assert_eq!(client(None), "nothing");
    }
}
