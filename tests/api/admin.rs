//! `/api/admin`: who may, and what they can do.

mod access;
mod change_status;
mod plans;
mod unlock;
mod user_plan;

use aws_sdk_dynamodb::types::AttributeValue;
use latchkey_tests::App;

/// Writes somebody's roles into their row: there is no route for it yet.
async fn set_roles(app: &App, id: &str, roles: &[&str]) {
    let roles = roles.iter().map(|role| AttributeValue::S((*role).into()));
    aws_sdk_dynamodb::Client::new(&app.stack.aws())
        .update_item()
        .table_name("latchkey-users")
        .key("pk", AttributeValue::S(format!("user#{id}")))
        .key("sk", AttributeValue::S("profile".into()))
        .update_expression("SET #roles = :roles")
        .expression_attribute_names("#roles", "roles")
        .expression_attribute_values(":roles", AttributeValue::L(roles.collect()))
        .condition_expression("attribute_exists(pk)")
        .send()
        .await
        .unwrap();
}
