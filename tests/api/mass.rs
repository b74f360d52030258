//! Two thousand people at once: no error, no duplicate, no lost event.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use latchkey_tests::{App, Client, Device, PASSWORD, Pending};
use serde_json::json;
use tokio::task::JoinSet;

const PEOPLE: usize = 2000;
const AT_ONCE: usize = 32;

/// Does something for each of the people, so many at once.
async fn for_each_person<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    app: &Arc<App>,
    each: impl Fn(Client, usize) -> F + Clone + Send + 'static,
) -> Vec<T> {
    let next = Arc::new(AtomicUsize::new(0));
    let mut workers = JoinSet::new();
    for _ in 0..AT_ONCE {
        let (next, each, client) = (next.clone(), each.clone(), app.deref().deref().clone());
        workers.spawn(async move {
            let mut done = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= PEOPLE {
                    return done;
                }
                done.push(each(client.clone(), number).await);
            }
        });
    }
    workers.join_all().await.into_iter().flatten().collect()
}

fn email(number: usize) -> String {
    format!("person{number}@example.com")
}

#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_sign_up_and_sign_in_thirty_two_at_once() {
    let app = Arc::new(App::start().await);

    let pending: Vec<Pending> = for_each_person(&app, async |client: Client, number| {
        client.sign_up(&email(number)).await
    })
    .await;
    let ids: BTreeSet<&str> = pending.iter().map(|one| one.user_id.as_str()).collect();
    assert_eq!(ids.len(), PEOPLE);

    // Every sign-up wrote its event, and every event became one mail.
    app.stack.settle().await;
    assert!(app.stack.dead_letters().is_empty());
    let mut codes = BTreeMap::new();
    for mail in app.inbox().await {
        assert_eq!(mail.template, "verify_email");
        let code = mail.code();
        assert!(codes.insert(mail.to, code).is_none(), "a second mail");
    }
    assert_eq!(codes.len(), PEOPLE);

    let pending: BTreeMap<String, Pending> = pending
        .into_iter()
        .map(|one| (one.email.clone(), one))
        .collect();
    let (codes, pending) = (Arc::new(codes), Arc::new(pending));
    let devices: Vec<Device> = for_each_person(&app, move |client: Client, number| {
        let (codes, pending) = (codes.clone(), pending.clone());
        async move {
            let email = email(number);
            let verified = client.try_code(&pending[&email], &codes[&email]).await;
            verified.expect(200);
            let identity = json!({ "email": email });
            let signed_in = client.try_sign_in(identity, PASSWORD).await.json(200);
            let device = Device::from(&signed_in);
            let list = client.get("/api/auth/sessions").bearer(&device.access);
            let list = list.send().await.json(200);
            let listed = list["sessions"].as_array().expect("a list");
            assert_eq!(listed.len(), 1, "{list}");
            assert_eq!(listed[0]["id"], device.session_id.as_str());
            device
        }
    })
    .await;
    let sessions: BTreeSet<&str> = devices
        .iter()
        .map(|device| device.session_id.as_str())
        .collect();
    assert_eq!(sessions.len(), PEOPLE);
    app.stack.settle().await;
    assert!(app.stack.dead_letters().is_empty());
    assert_eq!(app.inbox().await.len(), PEOPLE);
}
