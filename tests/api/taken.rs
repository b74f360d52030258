//! `PATCH /api/auth/edit/email` and `edit/phone`: nobody learns from them what is taken,
//! nor from what is shown afterwards.

use latchkey_tests::{Answer, App, Device, PASSWORD, Person, members, other_code};
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

/// What the owner of this device is shown of what happened, oldest first: what kind, and what is
/// said of it but for ids.
async fn history(app: &App, device: &Device) -> [Vec<String>; 2] {
    let kinds = |body: &Value| {
        let events = body["events"].as_array().unwrap();
        let kind = |event: &Value| {
            let mut data = event["data"].clone();
            for id in ["tokenId", "sessionId"] {
                if data[id].is_string() {
                    data[id] = json!("…");
                }
            }
            format!("{} {data} {:?}", event["type"], members(event))
        };
        let mut kinds: Vec<String> = events.iter().map(kind).collect();
        kinds.reverse();
        kinds
    };
    let get = |path: &str| app.get(path).bearer(&device.access).send();
    let events = get("/api/auth/user/events").await.json(200);
    let export = get("/api/auth/user/export").await.json(200);
    [kinds(&events), kinds(&export)]
}

#[tokio::test]
async fn what_happened_looks_the_same_for_a_free_and_a_taken_address() {
    let app = App::start().await;
    app.person("taken@example.com").await;
    let held = app.person("held@example.com").await;
    app.move_to(&app.sign_in(&held).await, "elsewhere@example.com")
        .await;
    let mut histories = Vec::new();
    for (n, wanted) in ["free", "taken", "held"].into_iter().enumerate() {
        let person = app.person(&format!("joe{n}@example.com")).await;
        let device = app.sign_in(&person).await;
        let wanted = format!("{wanted}@example.com");
        app.ask_change(&device, "email", &wanted).await;
        histories.push(history(&app, &device).await);
    }
    let [events, _] = &histories[0];
    let last = events.last().unwrap();
    assert!(last.contains("challenge.requested"), "{last}");
    assert_eq!(histories[0], histories[1]);
    assert_eq!(histories[0], histories[2]);
}

#[tokio::test]
async fn a_former_number_looks_the_same_whether_another_had_shown_it_to_be_theirs() {
    let app = App::start().await;
    let owner = app.person("owner@example.com").await;
    app.move_to_number(&app.sign_in(&owner).await, TAKEN).await;
    app.advance(61).await;
    let mut looks = Vec::new();
    for (n, number) in [FREE, TAKEN].into_iter().enumerate() {
        let email = format!("joe{n}@example.com");
        let more = json!({ "phoneNumber": number });
        let joe = app.person_with(&email, &more).await;
        let device = app.sign_in(&joe).await;
        app.move_to_number(&device, &format!("+4673174{n}607"))
            .await;
        let call = app.get("/api/auth/user/export").bearer(&device.access);
        let export = call.send().await.json(200);
        let [former] = &export["formerAddresses"].as_array().unwrap()[..] else {
            panic!("{export}");
        };
        let shown = members(former).join(" ");
        let text = former.to_string().replace(number, "…");
        let at = former["givenUpAt"].as_str().unwrap();
        looks.push((shown, text.replace(at, "…")));
    }
    assert!(looks[0].1.contains('…'));
    assert_eq!(looks[0], looks[1]);
}
