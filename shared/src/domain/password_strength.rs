//! Whether a new password would withstand somebody who guesses.

mod guesses;
mod most_used;

use std::fmt;

use secrecy::zeroize::Zeroizing;
use unicode_normalization::UnicodeNormalization;

use super::password::Password;
use super::user::User;
use super::username::Username;
pub use guesses::Hint;

/// Characters of a word from which a password may not hold it. Shorter ones stand in too many
/// others: somebody called Ann could have no `channel`.
const MIN_HELD: usize = 4;
/// The same where a character is a syllable or a word: Chinese, Japanese, Korean.
const MIN_HELD_IDEOGRAPHS: usize = 2;
/// Where those scripts begin.
const IDEOGRAPHS: char = '\u{2e80}';
/// Characters of a word from which it counts for nothing in a password.
const MIN_WORD: usize = 3;
/// Characters that are read of a name or an address: as many as the longest address has. A field
/// that is bad may be longer.
const MAX_READ: usize = 254;
/// What anybody would try first on a service like this (ASVS 6.1.2).
const OWN_WORDS: [&str; 5] = ["latchkey", "administrator", "admin", "root", "user"];

/// What is known of whom a password is for: what a stranger who goes for them would try first.
///
/// The values need not be valid: a form with a bad address and a weak password is told of both.
#[derive(Clone, Default)]
pub struct Context {
    name: Option<String>,
    email: Option<String>,
    username: Option<String>,
    app_name: Option<String>,
}

impl Context {
    /// What an account says of its owner.
    #[must_use]
    pub fn of(user: &User) -> Self {
        Self::default()
            .name(Some(user.name.as_str()))
            .email(Some(user.email.as_str()))
            .username(user.username.as_ref().map(Username::as_str))
    }

    /// With this name of a person.
    #[must_use]
    pub fn name(mut self, name: Option<&str>) -> Self {
        self.name = name.map(read);
        self
    }

    /// With this address.
    #[must_use]
    pub fn email(mut self, email: Option<&str>) -> Self {
        self.email = email.map(read);
        self
    }

    /// With this username.
    #[must_use]
    pub fn username(mut self, username: Option<&str>) -> Self {
        self.username = username.map(read);
        self
    }

    /// With this name of the product that the password is for.
    #[must_use]
    pub fn app_name(mut self, app_name: &str) -> Self {
        self.app_name = Some(read(app_name));
        self
    }

    /// Every word of it that is long enough to mean something, the longest first.
    fn words(&self) -> Vec<String> {
        let known = [&self.name, &self.email, &self.username, &self.app_name];
        let known = known.into_iter().flatten();
        let mut words: Vec<String> = known
            .flat_map(|text| words_of(text).chain([text.clone(), squeezed(text)]))
            .chain(OWN_WORDS.map(str::to_owned))
            .filter(|word| word.chars().count() >= MIN_WORD)
            .collect();
        words.sort_unstable_by(|a, b| b.len().cmp(&a.len()).then(a.cmp(b)));
        words.dedup();
        words
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Context")
    }
}

/// Why a password is too weak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weakness {
    /// It is on the list of the most used.
    MostUsed,
    /// It holds the user's name, or a word of it.
    HoldsName,
    /// It holds the user's address, or the part before the `@`.
    HoldsEmail,
    /// It holds the user's username.
    HoldsUsername,
    /// It takes too few guesses.
    Guessable(Hint),
    /// It is among passwords that were stolen somewhere.
    Breached,
}

impl Weakness {
    /// What is wrong and what to do, for a form.
    #[must_use]
    pub fn message(self) -> &'static str {
        match self {
            Self::MostUsed => "This is one of the most used passwords. Choose another.",
            Self::HoldsName => "Leave your name out of it.",
            Self::HoldsEmail => "Leave your email address out of it.",
            Self::HoldsUsername => "Leave your username out of it.",
            Self::Guessable(hint) => hint.message(),
            Self::Breached => "It appeared in a data breach, where others find it. Choose another.",
        }
    }
}

/// Refuses a password that is one of the most used, holds its owner's name, address or username,
/// or takes too few guesses. A few milliseconds of work, whatever it is
/// given, and less than one for what people choose.
pub fn judge(password: &Password, context: &Context) -> Result<(), Weakness> {
    let folded = Zeroizing::new(folded(password.expose()));
    if most_used::contains(&folded) {
        return Err(Weakness::MostUsed);
    }
    refuse_held(&folded, context)?;

    let words = context.words();
    let Some(rest) = without(&folded, &words) else {
        return guesses::rate(password.expose(), &words).map_err(Weakness::Guessable);
    };
    guesses::rate(&rest, &words).map_err(Weakness::Guessable)
}

/// What is left when the expected words are gone, and with them what people put between words;
/// `None` where there are none of them. The estimator alone takes `product-2026-product` for four
/// parts that are hard to guess together.
fn without(folded: &str, words: &[String]) -> Option<Zeroizing<String>> {
    let mut rest = Zeroizing::new(folded.to_owned());
    for word in words {
        if rest.contains(word.as_str()) {
            rest = Zeroizing::new(rest.replace(word.as_str(), ""));
        }
    }
    if rest.len() == folded.len() {
        return None;
    }
    rest.retain(|c| c.is_alphanumeric() || !c.is_ascii());
    Some(rest)
}

fn refuse_held(folded: &str, context: &Context) -> Result<(), Weakness> {
    let password = Zeroizing::new(squeezed(folded));
    let holds = |word: &str| {
        let length = word.chars().count();
        let ideographs = word.chars().any(|c| c >= IDEOGRAPHS);
        let least = if ideographs {
            MIN_HELD_IDEOGRAPHS
        } else {
            MIN_HELD
        };
        length >= least && password.contains(word)
    };
    let holds_whole = |text: &String| holds(&squeezed(text));

    if let Some(name) = &context.name
        && (holds_whole(name) || words_of(name).any(|word| holds(&word)))
    {
        return Err(Weakness::HoldsName);
    }
    if let Some(email) = &context.email {
        let local = email
            .rsplit_once('@')
            .map_or(email.as_str(), |(local, _)| local);
        let untagged = local.split('+').next().unwrap_or_default();
        if [email, local, untagged]
            .iter()
            .any(|part| holds(&squeezed(part)))
        {
            return Err(Weakness::HoldsEmail);
        }
    }
    if context.username.as_ref().is_some_and(holds_whole) {
        return Err(Weakness::HoldsUsername);
    }
    Ok(())
}

/// One form for what people take for the same: without case, wide letters, ligatures.
fn folded(text: &str) -> String {
    text.nfkc().flat_map(char::to_lowercase).nfkc().collect()
}

fn read(text: &str) -> String {
    folded(&text.chars().take(MAX_READ).collect::<String>())
}

/// Without what people put between words.
fn squeezed(folded: &str) -> String {
    folded.chars().filter(|c| c.is_alphanumeric()).collect()
}

fn words_of(folded: &str) -> impl Iterator<Item = String> {
    folded
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests;
