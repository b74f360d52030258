//! When and from where something was done, or until when it holds, as the owner of an account is
//! told it.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::letter::{Letter, Value};
use crate::domain::session::Source;

/// How much is shown of what a client calls itself. Honest ones say what matters before it.
const MAX_CLIENT_LENGTH: usize = 120;

impl Letter<'_> {
    /// When it was, from which address, and what the client called itself.
    pub(super) fn origin(self, at: Timestamp, source: &Source) -> Self {
        let address = source.ip.map(|ip| ip.to_string());
        let client = client(source.user_agent.as_deref());
        self.moment(at).facts([
            ("when", Value::Words("moment")),
            (
                "from",
                address.map_or(Value::Words("unknown_address"), Value::Given),
            ),
            (
                "client",
                client.map_or(Value::Words("unknown_client"), Value::Given),
            ),
        ])
    }

    /// Until when it holds.
    pub(super) fn until(self, at: Timestamp) -> Self {
        self.moment(at).facts([("until", Value::Words("moment"))])
    }

    /// With the variables of the message `moment`.
    fn moment(self, at: Timestamp) -> Self {
        let at = at.to_zoned(TimeZone::UTC);
        self.with("day", at.day())
            .with("month", at.month())
            .with("year", at.year())
            .with("time", at.strftime("%H:%M").to_string())
    }
}

/// What a client calls itself, fit to be shown; none where nothing of it is.
///
/// A thief chooses this text and the victim reads it: it must not bring lines of its own, nor
/// anything that mail programs turn into a link. They make links of `https://…`, of addresses and
/// of any `name.tld`, so a dot before a letter and a colon before a slash are followed by a space.
fn client(user_agent: Option<&str>) -> Option<String> {
    let mut shown = String::new();
    let mut before = ' ';
    for c in user_agent?.chars() {
        let c = if c.is_ascii_graphic() { c } else { ' ' };
        let would_link = (before == '.' && c.is_ascii_alphabetic()) || (before == ':' && c == '/');
        if would_link {
            shown.push(' ');
        }
        if c != ' ' || before != ' ' {
            shown.push(c);
        }
        before = c;
    }
    shown.truncate(MAX_CLIENT_LENGTH);
    match shown.trim() {
        "" => None,
        shown => Some(shown.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_calls_itself_is_cut() {
        assert_eq!(client(Some(&"a".repeat(10_000))), Some("a".repeat(120)));
        assert_eq!(client(Some(&"é".repeat(10_000))), None);
        assert_eq!(client(None), None);
    }
}
