//! An unlock and the event that tells of it: both or neither (rows D3, D6).

use latchkey_local::Options;
use latchkey_tests::{App, Call, Device, Fault, Life, PASSWORD, Person, Rule};
use serde_json::json;

use crate::tables::Tables;

const EMAIL: &str = "ada@example.com";

/// A service on which an admin is signed in and somebody is locked out.
async fn with_ada_locked() -> (Life, Device, Person) {
    let life = Life::of(Options {
        hurried: true,
        ..Options::default()
    })
    .await;
    let (_, admin) = life.app.first_admin().await;
    let ada = life.app.person(EMAIL).await;
    for _ in 0..5 {
        let wrong = life.app.try_sign_in(json!({ "email": EMAIL }), "wrong");
        wrong.await.problem(401, "invalid_credentials");
    }
    claim_locked(&life.app).await;
    life.app.stack.settle().await;
    (life, admin, ada)
}

async fn claim_locked(app: &App) {
    let right = app.try_sign_in(json!({ "email": EMAIL }), PASSWORD).await;
    right.problem(429, "account_locked");
}

fn unlock(life: &Life, admin: &Device, person: &Person) -> Call {
    let path = format!("/api/admin/users/{}/unlock", person.id);
    let call = life.app.call(reqwest::Method::POST, &path);
    call.bearer(&admin.access)
}

#[tokio::test]
async fn who_can_t_be_told_to_be_unlocked_stays_locked() {
    let (life, admin, ada) = with_ada_locked().await;
    let before = Tables::of(&life.app).await;
    // What writes an event, by itself or with others.
    life.faults
        .store
        .faults(Rule::of(|seen| match seen.operation.as_str() {
            "PutItem" | "TransactWriteItems" => Fault::Error(500, "InternalServerError"),
            _ => Fault::None,
        }));
    let refused = unlock(&life, &admin, &ada).send().await;
    refused.problem(503, "unavailable");
    life.faults.lift();
    assert_eq!(Tables::of(&life.app).await, before);
    // Once the breaker's pause is over.
    life.app.advance(2).await;
    claim_locked(&life.app).await;

    unlock(&life, &admin, &ada).send().await.expect(200);
    let tables = Tables::of(&life.app).await;
    assert_eq!(tables.events(&ada.id, "user.unlocked").count(), 1);
    assert!(life.app.opens(EMAIL, PASSWORD).await);
}

#[tokio::test]
async fn an_unlock_whose_answer_was_lost_is_told_of_once() {
    let (life, admin, ada) = with_ada_locked().await;
    let mut lost = false;
    life.faults.store.faults(Rule::of(move |seen| {
        if lost || seen.operation != "TransactWriteItems" {
            return Fault::None;
        }
        lost = true;
        Fault::LostAfter
    }));
    unlock(&life, &admin, &ada).send().await.expect(200);
    let calls = life.faults.store.seen();
    life.faults.lift();
    let writes = calls.iter().filter(|call| *call == "TransactWriteItems");
    assert_eq!(writes.count(), 2, "{calls:?}");
    let tables = Tables::of(&life.app).await;
    assert_eq!(tables.events(&ada.id, "user.unlocked").count(), 1);
    assert!(life.app.opens(EMAIL, PASSWORD).await);
}
