//! What a user agent tells of a device, in words for a list of sessions.

use woothee::parser::Parser;

/// What the parser says of what it does not know.
const UNKNOWN: &str = "UNKNOWN";

/// A name such as `Chrome on macOS`, if the text names a browser or a system that is known.
pub fn name(user_agent: &str) -> Option<String> {
    let found = Parser::new().parse(user_agent)?;
    let known = |text: &str| (text != UNKNOWN && !text.is_empty()).then(|| text.to_owned());
    match (known(found.name), known(found.os)) {
        (Some(browser), Some(system)) => Some(format!("{browser} on {}", spelled(&system))),
        (Some(one), None) => Some(one),
        (None, Some(one)) => Some(spelled(&one).to_owned()),
        (None, None) => None,
    }
}

/// Systems by the names that their makers use today.
fn spelled(system: &str) -> &str {
    match system {
        "Mac OSX" => "macOS",
        "Windows 10" => "Windows",
        "iPhone" | "iOS" => "iPhone",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_named_and_rubbish_is_not() {
        let chrome = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 \
                      (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36";
        let safari = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 \
                      (KHTML, like Gecko) Version/17.0 Mobile/15E148 Safari/604.1";
        assert_eq!(name(chrome).as_deref(), Some("Chrome on macOS"));
        assert_eq!(name(safari).as_deref(), Some("Safari on iPhone"));
        assert_eq!(name("\u{0}<script>"), None);
        assert_eq!(name(""), None);
    }
}
