//! Several changes, and which of them a link takes back.

use latchkey_tests::{App, Device, NEW_PASSWORD, PASSWORD};
use serde_json::{Value, json};

use super::{NEW, OLD, OTHER_PASSWORD, stolen};

const NUMBER: &str = "+46701740605";
const THIEFS_NUMBER: &str = "+46731740606";

#[tokio::test]
async fn the_first_link_takes_back_address_and_number_and_kills_the_thiefs_links() {
    let (app, ada, device) = stolen().await;
    app.move_to_number(&device, NUMBER).await;
    app.advance(61).await;
    app.move_to(&device, NEW).await;
    app.move_to_number(&device, THIEFS_NUMBER).await;
    let body = json!({ "password": OTHER_PASSWORD, "currentPassword": PASSWORD });
    app.edit(&device, "password", &body).await.expect(200);
    app.move_to(&device, "third@example.com").await;
    let thiefs = [
        app.mail_to(NEW, "phone_changed").await,
        app.mail_to(NEW, "password_changed").await,
        app.mail_to(NEW, "email_changed").await,
    ];
    let first = app.mail_to(OLD, "email_changed").await;
    app.not_me(&first).await.expect(200);

    app.reset_password(&ada, NEW_PASSWORD).await.expect(200);
    let identity = json!({ "email": OLD });
    let signed_in = app.try_sign_in(identity, NEW_PASSWORD).await.json(200);
    let user = &signed_in["user"];
    assert_eq!(user["id"], ada.id.as_str());
    assert_eq!(
        (&user["email"], &user["emailVerified"]),
        (&json!(OLD), &json!(true))
    );
    assert_eq!(
        (&user["phoneNumber"], &user["phoneVerified"]),
        (&json!(NUMBER), &json!(true))
    );
    // The thief's mailbox can neither take the account again nor shut Ada out.
    let owners = Device::from(&signed_in);
    for mail in &thiefs {
        app.not_me(mail).await.problem(400, "code_expired");
    }
    assert_eq!(&app.user(&owners).await, user);
    app.refresh(&owners.refresh).await.expect(200);
    for address in [NEW, "third@example.com"] {
        app.person(address).await;
    }
    app.try_sign_in(json!({ "phoneNumber": THIEFS_NUMBER }), NEW_PASSWORD)
        .await
        .problem(401, "invalid_credentials");
}

#[tokio::test]
async fn a_number_that_came_before_the_change_stays() {
    let (app, ada, device) = stolen().await;
    app.move_to_number(&device, NUMBER).await;
    app.advance(1).await;
    app.move_to(&device, NEW).await;
    app.not_me(&app.mail_to(OLD, "email_changed").await)
        .await
        .expect(200);
    app.reset_password(&ada, NEW_PASSWORD).await.expect(200);
    let by_number = json!({ "phoneNumber": NUMBER });
    let signed_in = app.try_sign_in(by_number, NEW_PASSWORD).await.json(200);
    assert_eq!(signed_in["user"]["email"], OLD);
}

/// Ada's account after it moved away and back, and then to a number.
async fn there_and_back(app: &App, device: &Device) {
    app.move_to(device, NEW).await;
    app.advance(61).await;
    app.move_to(device, OLD).await;
    app.move_to_number(device, NUMBER).await;
}

#[tokio::test]
async fn an_undo_after_there_and_back_does_not_bring_the_address_between() {
    for template in ["email_changed", "phone_changed"] {
        let (app, ada, device) = stolen().await;
        there_and_back(&app, &device).await;
        let told = app.mail_to(OLD, template).await;
        app.not_me(&told).await.expect(200);
        app.try_sign_in(json!({ "email": NEW }), PASSWORD)
            .await
            .problem(401, "invalid_credentials");
        app.reset_password(&ada, NEW_PASSWORD).await.expect(200);
        let identity = json!({ "email": OLD });
        let signed_in = app.try_sign_in(identity, NEW_PASSWORD).await.json(200);
        assert_eq!(signed_in["user"]["id"], ada.id.as_str(), "{template}");
        assert_eq!(signed_in["user"]["email"], OLD);
        assert_eq!(signed_in["user"]["phoneNumber"], Value::Null);
    }
}

#[tokio::test]
async fn after_there_and_back_the_first_link_wins_over_that_of_the_address_between() {
    for first_used in [true, false] {
        let (app, ada, device) = stolen().await;
        there_and_back(&app, &device).await;
        let first = app.mail_to(OLD, "email_changed").await;
        let between = app.mail_to(NEW, "email_changed").await;
        if !first_used {
            app.not_me(&between).await.expect(200);
        }
        app.not_me(&first).await.expect(200);
        app.not_me(&between).await.problem(400, "code_expired");
        app.reset_password(&ada, NEW_PASSWORD).await.expect(200);
        let identity = json!({ "email": OLD });
        let signed_in = app.try_sign_in(identity, NEW_PASSWORD).await.json(200);
        assert_eq!(signed_in["user"]["id"], ada.id.as_str());
        app.not_me(&between).await.problem(400, "code_expired");
        // Free for whoever owns it.
        app.person(NEW).await;
    }
}

#[tokio::test]
async fn an_account_that_is_shut_out_for_another_reason_does_not_come_back_with_a_thief_s_password()
{
    for status in ["blocked", "deactivated"] {
        let (app, ada, device) = stolen().await;
        let (_, admin) = app.first_admin().await;
        let body = json!({ "password": OTHER_PASSWORD, "currentPassword": PASSWORD });
        app.edit(&device, "password", &body).await.expect(200);
        let mail = app.mail_to(OLD, "password_changed").await;
        app.set_status(&admin, &ada, status).await.expect(200);
        let answer = app.not_me(&mail).await.json(200);
        assert_eq!(answer["status"], status);
        app.set_status(&admin, &ada, "active").await.expect(200);
        let identity = json!({ "email": OLD });
        for password in [OTHER_PASSWORD, PASSWORD] {
            let refused = app.try_sign_in(identity.clone(), password).await;
            refused.problem(401, "invalid_credentials");
        }
        app.reset_password(&ada, NEW_PASSWORD).await.expect(200);
        app.try_sign_in(identity, NEW_PASSWORD).await.expect(200);
    }
}
