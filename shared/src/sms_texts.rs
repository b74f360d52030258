//! What is written in SMS.
//!
//! One segment each, so no more than 160 characters of the GSM alphabet, and no link: in a text
//! from a number that anybody can forge, a link teaches people to follow the next one.

use secrecy::{ExposeSecret, SecretString};

use crate::domain::locale::Language;
use crate::domain::token::Purpose;
use crate::words::{Words, WordsError};

/// Something to tell somebody by SMS.
pub trait SmsText: Send + Sync {
    /// The name of its template, by which logs tell texts apart.
    fn template(&self) -> &'static str;

    /// Writes it in this language, with the name of the app.
    fn write(&self, app_name: &str, language: Language) -> Result<String, WordsError>;
}

/// The code that somebody asked for to show that a number, or the account that has it, is theirs.
#[derive(Debug)]
pub struct OneTimeCodeSms {
    /// The code to type.
    pub code: SecretString,
    /// What it is for, which says how long it lives.
    pub purpose: Purpose,
}

/// The code that shows that the number somebody chose is theirs; it goes to that number.
#[derive(Debug)]
pub struct ConfirmNewPhone {
    /// The code to type.
    pub code: SecretString,
}

/// Tells a number that another has taken its place.
#[derive(Debug)]
pub struct PhoneChangedSms;

impl SmsText for OneTimeCodeSms {
    fn template(&self) -> &'static str {
        "otp_sms"
    }

    fn write(&self, app_name: &str, language: Language) -> Result<String, WordsError> {
        Words::of(language, app_name)
            .with("code", self.code.expose_secret())
            .with("minutes", self.purpose.code_life().as_mins())
            .message(self.template())
    }
}

impl SmsText for ConfirmNewPhone {
    fn template(&self) -> &'static str {
        "change_phone"
    }

    fn write(&self, app_name: &str, language: Language) -> Result<String, WordsError> {
        Words::of(language, app_name)
            .with("code", self.code.expose_secret())
            .with("minutes", Purpose::ChangePhone.code_life().as_mins())
            .message(self.template())
    }
}

impl SmsText for PhoneChangedSms {
    fn template(&self) -> &'static str {
        "phone_changed_sms"
    }

    fn write(&self, app_name: &str, language: Language) -> Result<String, WordsError> {
        Words::of(language, app_name).message(self.template())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The characters of GSM 03.38 that take one septet, but for Greek capitals.
    const GSM: &str = "@£$¥èéùìòÇ\nØø\rÅåÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡\
                       ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà_";

    fn otp(purpose: Purpose) -> OneTimeCodeSms {
        let code = SecretString::from("012345");
        OneTimeCodeSms { code, purpose }
    }

    fn texts() -> Vec<(Box<dyn SmsText>, &'static [&'static str])> {
        let code = || SecretString::from("012345");
        vec![
            (Box::new(otp(Purpose::Otp)), &["012345"]),
            (Box::new(otp(Purpose::ManageMfa)), &["012345"]),
            (Box::new(ConfirmNewPhone { code: code() }), &["012345"]),
            (Box::new(PhoneChangedSms), &[]),
        ]
    }

    #[test]
    fn each_fits_into_one_segment_in_every_language() {
        for (text, _) in texts() {
            for language in Language::ALL {
                let written = text.write("Latchkey", language).unwrap();
                assert!(written.chars().all(|c| GSM.contains(c)), "{written}");
                assert!(written.chars().count() <= 160, "{written}");
            }
        }
    }

    #[test]
    fn the_code_is_the_only_six_digit_number_and_there_are_no_links() {
        for (text, codes) in texts() {
            for language in Language::ALL {
                let written = text.write("Latchkey", language).unwrap();
                let found: Vec<_> = written
                    .split(|c: char| !c.is_alphanumeric())
                    .filter(|word| word.len() == 6 && word.bytes().all(|b| b.is_ascii_digit()))
                    .collect();
                assert_eq!(found, codes, "{written}");
                assert!(!written.contains("://"), "{written}");
            }
        }
    }

    #[test]
    fn they_are_told_apart_and_say_how_long_a_code_lives() {
        let [otp, managing, change, changed] = texts().try_into().ok().unwrap();
        let write =
            |(text, _): &(Box<dyn SmsText>, _), language| text.write("Latchkey", language).unwrap();
        assert_eq!(
            write(&otp, Language::English),
            "Latchkey: your code is 012345. It works for 5 minutes. Give it to nobody."
        );
        assert!(write(&managing, Language::English).contains("for 10 minutes"));
        assert_eq!(
            write(&change, Language::German),
            "Latchkey: 012345 bestätigt Ihre neue Nummer. Der Code gilt 10 Minuten lang. \
             Geben Sie ihn an niemanden weiter."
        );
        assert!(write(&changed, Language::English).contains("another phone number"));
    }
}
