//! Who knows the old password while it is replaced.

use latchkey_tests::{App, Device, NEW_PASSWORD, PASSWORD, at_once};
use serde_json::json;

use super::{PATH, by_link};

const ROUNDS: usize = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_session_that_began_with_the_old_password_survives() {
    let app = App::start().await;
    let mut began = 0;
    for round in 0..ROUNDS {
        let email = format!("ada{round}@example.com");
        app.person(&email).await;
        if round == ROUNDS / 4 {
            // From now on the cache is trusted, as it is every day.
            app.advance(20 * 60).await;
        }
        let mailed = app.mailed_reset(&email).await;
        let reset = by_link(&mailed.mail.link_token(), NEW_PASSWORD);
        let sign_in = json!({ "email": email, "password": PASSWORD, "tokenDelivery": "body" });
        let mut calls: Vec<_> = (0..8)
            .map(|_| app.post("/api/auth/sign-in", &sign_in))
            .collect();
        // Among them, so that some begin before it and some while it is written.
        calls.insert(round % 9, app.patch(PATH, &reset));
        let mut replaced = 0;
        let mut devices = Vec::new();
        for answer in at_once(calls).await {
            let status = answer.status.as_u16();
            if status != 200 {
                assert!([401, 409, 429].contains(&status), "{}", answer.text);
                continue;
            }
            let body = answer.json(200);
            if body["status"] == "password_changed" {
                replaced += 1;
            } else {
                devices.push(Device::from(&body));
            }
        }
        assert_eq!(replaced, 1, "round {round}");
        for device in &devices {
            app.claim_over(device).await;
            // Nor where only the cache is asked.
            let call = app.get("/api/auth/user/events").bearer(&device.access);
            call.send().await.problem(401, "unauthenticated");
        }
        began += devices.len();
    }
    // Else there was no race.
    assert!(began > 0);
}
