//! Who is told of a lock.

use super::*;

async fn told(app: &App) -> usize {
    app.stack.settle().await;
    let mails = app.mails_to("ada@example.com").await;
    let locked = |mail: &&latchkey_tests::Mail| mail.template == "account_locked";
    mails.iter().filter(locked).count()
}

#[tokio::test]
async fn the_owner_is_told_once_an_hour() {
    let app = app_with_ada().await;
    for _ in 0..4 {
        fails(&app, &ada()).await;
    }
    assert_eq!(told(&app).await, 0);
    fails(&app, &ada()).await;
    locked_for(&app, &ada()).await;
    assert_eq!(told(&app).await, 1);
    let mail = app.mail_to("ada@example.com", "account_locked").await;
    assert!(mail.text.contains("From: 10."), "{}", mail.text);

    for _ in 0..8 {
        app.advance(901).await;
        fails(&app, &ada()).await;
    }
    let mails = told(&app).await;
    assert!((2..=4).contains(&mails), "{mails}");
}

#[tokio::test]
async fn a_lock_that_the_right_password_ended_is_not_told() {
    let app = app_with_ada().await;
    for _ in 0..4 {
        fails(&app, &ada()).await;
    }
    sign_in(&app, &ada(), PASSWORD).send().await.expect(200);
    assert_eq!(told(&app).await, 0);
}

#[tokio::test]
async fn each_lock_is_in_the_audit_log() {
    let app = app_with_ada().await;
    for _ in 0..5 {
        fails(&app, &ada()).await;
    }
    app.advance(61).await;
    fails(&app, &ada()).await;
    app.advance(121).await;
    let signed_in = app.try_sign_in(ada(), PASSWORD).await.json(200);
    let events = app
        .get("/api/auth/user/events")
        .bearer(signed_in["accessToken"].as_str().unwrap())
        .send()
        .await
        .json(200);
    let events = events["events"].as_array().unwrap();
    let locks: Vec<_> = events
        .iter()
        .filter(|event| event["type"] == "user.locked")
        .collect();
    assert_eq!(locks.len(), 2);
    for lock in locks {
        assert_eq!(lock["data"]["bucket"], "unknown_device", "{lock}");
        assert!(lock["data"]["until"].is_string(), "{lock}");
    }
}

#[tokio::test]
async fn nobody_is_told_of_a_name_without_an_account() {
    let app = App::start().await;
    app.sign_up("pending@example.com").await;
    for name in ["pending@example.com", "nobody@example.com"] {
        for _ in 0..5 {
            fails(&app, &json!({ "email": name })).await;
        }
    }
    app.stack.settle().await;
    let locked = |mail: &latchkey_tests::Mail| mail.template == "account_locked";
    assert!(!app.inbox().await.iter().any(locked));
    assert!(app.stack.dead_letters().is_empty());
}
