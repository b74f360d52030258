//! The code and the link that show whose an address is.

use askama::Template;
use secrecy::{ExposeSecret, SecretString};

use super::{Mail, Message, Site};
use crate::domain::token::Purpose;

/// Asks somebody to show that an address is theirs.
#[derive(Debug)]
pub struct VerifyEmail {
    /// The code to type.
    pub code: SecretString,
    /// The secret part of the link.
    pub link: SecretString,
}

#[derive(Template)]
#[template(path = "mail/verify_email.html")]
struct Html<'a> {
    subject: &'a str,
    app_name: &'a str,
    code: &'a str,
    link: &'a str,
    code_minutes: i64,
    link_hours: i64,
}

#[derive(Template)]
#[template(path = "mail/verify_email.txt")]
struct Text<'a> {
    app_name: &'a str,
    code: &'a str,
    link: &'a str,
    code_minutes: i64,
    link_hours: i64,
}

impl Mail for VerifyEmail {
    fn template(&self) -> &'static str {
        "verify_email"
    }

    fn write(&self, site: &Site) -> Result<Message, askama::Error> {
        let app_name = site.app_name.as_str();
        let code = self.code.expose_secret();
        let link = format!(
            "{}/api/auth/verify/email?token={}",
            site.public_url,
            self.link.expose_secret()
        );
        let code_minutes = Purpose::VerifyEmail.code_life().as_mins();
        let link_hours = Purpose::VerifyEmail.link_life().as_hours();
        // The code stays out of the subject, which lock screens show.
        let subject = format!("Confirm your email address for {app_name}");
        let html = Html {
            subject: &subject,
            app_name,
            code,
            link: &link,
            code_minutes,
            link_hours,
        }
        .render()?;
        let text = Text {
            app_name,
            code,
            link: &link,
            code_minutes,
            link_hours,
        }
        .render()?;
        Ok(Message {
            subject,
            text,
            html,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{links, site, six_digit_numbers};
    use super::*;

    fn message() -> Message {
        let mail = VerifyEmail {
            code: SecretString::from("012345"),
            link: SecretString::from("abc_DEF-1"),
        };
        mail.write(&site()).unwrap()
    }

    #[test]
    fn the_code_is_the_only_six_digit_number() {
        let message = message();
        assert_eq!(six_digit_numbers(&message.text), ["012345"]);
        assert_eq!(six_digit_numbers(&message.html), ["012345"]);
        assert!(six_digit_numbers(&message.subject).is_empty());
    }

    #[test]
    fn code_and_link_stand_on_lines_of_their_own() {
        let message = message();
        let lines: Vec<_> = message.text.lines().collect();
        assert!(lines.contains(&"Code: 012345"), "{lines:?}");
        let link = "https://id.example.com/api/auth/verify/email?token=abc_DEF-1";
        assert!(lines.contains(&link), "{lines:?}");
        assert_eq!(links(&message.html), [link, link]);
    }

    #[test]
    fn it_says_how_long_each_lives() {
        let message = message();
        for part in [&message.text, &message.html] {
            assert!(part.contains("10 minutes"), "{part}");
            assert!(part.contains("24 hours"), "{part}");
        }
    }

    #[test]
    fn the_app_name_is_escaped_in_html_alone() {
        let message = message();
        assert!(message.text.contains("signed up for Tea & Co:"));
        assert!(!message.html.contains("Tea & Co"));
        assert!(message.html.contains("Tea &#38; Co"));
    }
}
