//! Counts of wrong passwords whose answers are lost (row D6), and locks whose own try died before it
//! could say so (row D8).

use latchkey_local::Options;
use latchkey_tests::{Answer, App, Fault, Life, PASSWORD, Rule};
use serde_json::json;

use crate::tables::Tables;

const WRONG: &str = "not the password";

async fn start() -> Life {
    Life::of(Options {
        hurried: true,
        ..Options::default()
    })
    .await
}

async fn sign_in(app: &App, email: &str, password: &str) -> Answer {
    app.try_sign_in(json!({ "email": email }), password).await
}

async fn fail(app: &App, email: &str, times: usize) {
    for _ in 0..times {
        let answer = sign_in(app, email, WRONG).await;
        answer.problem(401, "invalid_credentials");
    }
}

/// Every other count of a try is answered like this: each when it comes for the first time.
fn counts_are(fault: Fault) -> Rule {
    let mut counts = 0;
    Rule::of(move |seen| {
        if seen.operation != "UpdateItem" || !seen.body.contains("lockout#") {
            return Fault::None;
        }
        counts += 1;
        match counts % 2 {
            1 => fault.clone(),
            _ => Fault::None,
        }
    })
}

/// The fifth try is the last, and right. That its count was answered to nobody locks nobody out.
#[tokio::test]
async fn a_lost_answer_counts_no_password_twice() {
    let life = start().await;
    let app = &life.app;
    for lost in [Fault::LostAfter, Fault::CutReply] {
        let email = format!("{lost:?}@example.com").to_lowercase();
        app.person(&email).await;
        for _ in 0..4 {
            life.faults.store.faults(counts_are(lost.clone()));
            fail(app, &email, 1).await;
        }
        life.faults.store.faults(counts_are(lost));
        sign_in(app, &email, PASSWORD).await.expect(200);
        let calls = life.faults.store.seen();
        life.faults.lift();
        // As one of the first four, which it is not, and as the fifth: each came twice.
        let updates = calls.iter().filter(|call| *call == "UpdateItem").count();
        assert!(updates >= 4, "{calls:?}");
        Tables::of(app).await.hold("lost answers of counts");
    }
}

/// The fifth wrong try is counted, and dies before it can be told of. Nobody else was refused.
async fn lock_untold(life: &Life, email: &str) {
    fail(&life.app, email, 4).await;
    life.faults
        .store
        .faults(Rule::of(|seen| match seen.operation.as_str() {
            "TransactWriteItems" => Fault::Error(500, "InternalServerError"),
            _ => Fault::None,
        }));
    let died = sign_in(&life.app, email, WRONG).await;
    died.problem(503, "unavailable");
    life.faults.lift();
    // Until the breaker's pause is over.
    life.app.advance(2).await;
}

/// What the store is asked when a wrong password is tried.
async fn calls_of(life: &Life, email: &str, status: u16) -> Vec<String> {
    life.faults.store.faults(Rule::none());
    sign_in(&life.app, email, WRONG).await.expect(status);
    let mut calls = life.faults.store.seen();
    calls.sort();
    calls
}

#[tokio::test]
async fn a_lock_whose_try_died_is_told_of_by_who_comes_next() {
    // In the lock, when there is nobody to wait for any more, and after it.
    for (wait, next) in [(5, 429), (61, 401)] {
        let life = start().await;
        let ada = life.app.person("ada@example.com").await;
        lock_untold(&life, &ada.email).await;
        lock_untold(&life, "nobody@example.com").await;
        let locks = async || {
            let tables = Tables::of(&life.app).await;
            let locks = tables.events(&ada.id, "user.locked").cloned();
            locks.collect::<Vec<_>>()
        };
        assert_eq!(locks().await, []);
        life.app.advance(wait).await;

        let costs = calls_of(&life, &ada.email, next).await;
        let told = locks().await;
        // One that came after the lock has locked again.
        let expected = if next == 429 { 1 } else { 2 };
        assert_eq!(told.len(), expected, "{told:?}");
        // Who tells of the first isn't who caused it.
        assert!(!told[0].contains_key("ip"), "{told:?}");
        assert!(told[1..].iter().all(|lock| lock.contains_key("ip")));
        assert_eq!(costs, calls_of(&life, "nobody@example.com", next).await);

        let again = calls_of(&life, &ada.email, 429).await;
        assert!(again.len() < costs.len(), "{again:?} {costs:?}");
        assert_eq!(locks().await, told);
        life.app.advance(121).await;
        assert!(life.app.opens(&ada.email, PASSWORD).await);
        assert_eq!(locks().await, told);
    }
}
