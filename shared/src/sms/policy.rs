//! Which numbers are sent to at all.

use crate::domain::invalid::Invalid;
use crate::domain::phone::{self, PhoneNumber};
use crate::env::{Env, EnvError};

/// The variable that lists the countries.
const COUNTRIES: &str = "SMS_COUNTRIES";

/// Which numbers are sent to at all: those of people, in the countries that were chosen.
#[derive(Debug, Clone)]
pub struct SmsPolicy {
    countries: Countries,
}

#[derive(Debug, Clone)]
enum Countries {
    All,
    These(Vec<String>),
}

impl SmsPolicy {
    /// The countries that `SMS_COUNTRIES` lists by their ISO 3166-1 codes, with commas between
    /// them; `*` is all, and nothing is none. A code that no country has is an error: taken for
    /// nothing, it would look like a country that gets no SMS.
    pub fn open(env: &Env) -> Result<Self, EnvError> {
        if env.optional(COUNTRIES) == Some("*") {
            return Ok(Self {
                countries: Countries::All,
            });
        }
        let mut countries = env.list(COUNTRIES);
        for code in &mut countries {
            code.make_ascii_uppercase();
            if !phone::is_country(code) {
                return Err(EnvError::Invalid(COUNTRIES.to_owned()));
            }
        }
        Ok(Self {
            countries: Countries::These(countries),
        })
    }

    /// Whether the number is sent to. Numbers of no country (satellite phones and the like) never
    /// are: they cost the most.
    pub fn allows(&self, number: &PhoneNumber) -> bool {
        let Some(country) = number.country() else {
            return false;
        };
        let listed = match &self.countries {
            Countries::All => true,
            Countries::These(codes) => codes.contains(&country),
        };
        listed && number.is_a_persons()
    }

    /// The same as a refusal that a form can show.
    pub fn check_country(&self, number: &PhoneNumber) -> Result<(), Invalid> {
        if self.allows(number) {
            return Ok(());
        }
        Err(Invalid::new(
            "country_not_supported",
            "We can't send text messages to this number. Use a mobile number of another country, \
             or your email address.",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(countries: &str) -> Result<SmsPolicy, EnvError> {
        SmsPolicy::open(&Env::default().with(COUNTRIES, countries))
    }

    fn allowed(policy: &SmsPolicy, e164: &str) -> bool {
        let number = PhoneNumber::parse_e164(e164).unwrap();
        let allowed = policy.allows(&number);
        let code = policy
            .check_country(&number)
            .map_err(|refusal| refusal.code);
        assert_eq!(code.err(), (!allowed).then_some("country_not_supported"));
        allowed
    }

    const SWEDISH: &str = "+46701234567";
    const CANADIAN: &str = "+14165550123";
    const AMERICAN: &str = "+14155552671";
    const BRITISH_PREMIUM: &str = "+449012345678";
    const BRITISH_PERSONAL: &str = "+447012345678";
    const TOLL_FREE: &str = "+80012340000";

    #[test]
    fn without_a_list_nobody_gets_an_sms() {
        for policy in [
            policy("").unwrap(),
            SmsPolicy::open(&Env::default()).unwrap(),
        ] {
            assert!(!allowed(&policy, SWEDISH));
        }
    }

    #[test]
    fn the_listed_countries_get_them_and_no_others() {
        let policy = policy("SE, ca").unwrap();
        assert!(allowed(&policy, SWEDISH));
        assert!(allowed(&policy, CANADIAN));
        assert!(
            !allowed(&policy, AMERICAN),
            "the same country code, another country"
        );
    }

    #[test]
    fn a_star_is_every_country_but_no_costly_number() {
        let all = policy("*").unwrap();
        for number in [SWEDISH, CANADIAN, AMERICAN] {
            assert!(allowed(&all, number), "{number}");
        }
        let british = policy("GB").unwrap();
        for number in [BRITISH_PREMIUM, BRITISH_PERSONAL, TOLL_FREE] {
            assert!(!allowed(&all, number), "{number}");
            assert!(!allowed(&british, number), "{number}");
        }
    }

    #[test]
    fn a_list_that_names_no_country_is_an_error() {
        for countries in ["XX", "SE,XX", "SWE", "*,SE", "001", "SE;NO"] {
            let error = policy(countries).unwrap_err();
            assert_eq!(
                error,
                EnvError::Invalid(COUNTRIES.to_owned()),
                "{countries}"
            );
        }
    }
}
