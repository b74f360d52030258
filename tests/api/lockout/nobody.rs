//! A lock does not tell who has an account.

use super::*;

/// All of an answer but the id of its request, the date, and a second more or less.
fn shape(answer: &Answer) -> (u16, Vec<(String, String)>, Value) {
    let mut headers: Vec<_> = answer
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .filter(|(name, _)| !["x-request-id", "date", "retry-after"].contains(&&**name))
        .collect();
    headers.sort();
    let mut body: Value = serde_json::from_str(&answer.text).unwrap();
    assert!(body["requestId"].take().is_string());
    (answer.status.as_u16(), headers, body)
}

fn retry_after(answer: &Answer) -> Option<i64> {
    Some(answer.header("retry-after")?.parse().unwrap())
}

#[tokio::test]
async fn an_account_that_does_not_exist_locks_just_the_same() {
    let app = app_with_ada().await;
    app.sign_up("pending@example.com").await;
    let names = [
        ada(),
        json!({ "email": "pending@example.com" }),
        json!({ "email": "nobody@example.com" }),
        json!({ "username": "nobody" }),
        json!({ "phoneNumber": "+46701740609" }),
    ];
    // Up to the first lock, in it, after it and in the second.
    for wait in [0, 0, 0, 0, 0, 0, 0, 61, 0, 121, 0] {
        if wait > 0 {
            app.advance(wait).await;
        }
        let mut shapes = Vec::new();
        let mut waits = Vec::new();
        for name in &names {
            let answer = sign_in(&app, name, WRONG).send().await;
            waits.push(retry_after(&answer).unwrap_or(0));
            shapes.push(shape(&answer));
        }
        shapes.dedup();
        assert_eq!(shapes.len(), 1, "{shapes:?}");
        let (least, most) = (waits.iter().min(), waits.iter().max());
        assert!(most.unwrap() - least.unwrap() <= 3, "{waits:?}");
    }
}

#[tokio::test]
async fn a_lock_costs_as_much_for_nobody_as_for_somebody() {
    let app = app_with_ada().await;
    let mut costs = Vec::new();
    for name in [ada(), json!({ "email": "nobody@example.com" })] {
        let mut cost = Vec::new();
        for _ in 0..7 {
            app.stack.settle().await;
            drop(app.stack.calls().take());
            sign_in(&app, &name, WRONG).send().await;
            let calls = app.stack.calls().take();
            let mut operations: Vec<_> = calls
                .dynamodb
                .iter()
                .map(|call| call.operation.clone())
                .collect();
            operations.sort();
            cost.push((operations, calls.dynamodb_depth(), calls.cache.len()));
        }
        costs.push(cost);
    }
    assert_eq!(costs[0], costs[1]);
}

#[tokio::test]
async fn signing_up_with_a_locked_address_tells_nothing_of_it() {
    let app = app_with_ada().await;
    let nobody = json!({ "email": "nobody@example.com" });
    for name in [ada(), nobody] {
        for _ in 0..5 {
            fails(&app, &name).await;
        }
        app.sign_up(name["email"].as_str().unwrap()).await;
        locked_for(&app, &name).await;
    }
}

#[tokio::test]
async fn a_right_password_before_verification_counts_as_wrong() {
    let app = App::start().await;
    app.sign_up("eve@example.com").await;
    let eve = json!({ "email": "eve@example.com" });
    for _ in 0..5 {
        let answer = sign_in(&app, &eve, PASSWORD).send().await;
        answer.problem(401, "invalid_credentials");
    }
    locked_for(&app, &eve).await;
}
