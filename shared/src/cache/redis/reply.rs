//! What Redis answers, over whichever wire, read strictly: what is not in the form of the answer is
//! an error and no answer.

use redis::Value;
use serde_json::Value as Json;

use crate::cache::CacheError;

/// The answer to one command.
#[derive(Debug, PartialEq)]
pub(super) struct Reply(Value);

/// Redis's own error in answer to a command, which had no effect.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It does not know the script of this hash.
    NoScript,
    /// Something that we did not write is under the key.
    Corrupt,
    /// Anything else.
    Other(Refused),
}

/// Redis refused. Only the error's code, since its text may quote the command.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("it answered {0}")]
pub(super) struct Refused(String);

impl Reply {
    pub(super) fn from_redis(value: Value) -> Self {
        Self(value)
    }

    /// An answer in JSON: Redis has no truth values, no fractions and no objects.
    pub(super) fn from_json(json: Json) -> Result<Self, CacheError> {
        Ok(Self(match json {
            Json::Null => Value::Nil,
            Json::Number(number) => Value::Int(number.as_i64().ok_or(CacheError::Corrupt)?),
            Json::String(text) => Value::BulkString(text.into_bytes()),
            Json::Array(items) => Value::Array(
                items
                    .into_iter()
                    .map(|item| Ok(Self::from_json(item)?.0))
                    .collect::<Result<_, CacheError>>()?,
            ),
            Json::Bool(_) | Json::Object(_) => return Err(CacheError::Corrupt),
        }))
    }

    pub(super) fn number(self) -> Result<i64, CacheError> {
        match self.0 {
            Value::Int(number) => Ok(number),
            _ => Err(CacheError::Corrupt),
        }
    }

    /// A 0 or a 1.
    pub(super) fn flag(self) -> Result<bool, CacheError> {
        match self.0 {
            Value::Int(0) => Ok(false),
            Value::Int(1) => Ok(true),
            _ => Err(CacheError::Corrupt),
        }
    }

    pub(super) fn optional_text(self) -> Result<Option<String>, CacheError> {
        match self.0 {
            Value::Nil => Ok(None),
            Value::Okay => Ok(Some("OK".to_owned())),
            Value::SimpleString(text) => Ok(Some(text)),
            Value::BulkString(text) => String::from_utf8(text)
                .map(Some)
                .map_err(|_| CacheError::Corrupt),
            _ => Err(CacheError::Corrupt),
        }
    }

    pub(super) fn expect_text(self, text: &str) -> Result<(), CacheError> {
        match self.optional_text()? {
            Some(found) if found == text => Ok(()),
            _ => Err(CacheError::Corrupt),
        }
    }

    pub(super) fn list(self) -> Result<Vec<Self>, CacheError> {
        match self.0 {
            Value::Array(items) => Ok(items.into_iter().map(Self).collect()),
            _ => Err(CacheError::Corrupt),
        }
    }

    pub(super) fn three(self) -> Result<[Self; 3], CacheError> {
        self.list()?.try_into().map_err(|_| CacheError::Corrupt)
    }
}

impl Refusal {
    /// Reads an error: its code and then its text. Within a script, servers before 7 put the code
    /// somewhere in the text.
    pub(super) fn from_text(text: &str) -> Self {
        if text.contains("NOSCRIPT") {
            return Self::NoScript;
        }
        if text.contains("CORRUPT") || text.contains("WRONGTYPE") {
            return Self::Corrupt;
        }
        let code = text.split_whitespace().next().unwrap_or_default();
        let is_code = !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_uppercase());
        Self::Other(Refused(if is_code { code } else { "an error" }.to_owned()))
    }
}

impl From<Refusal> for CacheError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Corrupt => Self::Corrupt,
            // It was spelled out and is still not known.
            Refusal::NoScript => Self::Unavailable(Refused("NOSCRIPT".to_owned()).into()),
            Refusal::Other(refused) => Self::Unavailable(refused.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn reply(json: Json) -> Reply {
        Reply::from_json(json).unwrap()
    }

    #[test]
    fn an_answer_of_another_form_is_no_answer() {
        for json in [json!(true), json!({}), json!(1.5), json!([1, [false]])] {
            assert!(Reply::from_json(json).is_err());
        }
        for json in [json!(2), json!("1"), json!(null), json!([1])] {
            assert!(reply(json).flag().is_err());
        }
        assert!(reply(json!("1")).number().is_err());
        assert!(reply(json!(1)).optional_text().is_err());
        assert!(reply(json!([1, 2])).three().is_err());
        assert!(reply(json!([1, 2, 3, 4])).three().is_err());
        assert!(reply(json!(null)).expect_text("OK").is_err());
    }

    #[test]
    fn an_error_is_told_by_its_code_alone() {
        for (text, told) in [
            (
                "ERR unknown command, with args beginning with: 'hunter2'",
                "it answered ERR",
            ),
            ("hunter2 is wrong", "it answered an error"),
            ("", "it answered an error"),
        ] {
            let CacheError::Unavailable(source) = Refusal::from_text(text).into() else {
                panic!("{text}");
            };
            assert_eq!(source.to_string(), told);
        }
        let corrupt = Refusal::from_text("ERR Error running script: user_script:9: CORRUPT");
        assert_eq!(corrupt, Refusal::Corrupt);
    }

    proptest! {
        #[test]
        fn reading_any_error_never_panics(text in any::<String>()) {
            let _ = Refusal::from_text(&text);
        }
    }
}
