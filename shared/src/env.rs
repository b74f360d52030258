//! Settings, read once when a function starts.

use std::collections::HashMap;
use std::str::FromStr;

/// A setting is missing or makes no sense. It names the variable, never its value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvError {
    /// The variable is absent or empty.
    #[error("the setting {0} is missing")]
    Missing(String),
    /// The variable's value can't be read.
    #[error("the setting {0} is not valid")]
    Invalid(String),
}

/// The settings of a function. An empty variable counts as absent, because a template can't leave
/// one out by condition.
#[derive(Debug, Clone, Default)]
pub struct Env(HashMap<String, String>);

impl Env {
    /// The process's own environment.
    pub fn from_process() -> Self {
        std::env::vars().collect()
    }

    /// The variable, if it is there.
    pub fn optional(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(|value| value.trim())
            .filter(|value| !value.is_empty())
    }

    /// The variable, which must be there.
    pub fn required(&self, name: &str) -> Result<&str, EnvError> {
        self.optional(name)
            .ok_or_else(|| EnvError::Missing(name.to_owned()))
    }

    /// The variable read as a `T`, or the default.
    pub fn parsed_or<T: FromStr>(&self, name: &str, default: T) -> Result<T, EnvError> {
        self.optional(name).map_or(Ok(default), |value| {
            value
                .parse()
                .map_err(|_| EnvError::Invalid(name.to_owned()))
        })
    }

    /// The parts of a comma-separated variable.
    pub fn list(&self, name: &str) -> Vec<String> {
        self.optional(name)
            .unwrap_or_default()
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(ToOwned::to_owned)
            .collect()
    }

    /// The same settings with this one changed.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// A base URL, without the slash at its end.
    pub fn base_url(&self, name: &str) -> Result<String, EnvError> {
        let text = self.required(name)?;
        let url = url::Url::parse(text).map_err(|_| EnvError::Invalid(name.to_owned()))?;
        let good = matches!(url.scheme(), "https" | "http")
            && url.has_host()
            && url.query().is_none()
            && url.fragment().is_none();
        good.then(|| text.trim_end_matches('/').to_owned())
            .ok_or_else(|| EnvError::Invalid(name.to_owned()))
    }
}

impl FromIterator<(String, String)> for Env {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(variables: I) -> Self {
        Self(variables.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_variable_is_absent() {
        let env = Env::default().with("A", " ");
        assert_eq!(env.required("A"), Err(EnvError::Missing("A".into())));
        assert_eq!(env.parsed_or("A", 7), Ok(7));
    }

    #[test]
    fn a_value_that_makes_no_sense_is_an_error_and_not_the_default() {
        let env = Env::default().with("A", "many").with("U", "ftp://x");
        assert_eq!(env.parsed_or("A", 7), Err(EnvError::Invalid("A".into())));
        assert_eq!(env.base_url("U"), Err(EnvError::Invalid("U".into())));
    }

    #[test]
    fn a_base_url_has_no_slash_at_its_end() {
        let env = Env::default().with("U", "https://id.example.com/");
        assert_eq!(env.base_url("U"), Ok("https://id.example.com".into()));
    }
}
