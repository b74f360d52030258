//! How many guesses a password takes, by the reckoning of zxcvbn.

use std::collections::BTreeSet;

use secrecy::zeroize::Zeroizing;
use zxcvbn::feedback::{Feedback, Warning};
use zxcvbn::{Score, zxcvbn};

/// Ten to the eighth guesses at the least: what zxcvbn calls safe against an attack online.
const SUFFICIENT: Score = Score::Three;

/// Characters that are rated, from the first. The work grows with the square of them, and no
/// pattern takes fewer guesses for being longer: where these suffice, the whole does.
///
/// Measured in a release build on one vCPU, for the costliest of some thousand patterns: 4 ms for
/// 32 (stand-ins for letters, with 200 words of the user's), 13 ms for 100 without stand-ins, which
/// is where zxcvbn itself stops. The first rating of a process takes 13 ms more, for the word
/// lists.
const RATED: usize = 32;

/// Characters that stand for letters, of different kinds, with which a password is rated as it is.
/// zxcvbn tries every way to read them: 25 at most of 5 kinds, but 800 of all 20, which took
/// 56 ms for 32 characters and 660 ms for 100.
const MAX_STAND_INS: usize = 5;
/// All the characters that zxcvbn takes for letters.
const STAND_INS: &str = "@({[<!|$+%0123456789";
/// Those that can't be part of a date, with the letter that each is read as where there are too
/// many kinds. Only digits are left to try, in 8 ways.
const SYMBOLS: [(char, char); 10] = [
    ('@', 'a'),
    ('(', 'c'),
    ('{', 'c'),
    ('[', 'c'),
    ('<', 'c'),
    ('!', 'i'),
    ('|', 'l'),
    ('$', 's'),
    ('+', 't'),
    ('%', 'x'),
];

/// Why a password takes too few guesses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hint {
    /// Nothing in particular: it is short or plain.
    Plain,
    /// Keys beside each other.
    Keys,
    /// The same again and again.
    Repeats,
    /// Letters or digits in order.
    Sequences,
    /// Days or years.
    Dates,
    /// A much used password in disguise.
    MuchUsed,
    /// A single word.
    OneWord,
    /// Names of people.
    Names,
}

impl Hint {
    pub(super) fn message(self) -> &'static str {
        match self {
            Self::Plain => "Too easy to guess: add another word or two.",
            Self::Keys => {
                "Too easy to guess: rows of keys are tried early. Add another word or two."
            }
            Self::Repeats => {
                "Too easy to guess: repeating something hardly helps. Add another word or two."
            }
            Self::Sequences => {
                "Too easy to guess: sequences such as abc or 6543 are tried early. Add another word or two."
            }
            Self::Dates => {
                "Too easy to guess: dates and years are tried early. Add another word or two."
            }
            Self::MuchUsed => {
                "Too easy to guess: it is close to a much used password. Add another word or two."
            }
            Self::OneWord => {
                "Too easy to guess: a single word is soon found. Add another word or two."
            }
            Self::Names => "Too easy to guess: names are tried early. Add another word or two.",
        }
    }
}

impl From<Warning> for Hint {
    fn from(warning: Warning) -> Self {
        match warning {
            Warning::StraightRowsOfKeysAreEasyToGuess
            | Warning::ShortKeyboardPatternsAreEasyToGuess => Self::Keys,
            Warning::RepeatsLikeAaaAreEasyToGuess
            | Warning::RepeatsLikeAbcAbcAreOnlySlightlyHarderToGuess => Self::Repeats,
            Warning::SequencesLikeAbcAreEasyToGuess => Self::Sequences,
            Warning::RecentYearsAreEasyToGuess | Warning::DatesAreOftenEasyToGuess => Self::Dates,
            Warning::ThisIsATop10Password
            | Warning::ThisIsATop100Password
            | Warning::ThisIsACommonPassword
            | Warning::ThisIsSimilarToACommonlyUsedPassword => Self::MuchUsed,
            Warning::AWordByItselfIsEasyToGuess => Self::OneWord,
            Warning::NamesAndSurnamesByThemselvesAreEasyToGuess
            | Warning::CommonNamesAndSurnamesAreEasyToGuess => Self::Names,
        }
    }
}

/// Refuses what takes too few guesses for somebody who would try these words first.
pub(super) fn rate(password: &str, words: &[String]) -> Result<(), Hint> {
    let rated = Zeroizing::new(bounded(password));
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let estimate = zxcvbn(&rated, &words);
    if estimate.score() >= SUFFICIENT {
        return Ok(());
    }
    let warning = estimate.feedback().and_then(Feedback::warning);
    Err(warning.map_or(Hint::Plain, Hint::from))
}

fn bounded(password: &str) -> String {
    let rated: String = password.chars().take(RATED).collect();
    let kinds: BTreeSet<char> = rated.chars().filter(|c| STAND_INS.contains(*c)).collect();
    if kinds.len() <= MAX_STAND_INS {
        return rated;
    }
    rated
        .chars()
        .map(|c| {
            SYMBOLS
                .iter()
                .find(|(symbol, _)| *symbol == c)
                .map_or(c, |(_, letter)| *letter)
        })
        .collect()
}
