//! The domain of an email address, in the one form that is stored and mailed to.

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use unicode_normalization::UnicodeNormalization;
use unicode_security::{RestrictionLevel, RestrictionLevelDetection, skeleton};

use super::{Invalid, confusable, malformed};

/// The ASCII form of `typed`, in lower case: strict UTS 46, at least one dot, no IP address.
pub(super) fn to_ascii(typed: &str) -> Result<String, Invalid> {
    let (unicode, valid) =
        Uts46::new().to_unicode(typed.as_bytes(), AsciiDenyList::STD3, Hyphens::Check);
    valid.map_err(|_| malformed())?;
    refuse_rewriting(typed, &unicode)?;
    refuse_homographs(&unicode)?;

    let ascii = Uts46::new()
        .to_ascii(
            typed.as_bytes(),
            AsciiDenyList::STD3,
            Hyphens::Check,
            DnsLength::Verify,
        )
        .map_err(|_| malformed())?;
    // No top-level domain begins with a digit, but the last part of an IP address does.
    let named = ascii
        .rsplit_once('.')
        .is_some_and(|(_, top)| top.starts_with(|c: char| c.is_ascii_alphabetic()));
    if named {
        Ok(ascii.into_owned())
    } else {
        Err(malformed())
    }
}

/// Whether NFKC turns the character into something else, as it does with `＠` or a Kelvin sign.
pub(super) fn is_compatibility_variant(c: char) -> bool {
    std::iter::once(c).nfkc().ne(std::iter::once(c))
}

/// UTS 46 drops some characters and turns others, such as an ideographic full stop, into dots.
/// Nothing but case and composition may differ from what was typed, outside of Punycode.
fn refuse_rewriting(typed: &str, unicode: &str) -> Result<(), Invalid> {
    let same = typed.split('.').count() == unicode.split('.').count()
        && typed
            .split('.')
            .zip(unicode.split('.'))
            .all(|(typed, unicode)| {
                is_punycode(typed)
                    || typed
                        .nfc()
                        .flat_map(char::to_lowercase)
                        .nfc()
                        .eq(unicode.chars())
            });
    if same { Ok(()) } else { Err(confusable()) }
}

fn is_punycode(label: &str) -> bool {
    label
        .get(..4)
        .is_some_and(|prefix| prefix.eq_ignore_ascii_case("xn--"))
}

/// Refuses labels that mix scripts, and labels of one foreign script that look all ASCII
/// (`аррӏе.com`), unless the top-level domain shows the script too (`оса.рф`).
fn refuse_homographs(unicode: &str) -> Result<(), Invalid> {
    let looks_ascii = |label: &str| skeleton(label).all(|c| c.is_ascii());
    let top_level = unicode.rsplit('.').next().unwrap_or_default();
    let below_ascii = looks_ascii(top_level);
    let deceives = |label: &str| {
        !label.is_ascii()
            && (!label.check_restriction_level(RestrictionLevel::SingleScript)
                || (below_ascii && looks_ascii(label)))
    };
    if unicode.split('.').any(deceives) {
        return Err(confusable());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn code(typed: &str) -> &'static str {
        match to_ascii(typed) {
            Ok(ascii) => panic!("{typed:?} was accepted as {ascii}"),
            Err(invalid) => invalid.code,
        }
    }

    #[test]
    fn international_domains_are_kept_in_ascii() {
        for (typed, ascii) in [
            ("b\u{fc}cher.example", "xn--bcher-kva.example"),
            ("bu\u{308}cher.example", "xn--bcher-kva.example"),
            ("B\u{dc}CHER.Example", "xn--bcher-kva.example"),
            ("XN--bcher-KVA.example", "xn--bcher-kva.example"),
            ("stra\u{df}e.de", "xn--strae-oqa.de"),
            ("пример.рф", "xn--e1afmkfd.xn--p1ai"),
            ("例え.jp", "xn--r8jz45g.jp"),
            ("ラーメン店.jp", "xn--4dkp5a8a7679b.jp"),
            ("한국.kr", "xn--3e0b707e.kr"),
            ("مثال.إختبار", "xn--mgbh0fb.xn--kgbechtv"),
            ("сосна.рф", "xn--80azclb.xn--p1ai"),
        ] {
            assert_eq!(to_ascii(typed).as_deref(), Ok(ascii), "{typed}");
        }
    }

    #[test]
    fn labels_that_mix_scripts_are_refused() {
        // Cyrillic а among Latin, Greek ο among Latin, Cyrillic with Latin g.
        for typed in [
            "ex\u{430}mple.com",
            "g\u{3bf}ogle.com",
            "приmер.рф",
            "abc例.jp",
        ] {
            assert_eq!(code(typed), "confusable_characters", "{typed}");
            let wire = idna::domain_to_ascii(typed).unwrap();
            assert!(wire.starts_with("xn--"));
            assert_eq!(code(&wire), "confusable_characters", "{wire}");
        }
    }

    #[test]
    fn foreign_labels_that_look_ascii_are_refused() {
        // аррӏе.com, all Cyrillic; also as it would stand in DNS.
        for typed in [
            "аррӏе.com",
            "xn--80ak6aa92e.com",
            "mail.xn--80ak6aa92e.com",
            "m\u{131}ke.com",
        ] {
            assert_eq!(code(typed), "confusable_characters", "{typed}");
        }
        assert!(to_ascii("оса.рф").is_ok());
    }

    #[test]
    fn false_punycode_is_refused() {
        // RUSTSEC-2024-0421: older decoders took the first for example.org.
        for typed in [
            "xn--example-.org",
            "xn--.org",
            "xn--a.org",
            "xn--0.org",
            "a.xn--",
            "ab--cd.org",
        ] {
            assert_eq!(code(typed), "invalid_email", "{typed}");
        }
    }

    #[test]
    fn characters_that_would_vanish_or_change_are_refused() {
        for typed in [
            "exa\u{ad}mple.com",
            "exa\u{200b}mple.com",
            "exa\u{2060}mple.com",
            "exa\u{fe0f}mple.com",
            "example\u{3002}com",
            "exa\u{1d5ba}mple.com",
        ] {
            assert_eq!(code(typed), "confusable_characters", "{typed:?}");
        }
        for typed in [
            "exa\u{200d}mple.com",
            "exa\u{202e}mple.com",
            "exa\u{2066}mple.com",
            "a\u{e000}.com",
        ] {
            assert!(to_ascii(typed).is_err(), "{typed:?}");
        }
    }

    proptest! {
        #[test]
        fn the_ascii_form_is_stable(label in "\\PC{1,10}|[a-zA-Z0-9é-]{1,9}|[а-яА-Яa]{1,5}|[ぁ-ん一-龥]{1,4}|(xn|XN)--[a-z0-9]{1,6}") {
            if let Ok(ascii) = to_ascii(&format!("{label}.com")) {
                prop_assert!(ascii.is_ascii());
                prop_assert_eq!(ascii.to_ascii_lowercase(), ascii.as_str());
                let again = to_ascii(&ascii).unwrap();
                prop_assert_eq!(again, ascii);
            }
        }
    }
}
