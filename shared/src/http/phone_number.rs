//! A phone number in a request: whole, or as country code and mobile number.

use super::body::Fields;
use crate::domain::phone::PhoneNumber;

/// Reads `phoneNumber`, or `countryCode` and `mobile`. The outer `None` means that it was bad.
pub fn phone_number(fields: &mut Fields) -> Option<Option<PhoneNumber>> {
    let whole = fields.has("phoneNumber");
    let in_parts = fields.has("countryCode") || fields.has("mobile");
    if whole && in_parts {
        for name in ["phoneNumber", "countryCode", "mobile"] {
            fields.discard(name);
        }
        fields.refuse(
            "phoneNumber",
            "ambiguous",
            "Send either phoneNumber, or countryCode and mobile.",
        );
        return None;
    }
    if !in_parts {
        fields.discard("countryCode");
        fields.discard("mobile");
        return fields.optional("phoneNumber");
    }
    fields.discard("phoneNumber");
    let country_code = fields.required::<String>("countryCode");
    let mobile = fields.required::<String>("mobile");
    match PhoneNumber::from_country_code_and_mobile(&country_code?, &mobile?) {
        Ok(number) => Some(Some(number)),
        Err(invalid) => {
            fields.refuse_invalid("mobile", invalid);
            None
        }
    }
}
