//! Several sign-ups for one address: what a mail opens that does not say which of them it means.

use latchkey_tests::{Answer, App, NEW_PASSWORD, PASSWORD};
use serde_json::{Value, json};

const EMAIL: &str = "ada@example.com";
const NUMBER: &str = "+46701740605";
const MALLORYS: &str = "somebody was here first";

/// Ada signs up, and so does somebody else with her address and ways in of their own.
async fn both_sign_up(app: &App, stranger_first: bool) {
    let strangers = json!({
        "password": MALLORYS,
        "username": "mallory",
        "phoneNumber": NUMBER,
    });
    if stranger_first {
        app.sign_up_with(EMAIL, &strangers).await;
        app.sign_up(EMAIL).await;
    } else {
        app.sign_up(EMAIL).await;
        app.sign_up_with(EMAIL, &strangers).await;
    }
}

async fn follow(app: &App, link_token: &str) -> Answer {
    let body = json!({ "token": link_token });
    let call = app.post("/api/auth/verify/email/link", &body);
    call.send().await
}

async fn resent_link(app: &App) -> String {
    let body = json!({ "email": EMAIL });
    let call = app.post("/api/auth/resend/verify/email", &body);
    call.send().await.expect(202);
    app.mail_to(EMAIL, "verify_email").await.link_token()
}

/// Claims that the account is active without any way in that came with a sign-up, and that its
/// owner gets in by the mailbox.
async fn claim_bare(app: &App, verified: &Value) {
    let user = &verified["user"];
    assert_eq!(
        (&user["status"], &user["emailVerified"]),
        (&json!("active"), &json!(true))
    );
    for password in [PASSWORD, MALLORYS] {
        for identity in [
            json!({ "email": EMAIL }),
            json!({ "username": "mallory" }),
            json!({ "phoneNumber": NUMBER }),
        ] {
            app.try_sign_in(identity, password)
                .await
                .problem(401, "invalid_credentials");
        }
    }
    let reset = app.mailed_reset(EMAIL).await;
    let body = reset.with(json!({ "email": EMAIL, "password": NEW_PASSWORD }));
    app.forgot_password(&body).await.expect(200);
    let identity = json!({ "email": EMAIL });
    let signed_in = app.try_sign_in(identity, NEW_PASSWORD).await.json(200);
    assert_eq!(signed_in["user"]["id"], user["id"]);
    for user in [user, &signed_in["user"]] {
        assert_eq!(user["username"], Value::Null);
        assert_eq!(user["phoneNumber"], Value::Null);
        assert_eq!(user["phoneVerified"], false);
    }
}

#[tokio::test]
async fn the_link_of_a_mail_that_was_asked_for_opens_an_account_without_a_strangers_ways_in() {
    for stranger_first in [false, true] {
        let app = App::start().await;
        both_sign_up(&app, stranger_first).await;
        let link = resent_link(&app).await;
        let verified = follow(&app, &link).await.json(200);
        claim_bare(&app, &verified).await;
    }
}

#[tokio::test]
async fn a_one_time_code_to_the_address_opens_one_without_them_too() {
    for stranger_first in [false, true] {
        let app = App::start().await;
        both_sign_up(&app, stranger_first).await;
        let name = json!({ "email": EMAIL });
        let sent = app.mailed(app.ask_otp(&name).await, EMAIL, "otp").await;
        let verified = app.try_otp(&name, &sent.code()).await.json(200);
        claim_bare(&app, &verified).await;
    }
}

#[tokio::test]
async fn what_the_account_was_opened_without_is_free_for_others() {
    let app = App::start().await;
    both_sign_up(&app, false).await;
    let link = resent_link(&app).await;
    follow(&app, &link).await.expect(200);
    let more = json!({ "username": "mallory", "phoneNumber": NUMBER });
    let eve = app.person_with("eve@example.com", &more).await;
    for identity in [
        json!({ "username": "mallory" }),
        json!({ "phoneNumber": NUMBER }),
    ] {
        let signed_in = app.try_sign_in(identity, PASSWORD).await.json(200);
        assert_eq!(signed_in["user"]["id"], eve.id.as_str());
    }
}

#[tokio::test]
async fn a_stranger_who_signs_up_after_the_mail_was_asked_for_gets_nothing_of_it() {
    let app = App::start().await;
    app.sign_up(EMAIL).await;
    let link = resent_link(&app).await;
    let more = json!({ "password": MALLORYS, "username": "mallory" });
    app.sign_up_with(EMAIL, &more).await;
    // Whether it still opens an account or not: none that the stranger gets into.
    let answer = follow(&app, &link).await;
    assert!(
        [200, 400].contains(&answer.status.as_u16()),
        "{}",
        answer.text
    );
    assert!(!app.opens(EMAIL, MALLORYS).await);
}

#[tokio::test]
async fn the_link_of_a_sign_ups_own_mail_keeps_its_own_password() {
    let app = App::start().await;
    let ada = app.sign_up_with(EMAIL, &json!({ "username": "ada" })).await;
    let link = app.mail_to(EMAIL, "verify_email").await.link_token();
    let more = json!({ "password": MALLORYS, "username": "mallory" });
    app.sign_up_with(EMAIL, &more).await;
    let verified = follow(&app, &link).await.json(200);
    assert_eq!(verified["user"]["id"], ada.user_id.as_str());
    assert_eq!(verified["user"]["username"], "ada");
    assert!(app.opens(EMAIL, PASSWORD).await);
    assert!(!app.opens(EMAIL, MALLORYS).await);
}
