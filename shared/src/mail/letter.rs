//! The one shape of all mails: what a mail says, in order, becomes its HTML and its text part.

use askama::Template;
use fluent_bundle::FluentValue;

use super::{Message, Site, WriteError};
use crate::domain::locale::Language;
use crate::words::{Words, WordsError};

/// A mail in the making. Words are named here, and looked up when it is finished.
pub(super) struct Letter<'a> {
    site: &'a Site,
    language: Language,
    message: &'static str,
    words: Words<'a>,
    parts: Vec<Part<'a>>,
}

enum Part<'a> {
    Paragraph(&'static str),
    Quiet(&'static str),
    Code(&'a str),
    Button(&'static str, String),
    Facts(Vec<(&'static str, Value)>),
}

/// What is told of a fact.
pub(super) enum Value {
    /// These words, as they are.
    Given(String),
    /// The words of this message.
    Words(&'static str),
}

/// A mail with its words.
struct Written<'a> {
    lang: &'static str,
    app_name: &'a str,
    subject: String,
    heading: String,
    blocks: Vec<Block<'a>>,
}

enum Block<'a> {
    Paragraph(String),
    Quiet(String),
    Code { label: String, code: &'a str },
    Button { label: String, url: String },
    Facts(Vec<(String, String)>),
}

#[derive(Template)]
#[template(path = "mail/letter.html")]
struct Html<'a> {
    letter: &'a Written<'a>,
}

#[derive(Template)]
#[template(path = "mail/letter.txt")]
struct Text<'a> {
    letter: &'a Written<'a>,
}

impl<'a> Letter<'a> {
    /// A mail whose words are those of this message: its value the subject, its attribute
    /// `heading` the heading.
    pub(super) fn new(site: &'a Site, language: Language, message: &'static str) -> Self {
        Self {
            site,
            language,
            message,
            words: Words::of(language, &site.app_name),
            parts: Vec::new(),
        }
    }

    /// With this value for a variable in its words.
    pub(super) fn with(self, variable: &'a str, value: impl Into<FluentValue<'a>>) -> Self {
        let words = self.words.with(variable, value);
        Self { words, ..self }
    }

    /// A paragraph: the words of this attribute.
    pub(super) fn paragraph(self, attribute: &'static str) -> Self {
        self.part(Part::Paragraph(attribute))
    }

    /// A paragraph that matters less.
    pub(super) fn quiet(self, attribute: &'static str) -> Self {
        self.part(Part::Quiet(attribute))
    }

    /// The code, on a line of its own.
    pub(super) fn code(self, code: &'a str) -> Self {
        self.part(Part::Code(code))
    }

    /// A link to this path of the API with this token: as a button with the words of the
    /// attribute `button`, and to be copied.
    pub(super) fn link(self, path: &str, token: &str) -> Self {
        let url = format!("{}{path}?token={token}", self.site.public_url);
        self.part(Part::Button("button", url))
    }

    /// Facts, each with the message that labels it.
    pub(super) fn facts(self, facts: impl IntoIterator<Item = (&'static str, Value)>) -> Self {
        self.part(Part::Facts(facts.into_iter().collect()))
    }

    fn part(mut self, part: Part<'a>) -> Self {
        self.parts.push(part);
        self
    }

    /// Looks up the words and writes both parts.
    pub(super) fn finish(self) -> Result<Message, WriteError> {
        let Self {
            site,
            language,
            message,
            words,
            parts,
        } = self;
        let blocks = parts.into_iter().map(|part| part.write(message, &words));
        let letter = Written {
            lang: language.tag(),
            app_name: &site.app_name,
            subject: words.message(message)?,
            heading: words.attribute(message, "heading")?,
            blocks: blocks.collect::<Result<_, _>>()?,
        };
        let text = Text { letter: &letter }.render()?;
        let html = Html { letter: &letter }.render()?;
        Ok(Message {
            subject: letter.subject,
            text,
            html,
        })
    }
}

impl<'a> Part<'a> {
    fn write(self, message: &str, words: &Words<'_>) -> Result<Block<'a>, WordsError> {
        let attribute = |attribute| words.attribute(message, attribute);
        Ok(match self {
            Self::Paragraph(id) => Block::Paragraph(attribute(id)?),
            Self::Quiet(id) => Block::Quiet(attribute(id)?),
            Self::Code(code) => Block::Code {
                label: words.message("code")?,
                code,
            },
            Self::Button(id, url) => Block::Button {
                label: attribute(id)?,
                url,
            },
            Self::Facts(facts) => {
                let write = |(label, value): (_, Value)| {
                    let value = match value {
                        Value::Given(value) => value,
                        Value::Words(id) => words.message(id)?,
                    };
                    Ok((words.message(label)?, value))
                };
                Block::Facts(facts.into_iter().map(write).collect::<Result<_, _>>()?)
            }
        })
    }
}
