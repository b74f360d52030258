//! A right code or link with a password that is not taken.

use latchkey_tests::{App, NEW_PASSWORD, PASSWORD};
use serde_json::json;

use super::{by_link, to};

const EMAIL: &str = "countess@example.com";
/// The name of whoever signs up in these tests. The request does not hold it, so only who has
/// the code is told.
const NAMED: &str = "adalovelace1";

#[tokio::test]
async fn a_right_code_with_a_password_that_is_refused_is_not_tried_in_vain() {
    let app = App::start().await;
    app.person(EMAIL).await;
    let mailed = app.mailed_reset(EMAIL).await;
    for _ in 0..6 {
        let answer = app.forgot_password(&mailed.with(to(EMAIL, NAMED))).await;
        answer.problem(422, "password_weak");
    }
    app.forgot_password(&mailed.with(to(EMAIL, NEW_PASSWORD)))
        .await
        .expect(200);
    assert!(app.opens(EMAIL, NEW_PASSWORD).await);
}

#[tokio::test]
async fn nor_is_one_for_a_change_of_password() {
    let app = App::start().await;
    let ada = app.person(EMAIL).await;
    let device = app.sign_in(&ada).await;
    let asked = json!({ "password": NEW_PASSWORD });
    let asked = app.edit(&device, "password", &asked).await;
    let mailed = app.mailed(asked, EMAIL, "change_password").await;
    for _ in 0..6 {
        let body = mailed.with(json!({ "password": NAMED }));
        let answer = app.edit(&device, "password", &body).await;
        answer.problem(422, "password_weak");
    }
    let body = mailed.with(json!({ "password": NEW_PASSWORD }));
    app.edit(&device, "password", &body).await.expect(200);
    assert!(app.opens(EMAIL, NEW_PASSWORD).await);
}

#[tokio::test]
async fn an_account_that_is_held_does_not_take_its_present_password_back() {
    let app = App::start().await;
    let ada = app.person(EMAIL).await;
    let device = app.sign_in(&ada).await;
    let thiefs = "gravel umbrella seventeen hats";
    let body = json!({ "password": thiefs, "currentPassword": PASSWORD });
    app.edit(&device, "password", &body).await.expect(200);
    let told = app.mail_to(EMAIL, "password_changed").await;
    app.not_me(&told).await.expect(200);

    let unchanged = [("password".to_owned(), "unchanged".to_owned())];
    let mailed = app.mailed_reset(EMAIL).await;
    let link = mailed.mail.link_token();
    for _ in 0..6 {
        for body in [mailed.with(to(EMAIL, thiefs)), by_link(&link, thiefs)] {
            let answer = app.forgot_password(&body).await;
            assert_eq!(answer.bad_fields(), unchanged);
        }
    }
    // It is held as before, and both halves of the mail are as good as before.
    app.try_sign_in(json!({ "email": EMAIL }), thiefs)
        .await
        .problem(403, "account_security_issue");
    app.forgot_password(&mailed.with(to(EMAIL, NEW_PASSWORD)))
        .await
        .expect(200);
    assert!(app.opens(EMAIL, NEW_PASSWORD).await);
    assert!(!app.opens(EMAIL, thiefs).await);
}

#[tokio::test]
async fn the_link_works_with_another_password_after_that() {
    let app = App::start().await;
    let ada = app.person(EMAIL).await;
    let device = app.sign_in(&ada).await;
    app.move_to(&device, "mallory@example.com").await;
    let told = app.mail_to(EMAIL, "email_changed").await;
    app.not_me(&told).await.expect(200);
    // Also where the thief never changed it: they may have come in by it.
    let link = app.mailed_reset(EMAIL).await.mail.link_token();
    let answer = app.forgot_password(&by_link(&link, PASSWORD)).await;
    let unchanged = [("password".to_owned(), "unchanged".to_owned())];
    assert_eq!(answer.bad_fields(), unchanged);
    app.forgot_password(&by_link(&link, NEW_PASSWORD))
        .await
        .expect(200);
    assert!(app.opens(EMAIL, NEW_PASSWORD).await);
}
