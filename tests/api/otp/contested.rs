//! A number that several accounts name, and none has shown to be theirs.

use latchkey_tests::{App, PASSWORD};
use serde_json::json;

use super::{NUMBER, by_number};

#[tokio::test]
async fn a_number_that_two_accounts_name_gets_no_code_until_its_owner_verifies_it() {
    let app = App::start().await;
    let more = json!({ "phoneNumber": NUMBER });
    app.person_with("mallory@example.com", &more).await;
    let ada = app.person_with("ada@example.com", &more).await;
    let adas = app.sign_in(&ada).await;
    // Whoever it is meant for, it would verify the number for the other.
    app.ask_otp(&by_number(NUMBER)).await.expect(202);
    assert_eq!(app.mails_to(NUMBER).await.len(), 0);
    app.try_otp(&by_number(NUMBER), "111111")
        .await
        .problem(400, "code_invalid");

    app.advance(61).await;
    let moved = app.move_to_number(&adas, NUMBER).await;
    assert_eq!(moved["user"]["phoneVerified"], true);
    let signed_in = app.try_sign_in(by_number(NUMBER), PASSWORD).await.json(200);
    assert_eq!(signed_in["user"]["id"], ada.id.as_str());
    // From then on there is no doubt whose it is.
    app.advance(61).await;
    let asked = app.ask_otp(&by_number(NUMBER)).await;
    let sent = app.mailed(asked, NUMBER, "otp_sms").await;
    let verified = app.try_otp(&by_number(NUMBER), &sent.code()).await;
    assert_eq!(verified.json(200)["user"]["id"], ada.id.as_str());
}

#[tokio::test]
async fn a_sign_up_that_nobody_verified_makes_a_number_doubtful_too() {
    let app = App::start().await;
    let more = json!({ "phoneNumber": NUMBER });
    app.person_with("ada@example.com", &more).await;
    app.sign_up_with("mallory@example.com", &more).await;
    app.ask_otp(&by_number(NUMBER)).await.expect(202);
    assert_eq!(app.mails_to(NUMBER).await.len(), 0);
}
