//! What holds of every mail, in every language.

use std::collections::BTreeSet;

use aws_config::SdkConfig;
use secrecy::SecretString;

use super::*;
use crate::domain::factor::Method;
use crate::domain::session::Source;
use crate::domain::status::Status;
use crate::domain::token::Purpose;

const CODE: &str = "012345";
const LINK: &str = "abc_DEF-1";

/// The deployment that the tests' mails come from.
fn site() -> Site {
    let env = Env::default()
        .with("APP_NAME", "Tea & Co")
        .with("PUBLIC_URL", "https://id.example.com/");
    Site::open(&env).unwrap()
}

fn source(user_agent: &str) -> Source {
    Source {
        ip: Some("2001:db8::7".parse().unwrap()),
        user_agent: Some(user_agent.to_owned()),
    }
}

/// A mail, the path of its link and whether it has a code.
struct Sample {
    mail: Box<dyn Mail>,
    path: Option<&'static str>,
    has_code: bool,
}

fn sample(mail: impl Mail + 'static) -> Sample {
    Sample {
        mail: Box::new(mail),
        path: None,
        has_code: false,
    }
}

impl Sample {
    fn code(self) -> Self {
        let has_code = true;
        Self { has_code, ..self }
    }

    fn link(self, path: &'static str) -> Self {
        let path = Some(path);
        Self { path, ..self }
    }
}

fn code() -> SecretString {
    SecretString::from(CODE)
}

fn link() -> SecretString {
    SecretString::from(LINK)
}

fn status_changed(status: Status) -> Sample {
    let until = matches!(status, Status::Blocked | Status::Paused);
    let until = until.then(|| "2026-08-21T14:03:59Z".parse().unwrap());
    sample(StatusChanged::of(status, until).unwrap())
}

fn mfa_enabled(method: Method) -> MfaEnabled {
    MfaEnabled {
        at: "2026-08-21T14:03:59Z".parse().unwrap(),
        source: source("Chrome/126.0.0.0"),
        method,
    }
}

fn samples() -> Vec<Sample> {
    let at = "2026-08-21T14:03:59Z".parse().unwrap();
    let source = || source("Chrome/126.0.0.0");
    vec![
        sample(VerifyEmail {
            code: code(),
            link: link(),
        })
        .code()
        .link("verify/email"),
        sample(SignUpRepeated),
        sample(SessionEndedByReuse {
            at,
            source: source(),
        }),
        sample(OneTimeCode { code: code() }).code(),
        sample(ResetPassword {
            code: code(),
            link: link(),
        })
        .code()
        .link("forgot/password"),
        sample(ConfirmNewEmail { code: code() }).code(),
        sample(EmailChanged {
            new: "a***@e***.com".to_owned(),
            undo: link(),
        })
        .link("security/not-me"),
        sample(EmailConfirmed),
        sample(AddressWanted),
        sample(ConfirmPasswordChange { code: code() }).code(),
        sample(PasswordChanged {
            at,
            source: source(),
            not_me: link(),
        })
        .link("security/not-me"),
        sample(StepUpCode { code: code() }).code(),
        sample(PhoneChanged {
            new: "+49*******89".to_owned(),
            undo: link(),
        })
        .link("security/not-me"),
        sample(AccountHeld),
        sample(AccountLocked {
            at,
            source: source(),
        }),
        sample(PasskeyAdded {
            at,
            source: source(),
        }),
        sample(PasskeyRemoved {
            at,
            source: source(),
        }),
        sample(PasskeyCloned {
            at,
            source: source(),
        }),
        sample(SignInCode { code: code() }).code(),
        sample(ConfirmMfaChange { code: code() }).code(),
        sample(mfa_enabled(Method::Totp)),
        sample(MfaDisabled {
            at,
            source: source(),
        }),
        sample(RecoveryCodesMade {
            at,
            source: source(),
        }),
        sample(RecoveryCodeUsed {
            at,
            source: source(),
        }),
        sample(SecondFactorLocked {
            at,
            source: source(),
        }),
        sample(AccountDeleted),
        status_changed(Status::Active),
        status_changed(Status::Blocked),
        status_changed(Status::Paused),
        status_changed(Status::Deactivated),
        status_changed(Status::Banned),
        status_changed(Status::SecurityIssue),
    ]
}

/// Every mail in every language.
fn each(claim: impl Fn(&Sample, Language, &Message)) {
    for sample in samples() {
        for language in Language::ALL {
            let message = sample.mail.write(&site(), language).unwrap();
            claim(&sample, language, &message);
        }
    }
}

fn english(mail: &dyn Mail) -> Message {
    mail.write(&site(), Language::English).unwrap()
}

/// Every run of exactly six digits, as `/\b\d{6}\b/` finds them.
fn six_digit_numbers(text: &str) -> Vec<&str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| word.len() == 6 && word.bytes().all(|b| b.is_ascii_digit()))
        .collect()
}

