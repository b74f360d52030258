//! The settings that the functions get here, under the names that the template gives them.

use std::fmt::Write as _;

use latchkey_shared::env::Env;
use secrecy::{ExposeSecret, SecretString};

use crate::aws::{CREDENTIAL, Endpoints, REGION};
use crate::capture::KEYS_SECRET_ID;
use crate::data_dir::{DataDir, DataDirError};
use crate::database::TableDefinition;

/// The settings that `cargo dev` takes over from its own environment. The others follow from
/// where the stack listens.
pub const OVERRIDABLE: [&str; 28] = [
    "ADMIN_MFA",
    "ALLOWED_ORIGINS",
    "APP_NAME",
    "ARGON2_ITERATIONS",
    "ARGON2_MEMORY_KIB",
    "ARGON2_PARALLELISM",
    "AUDIENCE",
    "BOOTSTRAP_ADMIN_EMAIL",
    "BREACHED_PASSWORDS_URL",
    "COOKIE_SAME_SITE",
    "EVENT_RETENTION_DAYS",
    "FRONT_END_URL",
    "MAILS_PER_DOMAIN_HOUR",
    "MAILS_PER_HOUR",
    "MAIL_CONFIGURATION_SET",
    "MAIL_FROM",
    "MFA_METHODS",
    "PUBLIC_URL",
    "RUST_LOG",
    "SMS_COUNTRIES",
    "SMS_MAX_PRICE",
    "SMS_PER_HOUR",
    "SMS_PER_PREFIX_HOUR",
    "SMS_PER_SOURCE_HOUR",
    "SMS_SENDER_ID",
    "SMS_TYPE",
    "WEBAUTHN_ORIGINS",
    "WEBAUTHN_RP_ID",
];

/// Origins of the usual development servers of front ends.
const FRONT_ENDS: &str = "http://localhost:3000,http://localhost:5173";

/// Where `cargo lambda watch --env-file` finds the settings.
const FILE: &str = "functions.env";

/// What the functions are told.
pub(crate) struct Settings {
    variables: Vec<(String, String)>,
}

impl Settings {
    /// The settings of a stack on this port, with these changes.
    pub(crate) fn new(
        port: u16,
        tables: &[TableDefinition],
        redis_url: Option<&SecretString>,
        overrides: &[(String, String)],
    ) -> Self {
        let url = format!("http://127.0.0.1:{port}");
        let redis_url = redis_url.map_or("memory:", |url| url.expose_secret());
        let origins = format!("{url},http://localhost:{port},{FRONT_ENDS}");
        // Browsers bind passkeys to names and not to addresses.
        let passkey_origins = format!("http://localhost:{port},{FRONT_ENDS}");
        let fixed = [
            ("ADMIN_MFA", "optional"),
            ("ALLOWED_ORIGINS", origins.as_str()),
            ("APP_NAME", "Latchkey"),
            ("BOOTSTRAP_ADMIN_EMAIL", "admin@latchkey.local"),
            ("COOKIE_SAME_SITE", "Strict"),
            ("KEYS_SECRET_ID", KEYS_SECRET_ID),
            ("MAIL_FROM", "no-reply@latchkey.local"),
            ("PUBLIC_URL", &url),
            ("REDIS_URL", redis_url),
            // Nobody pays for an SMS here.
            ("SMS_COUNTRIES", "*"),
            ("WEBAUTHN_ORIGINS", &passkey_origins),
            ("WEBAUTHN_RP_ID", "localhost"),
        ];
        let mut settings = Self {
            variables: tables
                .iter()
                .map(|table| (table.setting(), table.name.clone()))
                .collect(),
        };
        for (name, value) in fixed {
            settings.set(name, value);
        }
        for (name, value) in overrides {
            settings.set(name, value);
        }
        settings
    }

    /// The settings as functions read them.
    pub(crate) fn env(&self) -> Env {
        self.variables.iter().cloned().collect()
    }

    /// Writes the settings down with the endpoints, for functions that run elsewhere against this
    /// stack.
    pub(crate) fn write(&self, data: &DataDir, endpoints: &Endpoints) -> Result<(), DataDirError> {
        let mut text = String::new();
        let aws = [
            ("AWS_ENDPOINT_URL_DYNAMODB", endpoints.dynamodb.as_str()),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", &endpoints.capture),
            ("AWS_ENDPOINT_URL_SESV2", &endpoints.capture),
            ("AWS_ENDPOINT_URL_SNS", &endpoints.capture),
            ("AWS_ACCESS_KEY_ID", CREDENTIAL),
            ("AWS_SECRET_ACCESS_KEY", CREDENTIAL),
            ("AWS_REGION", REGION),
        ];
        let own = self.variables.iter();
        let own = own.map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in aws.into_iter().chain(own) {
            // Writing to a string can't fail.
            let _ = writeln!(text, "{name}={value}");
        }
        data.replace(FILE, &text)
    }

    fn set(&mut self, name: &str, value: &str) {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.to_owned(), value.to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_overridden_wins_and_the_rest_stays() {
        let overrides = [("APP_NAME".to_owned(), "Acme".to_owned())];
        let tables = TableDefinition::of_this_repository().unwrap();
        let settings = Settings::new(9000, &tables, None, &overrides);
        let env = settings.env();
        assert_eq!(env.optional("APP_NAME"), Some("Acme"));
        assert_eq!(env.optional("PUBLIC_URL"), Some("http://127.0.0.1:9000"));
        assert_eq!(env.optional("USERS_TABLE"), Some("latchkey-users"));
        assert_eq!(env.optional("REDIS_URL"), Some("memory:"));
        assert_eq!(
            env.list("ALLOWED_ORIGINS")[..2],
            ["http://127.0.0.1:9000", "http://localhost:9000"]
        );
    }

    #[test]
    fn the_file_for_other_processes_names_the_endpoints() {
        let path = tempfile::tempdir().unwrap();
        let data = DataDir::open(path.path()).unwrap();
        let endpoints = Endpoints {
            dynamodb: "http://127.0.0.1:1".into(),
            capture: "http://127.0.0.1:2".into(),
        };
        let settings = Settings::new(9000, &[], None, &[]);
        settings.write(&data, &endpoints).unwrap();
        let lines = data.lines(FILE).unwrap();
        for line in [
            "AWS_ENDPOINT_URL_DYNAMODB=http://127.0.0.1:1",
            "AWS_ENDPOINT_URL_SESV2=http://127.0.0.1:2",
            "AWS_ENDPOINT_URL_SNS=http://127.0.0.1:2",
            "KEYS_SECRET_ID=latchkey-keys",
        ] {
            assert!(lines.iter().any(|known| known == line), "{lines:?}");
        }
    }
}
