//! The AWS clients' configuration: real clients, local endpoints.

use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use aws_smithy_http_client::Builder;
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};
use latchkey_shared::platform;

use crate::calls::CallLog;

/// The region that everything here is said to be in.
pub(crate) const REGION: &str = "eu-west-1";

/// The access key and secret key of the local stack; nothing checks them.
pub(crate) const CREDENTIAL: &str = "local";

/// One attempt at a call. More patient than in Lambda: forty stacks may share two cores.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);
/// All attempts at a call together.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(20);

/// Where the stand-ins for AWS listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// DynamoDB and its streams.
    pub dynamodb: String,
    /// SES v2, SNS and Secrets Manager.
    pub capture: String,
}

impl LoadServiceConfig for Endpoints {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        if key.env() != "AWS_ENDPOINT_URL" {
            return None;
        }
        let url = match key.service_id() {
            "DynamoDB" | "DynamoDB Streams" => &self.dynamodb,
            // Whatever else is called is refused there, and never leaves this machine.
            _ => &self.capture,
        };
        Some(url.clone())
    }
}

impl Endpoints {
    /// The configuration of clients of these endpoints, which looks nothing up: no environment,
    /// no profile, no instance metadata. With a log, calls of DynamoDB are noted in it.
    pub(crate) fn sdk_config(&self, log: Option<&CallLog>) -> SdkConfig {
        let credentials = Credentials::new(CREDENTIAL, CREDENTIAL, None, None, "local stack");
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(ATTEMPT_TIMEOUT)
            .operation_attempt_timeout(ATTEMPT_TIMEOUT)
            .operation_timeout(OPERATION_TIMEOUT)
            .build();
        // Plain HTTP: reading the machine's certificates would take longer than a whole test.
        let client = Builder::new().build_http();
        let client = match log {
            Some(log) => log.watch(client),
            None => client,
        };
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static(REGION))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .timeout_config(timeouts)
            .retry_config(platform::retries())
            .http_client(client)
            .service_config(self.clone())
            .build()
    }
}
