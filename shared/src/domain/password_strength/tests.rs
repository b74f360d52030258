use super::*;
use proptest::prelude::*;

fn password(text: &str) -> Password {
    Password::try_from(text.to_owned()).unwrap()
}

fn ada() -> Context {
    Context::default()
        .name(Some("Ada Lovelace"))
        .email(Some("a.byron+shop@example.com"))
        .username(Some("Countess_of"))
        .app_name("Acme Notes")
}

fn verdict(text: &str) -> Result<(), Weakness> {
    judge(&password(text), &ada())
}

#[test]
fn any_characters_make_a_good_password() {
    for good in [
        "correct horse battery staple",
        "zqkjxwvbpmfhgtrlncdy",
        "fH3$kP9!xQ2@vN7#zR5%",
        "4@8({[<3691!|70$5+%2",
        "龍と鳳凰の長い夢を見た",
        "🔑🦊🍋🚲🌋🎻🐙🧊",
        "  two  spaced  words  ",
        "nul\0in the middle",
        "I adore anna karenina",
    ] {
        // Emoji count as one character each, and eight of anything at random are too few.
        let good = format!("{good}🐢");
        assert_eq!(verdict(&good), Ok(()), "{good}");
    }
}

#[test]
fn the_most_used_are_refused_in_any_case_and_width() {
    for bad in [
        "password",
        "PassWord",
        "qwertyuiop",
        "TrustNo1",
        "ｐａｓｓｗｏｒｄ",
        "iloveyou",
    ] {
        assert_eq!(verdict(bad), Err(Weakness::MostUsed), "{bad}");
    }
}

#[test]
fn a_name_is_refused_however_it_is_written() {
    for bad in [
        "ada lovelace 1815 engine",
        "AdaLovelace1815Engine",
        "a.d.a.l.o.v.e.l.a.c.e engine",
        "the great LOVELACE herself",
        "ｌｏｖｅｌａｃｅ invented it",
    ] {
        assert_eq!(verdict(bad), Err(Weakness::HoldsName), "{bad}");
    }
    let chinese = Context::default().name(Some("李小龍"));
    let held = judge(&password("我的朋友李小龍喜歡吃很多蘋果"), &chinese);
    assert_eq!(held, Err(Weakness::HoldsName));
}

#[test]
fn a_short_name_forbids_no_word_that_holds_it() {
    let ann = Context::default()
        .name(Some("Ann Li"))
        .email(Some("ann@example.com"));
    let good = password("channel limestone example orbit");
    assert_eq!(judge(&good, &ann), Ok(()));
    // The whole of it is long enough to be looked for.
    let held = judge(&password("annli and the limestone orbit"), &ann);
    assert_eq!(held, Err(Weakness::HoldsName));
}

#[test]
fn an_address_and_a_username_are_refused_and_a_domain_is_not() {
    for (bad, weakness) in [
        ("A.Byron rides at dawn", Weakness::HoldsEmail),
        ("abyron rides at dawn", Weakness::HoldsEmail),
        ("a.byron+shop@example.com", Weakness::HoldsEmail),
        ("countessof the far away hills", Weakness::HoldsUsername),
    ] {
        assert_eq!(verdict(bad), Err(weakness), "{bad}");
    }
    assert_eq!(verdict("for example nine purple kettles"), Ok(()));
}

#[test]
fn what_this_service_is_called_counts_for_nothing() {
    for bad in [
        "Latchkey2026!Latchkey",
        "AcmeNotes2026!AcmeNotes",
        "acme notes admin 1",
        "administrator1!",
        "Admin-2026-Admin-2026",
        "Ada1815!Ada1815!Ada",
    ] {
        assert!(matches!(verdict(bad), Err(Weakness::Guessable(_))), "{bad}");
    }
    assert_eq!(verdict("my admin eats nine purple kettles"), Ok(()));
}

#[test]
fn what_is_easy_to_guess_is_told_why() {
    for (bad, hint) in [
        ("aaaaaaaaaaaaaaaa", Hint::Repeats),
        ("abcdefghijklmnop", Hint::Sequences),
        ("19.04.1984", Hint::Dates),
        ("p4ssw0rd!", Hint::MuchUsed),
        ("xK7#qT2v", Hint::Plain),
        ("龍k鳳T虎9龜#", Hint::Plain),
    ] {
        assert_eq!(verdict(bad), Err(Weakness::Guessable(hint)), "{bad}");
    }
}

#[test]
fn every_reason_is_a_sentence_that_says_what_to_do() {
    let hints = [
        Hint::Plain,
        Hint::Keys,
        Hint::Repeats,
        Hint::Sequences,
        Hint::Dates,
        Hint::MuchUsed,
        Hint::OneWord,
        Hint::Names,
    ];
    let others = [
        Weakness::MostUsed,
        Weakness::HoldsName,
        Weakness::HoldsEmail,
        Weakness::HoldsUsername,
        Weakness::Breached,
    ];
    for weakness in hints.map(Weakness::Guessable).into_iter().chain(others) {
        let message = weakness.message();
        assert!(message.ends_with('.'), "{message}");
        let asks = ["Add ", "add ", "Choose ", "Leave "];
        assert!(asks.iter().any(|ask| message.contains(ask)), "{message}");
    }
}

#[test]
fn it_is_told_to_nobody() {
    assert_eq!(format!("{:?}", ada()), "Context");
}

proptest! {
    #[test]
    fn judging_never_panics(
        text in any::<String>(),
        again in 1_usize..6,
        name in any::<Option<String>>(),
        email in any::<Option<String>>(),
    ) {
        let context = Context::default().name(name.as_deref()).email(email.as_deref()).app_name("İ");
        if let Ok(password) = Password::try_from(text.repeat(again)) {
            let _ = judge(&password, &context);
        }
    }

    // What zxcvbn has rules for: repeats, stand-ins, dates, rows of keys, capitals that grow.
    #[test]
    fn judging_patterns_never_panics(text in "[aAsSdDqQ1!4@|7İßŉ\u{3a3}09./ -]{8,128}") {
        if let Ok(password) = Password::try_from(text) {
            let _ = judge(&password, &ada());
        }
    }

    #[test]
    fn twenty_letters_at_random_will_do(text in "[b-df-hj-np-tv-xz]{20}") {
        prop_assert_eq!(verdict(&text), Ok(()));
    }

    #[test]
    fn a_name_is_found_anywhere(before in "[a-z ]{0,20}", after in "[a-z ]{0,20}") {
        let text = format!("{before}LoveLace{after}");
        // By itself it is one of the most used.
        let weak = verdict(&text);
        prop_assert!(matches!(weak, Err(Weakness::HoldsName | Weakness::MostUsed)), "{weak:?}");
    }
}
