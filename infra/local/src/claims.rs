//! Releases what an earlier process had claimed and did not live to finish.
//!
//! `courier` claims each mail for a minute before it sends it. In a deployment somebody else may
//! be sending it, so its next try waits that minute. Here the data directory is held by one
//! process alone: at its start every claim is a dead one's, and waiting would only delay the mail.

use std::collections::HashMap;

use aws_sdk_dynamodb::error::DisplayErrorContext;
use aws_sdk_dynamodb::types::AttributeValue;
use latchkey_shared::env::EnvError;
use latchkey_shared::platform::Platform;

/// Rows of deliveries begin with this.
const DELIVERY: &str = "delivery#";
/// The state of one that was claimed and is not known to be done.
const SENDING: &str = "sending";

/// Why claims could not be released.
#[derive(Debug, thiserror::Error)]
pub enum ClaimsError {
    /// The table is not named.
    #[error(transparent)]
    Setting(#[from] EnvError),
    /// The table could not be read or written.
    #[error("the claims of an earlier process can't be released: {0}")]
    Table(String),
}

/// Deletes all claims, wherever the mail they were for got to.
pub(crate) async fn release(platform: &Platform) -> Result<(), ClaimsError> {
    let table = platform.env.required("TOKENS_TABLE")?;
    let client = platform.dynamodb();
    let mut pages = client
        .scan()
        .table_name(table)
        .filter_expression("begins_with(pk, :delivery) AND #state = :sending")
        .projection_expression("pk")
        .expression_attribute_names("#state", "state")
        .expression_attribute_values(":delivery", AttributeValue::S(DELIVERY.to_owned()))
        .expression_attribute_values(":sending", AttributeValue::S(SENDING.to_owned()))
        .into_paginator()
        .items()
        .send();
    let mut claims: Vec<HashMap<String, AttributeValue>> = Vec::new();
    while let Some(claim) = pages.next().await {
        claims.push(claim.map_err(|error| failed(DisplayErrorContext(error)))?);
    }
    for key in claims {
        client
            .delete_item()
            .table_name(table)
            .set_key(Some(key))
            .send()
            .await
            .map_err(|error| failed(DisplayErrorContext(error)))?;
    }
    Ok(())
}

fn failed(error: impl std::fmt::Display) -> ClaimsError {
    ClaimsError::Table(error.to_string())
}
