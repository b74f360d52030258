//! The words that people read, in each language that the service writes.
//!
//! They stand in the catalogues of `shared/locales` (Project Fluent): the same messages in each,
//! named after the template of a mail or SMS.

use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentError, FluentResource, FluentValue};

use crate::domain::locale::Language;

/// Why there are no words. It names messages and variables, never their values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WordsError {
    /// The catalogue lacks the message.
    #[error("no message {message} in language {language}")]
    Missing {
        /// The message, with its attribute after a dot.
        message: String,
        /// The language's tag.
        language: &'static str,
    },
    /// The message uses what it was not given.
    #[error("message {message} in language {language} can't be filled in")]
    Unfit {
        /// The message, with its attribute after a dot.
        message: String,
        /// The language's tag.
        language: &'static str,
        /// The first thing that it lacks.
        #[source]
        lacks: Option<FluentError>,
    },
}

type Catalogue = FluentBundle<FluentResource>;

static ENGLISH: LazyLock<Catalogue> =
    LazyLock::new(|| catalogue(Language::English, include_str!("../locales/en.ftl")));
static GERMAN: LazyLock<Catalogue> =
    LazyLock::new(|| catalogue(Language::German, include_str!("../locales/de.ftl")));

/// Reads a catalogue. What can't be read of it is missing when it is asked for; a test holds that
/// nothing is.
fn catalogue(language: Language, source: &str) -> Catalogue {
    let resource = match FluentResource::try_new(source.to_owned()) {
        Ok(resource) | Err((resource, _)) => resource,
    };
    let locale = language.tag().parse().unwrap_or_default();
    let mut catalogue = Catalogue::new_concurrent(vec![locale]);
    // The marks would stand in codes and links, and nothing here is written right to left.
    catalogue.set_use_isolating(false);
    catalogue.add_resource_overriding(resource);
    catalogue
}

/// The words of one language, with what is to be filled in.
pub(crate) struct Words<'a> {
    language: Language,
    given: FluentArgs<'a>,
}

impl<'a> Words<'a> {
    /// The words of this language, in which `$app` is the name of the app.
    pub(crate) fn of(language: Language, app_name: &'a str) -> Self {
        let given = FluentArgs::new();
        Self { language, given }.with("app", app_name)
    }

    /// With this value for a variable.
    pub(crate) fn with(mut self, variable: &'a str, value: impl Into<FluentValue<'a>>) -> Self {
        self.given.set(variable, value);
        self
    }

    /// The value of this message.
    pub(crate) fn message(&self, id: &str) -> Result<String, WordsError> {
        self.write(id, None)
    }

    /// An attribute of this message.
    pub(crate) fn attribute(&self, id: &str, attribute: &str) -> Result<String, WordsError> {
        self.write(id, Some(attribute))
    }

    fn write(&self, id: &str, attribute: Option<&str>) -> Result<String, WordsError> {
        let language = self.language.tag();
        let name = || match attribute {
            None => id.to_owned(),
            Some(attribute) => format!("{id}.{attribute}"),
        };
        let catalogue = match self.language {
            Language::English => &*ENGLISH,
            Language::German => &*GERMAN,
        };
        let message = catalogue.get_message(id);
        let pattern = message.and_then(|message| match attribute {
            None => message.value(),
            Some(attribute) => message.get_attribute(attribute).map(|found| found.value()),
        });
        let Some(pattern) = pattern else {
            let message = name();
            return Err(WordsError::Missing { message, language });
        };
        let mut errors = Vec::new();
        let words = catalogue.format_pattern(pattern, Some(&self.given), &mut errors);
        if errors.is_empty() {
            return Ok(words.into_owned());
        }
        Err(WordsError::Unfit {
            message: name(),
            language,
            lacks: errors.into_iter().next(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    const CATALOGUES: [&str; 2] = [
        include_str!("../locales/en.ftl"),
        include_str!("../locales/de.ftl"),
    ];

    /// Each message and attribute of a catalogue, with the variables and messages that it uses.
    fn uses(source: &str) -> BTreeMap<String, BTreeSet<String>> {
        let mut uses = BTreeMap::new();
        let (mut message, mut current) = (String::new(), String::new());
        for line in source.lines().filter(|line| !line.starts_with('#')) {
            if let Some((name, _)) = line.split_once(" = ") {
                if let Some(attribute) = name.trim_start().strip_prefix('.') {
                    current = format!("{message}.{attribute}");
                } else if !name.contains(' ') {
                    name.clone_into(&mut message);
                    current.clone_from(&message);
                }
                let twice = uses.insert(current.clone(), BTreeSet::new());
                assert_eq!(twice, None, "{current} stands there twice");
            }
            for placeable in line.split('{').skip(1) {
                let end = placeable.find(['}', '-']).unwrap_or(placeable.len());
                let used = placeable[..end].trim().to_owned();
                uses.get_mut(&current).unwrap().insert(used);
            }
        }
        uses
    }

    #[test]
    fn the_catalogues_can_be_read_to_the_end() {
        for source in CATALOGUES {
            if let Err((_, errors)) = FluentResource::try_new(source.to_owned()) {
                panic!("{errors:?}");
            }
        }
    }

    #[test]
    fn the_catalogues_have_the_same_messages_with_the_same_variables() {
        let [english, german] = CATALOGUES.map(uses);
        assert_eq!(english, german);
        assert!(english["verify_email.enter"].contains("$app"));
        assert!(english["minutes"].contains("$minutes"));
        assert!(english["verify_email.life"].contains("hours"));
        assert!(english.len() > 80, "{}", english.len());
    }

    #[test]
    fn numbers_are_told_by_the_rules_of_the_language() {
        for (language, one, many) in [
            (Language::English, "one hour", "24 hours"),
            (Language::German, "eine Stunde", "24 Stunden"),
        ] {
            let told = |hours: i64| {
                let words = Words::of(language, "App").with("hours", hours);
                words.message("hours").unwrap()
            };
            assert_eq!(told(1), one);
            assert_eq!(told(24), many);
        }
    }

    #[test]
    fn what_is_filled_in_stays_as_it_is() {
        let words = Words::of(Language::English, "{ $code } & { minutes }");
        let subject = words.message("otp").unwrap();
        assert_eq!(subject, "Your code for { $code } & { minutes }");
    }

    #[test]
    fn a_gap_in_the_words_is_an_error_that_names_it() {
        let words = Words::of(Language::German, "App");
        let missing = words.attribute("otp", "nothing").unwrap_err();
        assert_eq!(missing.to_string(), "no message otp.nothing in language de");
        assert!(words.message("nothing").is_err());
        let unfit = words.message("otp_sms").unwrap_err();
        assert_eq!(
            unfit.to_string(),
            "message otp_sms in language de can't be filled in"
        );
    }
}
