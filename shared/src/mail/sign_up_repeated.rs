//! News for the owner of an address that somebody tried to sign up with again.

use askama::Template;

use super::{Mail, Message, Site};

/// Tells the owner of an account that its address was used for another sign-up.
#[derive(Debug)]
pub struct SignUpRepeated;

#[derive(Template)]
#[template(path = "mail/sign_up_repeated.html")]
struct Html<'a> {
    subject: &'a str,
    app_name: &'a str,
}

#[derive(Template)]
#[template(path = "mail/sign_up_repeated.txt")]
struct Text<'a> {
    app_name: &'a str,
}

impl Mail for SignUpRepeated {
    fn template(&self) -> &'static str {
        "sign_up_repeated"
    }

    fn write(&self, site: &Site) -> Result<Message, askama::Error> {
        let app_name = site.app_name.as_str();
        let subject = format!("You already have an account at {app_name}");
        let html = Html {
            subject: &subject,
            app_name,
        }
        .render()?;
        let text = Text { app_name }.render()?;
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

    #[test]
    fn it_reassures_and_asks_for_nothing() {
        let message = SignUpRepeated.write(&site()).unwrap();
        for part in [&message.text, &message.html] {
            assert!(part.contains("nothing about it was changed"), "{part}");
            assert!(part.contains("sign in with this address"), "{part}");
            assert!(six_digit_numbers(part).is_empty(), "{part}");
        }
        assert!(links(&message.html).is_empty());
        assert!(!message.text.contains("://"));
    }
}
