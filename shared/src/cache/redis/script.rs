//! Commands to Redis, most of which are scripts.

use std::fmt::Display;

use redis::Script as Hashed;

use crate::cache::Key;

/// A script with what all of them start with before it.
macro_rules! script {
    ($($file:literal),+) => {
        $crate::cache::redis::script::Script::new(concat!(
            include_str!("entry.lua"),
            $(include_str!($file)),+
        ))
    };
}

/// A script, which Redis knows by its hash once it has run there.
pub(super) struct Script {
    code: &'static str,
    hash: String,
    repeatable: bool,
}

pub(super) struct Scripts {
    pub(super) put_once: Script,
    pub(super) consume: Script,
    pub(super) bump_if: Script,
    pub(super) admit: Script,
    pub(super) mark: Script,
    pub(super) standing: Script,
    pub(super) check: Script,
}

/// One command as it goes over the wire.
pub(super) struct Command {
    words: Vec<String>,
    /// Of a script that is called by its hash.
    code: Option<&'static str>,
    /// Whether it may be sent again when nobody knows whether it took effect.
    repeatable: bool,
}

/// Commands that go together.
pub(super) struct Batch {
    pub(super) commands: Vec<Command>,
    /// As one transaction, between whose parts nothing comes. Redis undoes nothing if one fails.
    pub(super) atomic: bool,
}

impl Scripts {
    pub(super) fn new() -> Self {
        Self {
            put_once: script!("put_once.lua"),
            consume: script!("consume.lua"),
            bump_if: script!("bump_if.lua"),
            admit: script!("quota.lua", "admit.lua"),
            // Marks are what they are however often they are written.
            mark: script!("mark.lua").repeatable(),
            standing: script!("marks.lua", "standing.lua").repeatable(),
            check: script!("marks.lua", "quota.lua", "check.lua"),
        }
    }
}

impl Script {
    pub(super) fn new(code: &'static str) -> Self {
        Self {
            code,
            hash: Hashed::new(code).get_hash().to_owned(),
            repeatable: false,
        }
    }

    fn repeatable(self) -> Self {
        Self {
            repeatable: true,
            ..self
        }
    }

    pub(super) fn on<'a>(&self, keys: impl IntoIterator<Item = &'a Key>) -> Command {
        let mut words = vec!["EVALSHA".to_owned(), self.hash.clone(), String::new()];
        words.extend(keys.into_iter().map(|key| key.as_str().to_owned()));
        words[2] = (words.len() - 3).to_string();
        Command {
            words,
            code: Some(self.code),
            repeatable: self.repeatable,
        }
    }
}

impl Command {
    /// A command that may be sent again.
    pub(super) fn repeatable(words: &[&str]) -> Self {
        Self {
            words: words.iter().map(|word| (*word).to_owned()).collect(),
            code: None,
            repeatable: true,
        }
    }

    pub(super) fn arg(mut self, arg: impl Display + Copy) -> Self {
        self.words.push(arg.to_string());
        self
    }

    pub(super) fn words(&self) -> &[String] {
        &self.words
    }

    /// The same with the script itself instead of its hash, if it is a call of one.
    pub(super) fn spelled_out(&self) -> Option<Self> {
        let code = self.code?;
        let mut words = self.words.clone();
        words.splice(..2, ["EVAL".to_owned(), code.to_owned()]);
        Some(Self {
            words,
            code: None,
            repeatable: self.repeatable,
        })
    }
}

impl Batch {
    pub(super) fn repeatable(&self) -> bool {
        self.commands.iter().all(|command| command.repeatable)
    }
}

impl From<Command> for Batch {
    fn from(command: Command) -> Self {
        Self {
            commands: vec![command],
            atomic: false,
        }
    }
}
