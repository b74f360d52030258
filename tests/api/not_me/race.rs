//! The owner against a thief who keeps changing things.

use latchkey_tests::{App, PASSWORD, Person, at_once};
use serde_json::json;

use super::PATH;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_owner_never_loses_to_another_change_at_the_same_time() {
    let app = App::start().await;
    let mut lost = 0;
    for round in 0..20 {
        let old = format!("ada{round}@example.com");
        let ada: Person = app.person(&old).await;
        let device = app.sign_in(&ada).await;
        let second = format!("mallory{round}@example.com");
        app.move_to(&device, &second).await;
        let told = app.mail_to(&old, "email_changed").await;
        let third = format!("trent{round}@example.com");
        let token_id = app.ask_change(&device, "email", &third).await;
        let code = app.mail_to(&third, "change_email").await.code();
        let thiefs = json!({ "email": third, "tokenId": token_id, "code": code });
        let owners = json!({ "token": told.link_token() });
        let mut calls = vec![
            app.patch("/api/auth/edit/email", &thiefs)
                .bearer(&device.access),
            app.post(PATH, &owners),
        ];
        if round % 2 == 1 {
            calls.reverse();
        }
        let mut held = 0;
        for answer in at_once(calls).await {
            if answer.status == 200 {
                held += usize::from(answer.text.contains("passwordResetRequired"));
            } else {
                let status = answer.status.as_u16();
                assert!([400, 401, 409].contains(&status), "{}", answer.text);
                lost += 1;
            }
        }
        assert_eq!(held, 1, "round {round}");
        app.claim_over(&device).await;
        app.try_sign_in(json!({ "email": old }), PASSWORD)
            .await
            .problem(403, "account_security_issue");
        for address in [second, third] {
            app.try_sign_in(json!({ "email": address }), PASSWORD)
                .await
                .problem(401, "invalid_credentials");
            // Nor is it lost to whoever owns it.
            app.person(&address).await;
        }
    }
    // Else there was no race.
    assert!(lost < 20, "the thief never was first");
}