/// Where the links of an HTML part lead.
fn links(html: &str) -> Vec<&str> {
    html.split("href=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect()
}

#[test]
fn mail_is_not_sent_from_nowhere() {
    let aws = SdkConfig::builder().build();
    let env = Env::default().with("APP_NAME", "Tea");
    let error = Mailer::open(&aws, &env).unwrap_err();
    assert_eq!(error, EnvError::Missing("MAIL_FROM".to_owned()));
}

#[test]
fn each_has_a_template_of_its_own() {
    let templates: BTreeSet<_> = samples()
        .iter()
        .map(|sample| sample.mail.template())
        .collect();
    assert_eq!(templates.len(), samples().len());
}

#[test]
fn the_code_is_the_only_six_digit_number_and_not_in_the_subject() {
    each(|sample, _, message| {
        let expected: &[&str] = if sample.has_code { &[CODE] } else { &[] };
        assert_eq!(six_digit_numbers(&message.text), expected);
        assert_eq!(six_digit_numbers(&message.html), expected);
        assert!(six_digit_numbers(&message.subject).is_empty());
    });
}

#[test]
fn a_code_stands_on_a_line_of_its_own() {
    each(|sample, _, message| {
        let found = message.text.lines().any(|line| line == "Code: 012345");
        assert_eq!(found, sample.has_code, "{}", message.text);
        assert_eq!(message.html.contains(">012345</p>"), sample.has_code);
    });
}

#[test]
fn the_only_link_stands_on_a_line_of_its_own() {
    each(|sample, _, message| {
        let found: Vec<_> = message
            .text
            .lines()
            .filter(|line| line.contains("://"))
            .collect();
        let Some(path) = sample.path else {
            assert!(found.is_empty(), "{found:?}");
            assert!(links(&message.html).is_empty());
            return;
        };
        let link = format!("https://id.example.com/api/auth/{path}?token={LINK}");
        assert_eq!(found, [link.as_str()]);
        assert_eq!(links(&message.html), [link.as_str(), link.as_str()]);
    });
}

#[test]
fn the_html_is_in_the_language_that_it_says() {
    each(|_, language, message| {
        let opening = match language {
            Language::English => "<html lang=\"en\">",
            Language::German => "<html lang=\"de\">",
        };
        assert!(message.html.contains(opening));
    });
    for sample in samples() {
        let [english, german] =
            Language::ALL.map(|language| sample.mail.write(&site(), language).unwrap());
        assert_ne!(english.subject, german.subject);
        for line in english.text.lines() {
            let same = german.text.lines().any(|other| other == line);
            let is_word = line.contains(' ') && !line.contains(':') && line != "Tea & Co";
            assert!(!(same && is_word), "not translated: {line}");
        }
    }
}

#[test]
fn both_parts_say_the_same() {
    each(|_, _, message| {
        for line in message.text.lines().filter(|line| !line.is_empty()) {
            let said = line.replace('&', "&#38;").replace('\'', "&#39;");
            // A fact and a code have their label beside them in the one, apart in the other.
            let (label, value) = said.split_once(": ").unwrap_or(("", &said));
            let apart = message.html.contains(label) && message.html.contains(value);
            assert!(message.html.contains(&said) || apart, "{line}");
        }
        assert!(!message.subject.contains(['\n', '\r', '{']));
        for part in [&message.text, &message.html] {
            assert!(!part.contains(['\u{2068}', '\u{2069}']), "{part}");
        }
    });
}

#[test]
fn the_app_name_is_escaped_in_html_alone() {
    each(|_, _, message| {
        assert!(message.text.contains("Tea & Co"));
        assert!(!message.html.contains("Tea & Co"));
        assert!(message.html.contains("Tea &#38; Co"));
    });
}

#[test]
fn a_mail_reads_like_this() {
    let mail = VerifyEmail {
        code: code(),
        link: link(),
    };
    let message = english(&mail);
    assert_eq!(message.subject, "Confirm your email address for Tea & Co");
    assert_eq!(
        message.text,
        "Confirm your email address\n\n\
         Enter this code where you signed up for Tea & Co:\n\n\
         Code: 012345\n\n\
         Or open this link and press the button there:\n\n\
         https://id.example.com/api/auth/verify/email?token=abc_DEF-1\n\n\
         The code works for 10 minutes and the link for 24 hours after you asked for them. \
         Using one of them ends both.\n\n\
         If you didn't ask for this, ignore this mail: nothing happens without the code or \
         the link, so give them to nobody.\n\n\
         Tea & Co"
    );
    let german = mail.write(&site(), Language::German).unwrap();
    assert!(
        german
            .text
            .contains("Der Code gilt 10 Minuten und der Link 24 Stunden")
    );
}

#[test]
fn they_say_how_long_codes_and_links_live() {
    for (template, lives) in [
        ("verify_email", &["10 minutes", "24 hours"][..]),
        ("otp", &["5 minutes"]),
        ("reset_password", &["10 minutes", "30 minutes"]),
        ("change_email", &["10 minutes"]),
        ("change_password", &["10 minutes"]),
        ("step_up", &["10 minutes"]),
        ("sign_in_code", &["5 minutes"]),
        ("confirm_mfa_change", &["10 minutes"]),
        ("email_changed", &["7 days"]),
        ("phone_changed", &["7 days"]),
        ("password_changed", &["7 days"]),
    ] {
        let samples = samples();
        let sample = samples
            .iter()
            .find(|sample| sample.mail.template() == template);
        let message = english(&*sample.unwrap().mail);
        for life in lives {
            assert!(message.text.contains(life), "{}", message.text);
        }
    }
}

#[test]
fn one_mail_serves_all_codes_that_change_second_factors() {
    let [enable, manage] = [Purpose::EnableFactor, Purpose::ManageMfa].map(Purpose::code_life);
    assert_eq!(enable, manage);
}

#[test]
fn a_new_second_factor_is_named() {
    let names = [
        ("authenticator app", "Authenticator-App"),
        ("mail to you", "per Mail"),
        ("by SMS", "per SMS"),
    ];
    for (method, (english, german)) in Method::ALL.into_iter().zip(names) {
        let mail = mfa_enabled(method);
        let [said, gesagt] =
            Language::ALL.map(|language| mail.write(&site(), language).unwrap().text);
        assert!(said.contains(english), "{said}");
        assert!(gesagt.contains(german), "{gesagt}");
        assert_eq!(
            names.iter().filter(|(name, _)| said.contains(name)).count(),
            1
        );
    }
}

#[test]
fn who_knows_the_password_is_warned_of_where_the_second_factor_is_asked_for() {
    let (at, source) = ("2026-08-21T14:03:59Z".parse().unwrap(), source("curl/8.0"));
    let locked = SecondFactorLocked { at, source };
    for message in [english(&SignInCode { code: code() }), english(&locked)] {
        for part in [message.text, message.html] {
            let part = part.replace("&#39;", "'");
            assert!(part.contains("If it wasn't you, somebody knows your password"));
            assert!(part.to_lowercase().contains("change your password now"));
        }
    }
}

#[test]
fn a_used_recovery_code_says_to_make_new_ones() {
    let (at, source) = ("2026-08-21T14:03:59Z".parse().unwrap(), source("curl/8.0"));
    let message = english(&RecoveryCodeUsed { at, source });
    assert!(message.text.contains("make new ones when few are left"));
    assert!(
        message
            .text
            .contains("make new recovery codes: that ends the old ones")
    );
}

#[test]
fn a_repeated_sign_up_reassures_and_asks_for_nothing() {
    let message = english(&SignUpRepeated);
    for part in [&message.text, &message.html] {
        assert!(part.contains("nothing about it was changed"), "{part}");
        assert!(part.contains("sign in with this address"), "{part}");
    }
}

fn reused(user_agent: &str) -> SessionEndedByReuse {
    SessionEndedByReuse {
        at: "2026-08-21T14:03:59Z".parse().unwrap(),
        source: source(user_agent),
    }
}

#[test]
fn an_ended_session_says_when_and_from_where() {
    let mail = reused("Mozilla/5.0 (X11; Linux x86_64) Chrome/126.0.0.0 Safari/537.36");
    let message = english(&mail);
    for part in [&message.text, &message.html] {
        assert!(part.contains("21 August 2026, 14:03 UTC"), "{part}");
        assert!(part.contains("2001:db8::7"), "{part}");
        assert!(part.contains("Chrome/126.0.0.0 Safari/537.36"), "{part}");
    }
    let german = mail.write(&site(), Language::German).unwrap();
    assert!(german.text.contains("Wann: 21. August 2026, 14:03 UTC\n"));

    let mail = SessionEndedByReuse {
        at: "2027-03-01T00:00:00Z".parse().unwrap(),
        source: Source {
            ip: None,
            user_agent: None,
        },
    };
    let german = mail.write(&site(), Language::German).unwrap();
    assert!(german.text.contains(
        "Wann: 1. März 2027, 00:00 UTC\nVon: einer unbekannten Adresse\nAngegebenes Gerät: keines\n"
    ));
}

#[test]
fn a_hostile_client_brings_neither_markup_nor_lines_nor_links() {
    let message = english(&reused(
        "</dd><script>x</script>\r\n\r\nWe lost your password:\u{202e} \
         https://evil.example/x www.evil.example mallory@evil.example",
    ));
    assert!(!message.html.contains("<script"));
    assert!(message.html.contains("&#60;script&#62;"));
    let line = "What it said it was: </dd><script>x</script> We lost your password: \
                https: //evil. example/x www. evil. example mallory@evil. example";
    let found = message.text.lines().any(|text| text == line);
    assert!(found, "{}", message.text);
}
