//! The passwords that are used most.

use std::cmp::Ordering;

/// 17 950 passwords of 8 characters and more, in lower case, one a line, sorted by their bytes:
/// all of that length among the 49 233 most used ones that `@zxcvbn-ts/language-common` 4.1.3
/// lists. 164 KiB in the binary, and nothing to build at a cold start.
const LIST: &str = include_str!("../../../data/common_passwords.txt");

/// Whether this password, in lower case, is one of the most used.
pub(super) fn contains(password: &str) -> bool {
    let list = LIST.as_bytes();
    let (mut low, mut high) = (0, list.len());
    // Both always stand at the beginning of a line, or at the end of the list.
    while low < high {
        let middle = low + (high - low) / 2;
        let begin = list[..middle]
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |before| before + 1);
        let end = list[middle..]
            .iter()
            .position(|byte| *byte == b'\n')
            .map_or(list.len(), |after| middle + after);
        match list[begin..end].cmp(password.as_bytes()) {
            Ordering::Equal => return true,
            Ordering::Less => low = end + 1,
            Ordering::Greater => high = begin,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_found() {
        assert_eq!(LIST.lines().count(), 17_950);
        for line in LIST.lines() {
            assert!(contains(line), "{line}");
        }
    }

    #[test]
    fn what_is_no_line_is_not_found() {
        let (first, last) = (LIST.lines().next(), LIST.lines().last());
        for absent in [
            "",
            "\n",
            " ",
            "~",
            "password\n",
            "passwor",
            "a",
            "zzzzzzzzzzzz",
            "correct horse",
        ] {
            assert!(!contains(absent), "{absent:?}");
        }
        for line in [first, last].into_iter().flatten() {
            assert!(!contains(&format!("{line}!")));
            assert!(!contains(&line[..line.len() - 1]));
        }
    }

    #[test]
    fn the_list_is_what_the_search_expects() {
        let lines: Vec<&str> = LIST.lines().collect();
        assert!(lines.is_sorted_by(|a, b| a < b));
        for line in lines {
            assert!(line.len() >= 8 && line.is_ascii(), "{line}");
            assert_eq!(line, line.to_ascii_lowercase());
        }
    }
}
