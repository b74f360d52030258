//! What the rest of the service can do with locks, and what happens when they can't be counted.

use aws_sdk_dynamodb::Client as DynamoDb;
use aws_sdk_dynamodb::types::AttributeValue;
use latchkey_shared::env::Env;
use latchkey_shared::store::lockouts::Lockouts;

use super::*;

fn lockouts(app: &App) -> Lockouts {
    let env = Env::default()
        .with("USERS_TABLE", "latchkey-users")
        .with("EVENTS_TABLE", "latchkey-events");
    Lockouts::open(&DynamoDb::new(&app.stack.aws()), &env).unwrap()
}

#[tokio::test]
async fn an_unlocked_account_is_open_to_all_at_once() {
    let app = App::start().await;
    let person = app.person("ada@example.com").await;
    app.sign_in(&person).await;
    for _ in 0..5 {
        fails(&app, &ada()).await;
        let known = app.try_sign_in(ada(), WRONG).await;
        known.problem(401, "invalid_credentials");
    }
    locked_for(&app, &ada()).await;
    locked(app.try_sign_in(ada(), PASSWORD).await);

    lockouts(&app)
        .clear(person.id.parse().unwrap())
        .await
        .unwrap();
    app.sign_in(&person).await;
    for _ in 0..5 {
        fails(&app, &ada()).await;
    }
    about(locked_for(&app, &ada()).await, 60);
}

#[tokio::test]
async fn a_count_that_can_t_be_read_lets_nobody_in() {
    let app = App::start().await;
    let person = app.person("ada@example.com").await;
    fails(&app, &ada()).await;
    let dynamodb = DynamoDb::new(&app.stack.aws());
    dynamodb
        .put_item()
        .table_name("latchkey-users")
        .item("pk", AttributeValue::S(format!("user#{}", person.id)))
        .item("sk", AttributeValue::S("lockout#unknown".to_owned()))
        .item("tries", AttributeValue::S("many".to_owned()))
        .send()
        .await
        .unwrap();
    let answer = sign_in(&app, &ada(), PASSWORD).send().await;
    assert!(answer.headers.get("set-cookie").is_none());
    answer.problem(500, "internal_error");
}
