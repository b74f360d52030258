//! `PATCH /api/auth/edit/email` and `edit/phone`: nobody learns from them what is taken.

use latchkey_tests::{Answer, App, Device, PASSWORD, Person, other_code};
use serde_json::{Value, json};

// Masked alike.
const FREE: &str = "+46701740605";
const TAKEN: &str = "+46701741605";
const HELD: &str = "+46701742605";

/// The whole answer, without what differs between any two: ids and times.
fn shape(answer: &Answer) -> String {
    let mut body: Value = serde_json::from_str(&answer.text).unwrap();
    for member in ["tokenId", "expiresAt", "requestId"] {
        if body[member].is_string() {
            body[member] = json!("…");
        }
    }
    // A time may have a digit less than another, so the length may differ too.
    let individual = [
        "x-request-id",
        "date",
        "content-length",
        "retry-after",
        "ratelimit",
    ];
    let mut headers: Vec<String> = answer
        .headers
        .iter()
        .map(|(name, value)| match name.as_str() {
            name if individual.contains(&name) => name.to_owned(),
            name => format!("{name}: {value:?}"),
        })
        .collect();
    headers.sort();
    format!("{} {headers:?} {body}", answer.status)
}

/// Asks for a code to this address or number, asks again, and tries wrong codes: the answers, and
/// the work behind the first.
async fn looks(app: &App, device: &Device, what: &str, field: &str, to: &str) -> Vec<String> {
    let body = json!({ field: to });
    app.stack.settle().await;
    drop(app.stack.calls().take());
    let answer = app.edit(device, what, &body).await.expect(202);
    let calls = app.stack.calls().take();
    let operations: Vec<String> = calls.dynamodb.into_iter().map(|c| c.operation).collect();
    let mut looks = vec![
        format!("{operations:?} {:?}", calls.cache),
        shape(&answer),
        shape(&app.edit(device, what, &body).await),
    ];
    let challenge = answer.json(202);
    let token_id = challenge["tokenId"].as_str().unwrap();
    let mut sent = app.mails_to(to).await;
    sent.retain(|mail| mail.template == format!("change_{what}"));
    let right = sent.pop().map(|mail| mail.code()).unwrap_or_default();
    for _ in 0..6 {
        let answer = app.try_change(device, field, to, token_id, other_code(&right));
        looks.push(shape(&answer.await));
    }
    looks
}

/// A service whose cache is trusted, so that the work is counted as it is every day; somebody on
/// it, and somebody else with a device.
async fn ada_and_joe() -> (App, Person, Device) {
    let app = App::start().await;
    let ada = app.person("ada@example.com").await;
    let joe = app.person("a-held@example.com").await;
    app.me(&app.sign_in(&joe).await.access).await.expect(200);
    app.advance(20 * 60).await;
    let joes = app.sign_in(&joe).await;
    (app, ada, joes)
}

#[tokio::test]
async fn an_address_that_is_taken_looks_as_one_that_is_free() {
    let (app, ada, joes) = ada_and_joe().await;
    app.person("a-taken@example.com").await;
    app.sign_up("a-pending@example.com").await;
    app.move_to(&joes, "a-joe@example.com").await;
    let device = app.sign_in(&ada).await;
    let free = looks(&app, &device, "email", "email", "a-nobody@example.com").await;
    for email in [
        "a-taken@example.com",
        "a-pending@example.com",
        "a-held@example.com",
    ] {
        let taken = looks(&app, &device, "email", "email", email).await;
        assert_eq!(taken, free, "{email}");
    }
}

#[tokio::test]
async fn a_number_that_is_taken_looks_as_one_that_is_free() {
    let (app, ada, joes) = ada_and_joe().await;
    app.move_to_number(&joes, HELD).await;
    app.move_to_number(&joes, TAKEN).await;
    app.advance(61).await;
    let device = app.sign_in(&ada).await;
    let free = looks(&app, &device, "phone", "phoneNumber", FREE).await;
    for number in [TAKEN, HELD] {
        let taken = looks(&app, &device, "phone", "phoneNumber", number).await;
        assert_eq!(taken, free, "{number}");
    }
    app.try_sign_in(json!({ "phoneNumber": TAKEN }), PASSWORD)
        .await
        .expect(200);
}
