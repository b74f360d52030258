//! The name that a request gives an account by: an address, a username or a phone number.

use super::body::Fields;
use super::phone_number::phone_number;
use crate::domain::identifier::Identifier;

/// Reads the one of `email`, `username`, `phoneNumber` (or `countryCode` and `mobile`) and, where
/// `any` allows it, `identifier` that the request names the account by.
pub fn account_name(fields: &mut Fields, any: bool) -> Option<Identifier> {
    let email = fields.optional("email");
    let username = fields.optional("username");
    let phone = phone_number(fields);
    let (field, message) = if any {
        (
            "identifier",
            "Send one of email, username, phoneNumber and identifier.",
        )
    } else {
        ("email", "Send one of email, username and phoneNumber.")
    };
    let identifier = if any {
        fields.optional::<Identifier>("identifier")
    } else {
        Some(None)
    };
    let mut given = [
        email?.map(Identifier::Email),
        username?.map(Identifier::Username),
        phone?.map(Identifier::Phone),
        identifier?,
    ]
    .into_iter()
    .flatten();
    let (first, second) = (given.next(), given.next());
    if second.is_some() {
        fields.refuse(field, "ambiguous", message);
        return None;
    }
    if first.is_none() {
        fields.refuse(field, "required", message);
    }
    first
}
