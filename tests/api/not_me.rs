//! `POST /api/auth/security/not-me`, and the page behind the mailed link.

mod chain;
mod race;

use latchkey_tests::{App, Device, Mail, PASSWORD, Person, at_once};
use serde_json::{Value, json};

const PATH: &str = "/api/auth/security/not-me";
const OLD: &str = "ada@example.com";
const NEW: &str = "mallory@example.com";
const OTHER_PASSWORD: &str = "gravel umbrella seventeen hats";

/// Ada, and a device of hers that a thief holds.
async fn stolen() -> (App, Person, Device) {
    let app = App::start().await;
    let ada = app.person(OLD).await;
    let device = app.sign_in(&ada).await;
    (app, ada, device)
}

async fn assert_signed_out(app: &App, device: &Device) {
    app.me(&device.access).await.problem(401, "unauthenticated");
    app.refresh(&device.refresh)
        .await
        .problem(401, "session_expired");
}

/// That nobody is in, and that Ada gets in as the mail told her.
async fn assert_held_until_reset(app: &App, ada: &Person, password: &str) {
    let identity = json!({ "email": ada.email });
    let held = app.try_sign_in(identity.clone(), password).await;
    held.problem(403, "account_security_issue");
    // Who does not know the password learns nothing of it.
    let wrong = app.try_sign_in(identity.clone(), "not the password").await;
    wrong.problem(401, "invalid_credentials");
    let fresh = "violet tractor under seven moons";
    app.reset_password(ada, fresh).await.expect(200);
    let signed_in = app.try_sign_in(identity, fresh).await.json(200);
    assert_eq!(signed_in["user"]["id"], ada.id.as_str());
    assert_eq!(signed_in["user"]["email"], ada.email.as_str());
    assert_eq!(signed_in["user"]["status"], "active");
}

async fn new_password(app: &App, device: &Device) -> Mail {
    let body = json!({ "password": OTHER_PASSWORD, "currentPassword": PASSWORD });
    app.edit(device, "password", &body).await.expect(200);
    app.mail_to(OLD, "password_changed").await
}

#[tokio::test]
async fn a_change_of_address_is_undone_and_everybody_is_out() {
    let (app, ada, device) = stolen().await;
    let other = app.sign_in(&ada).await;
    app.move_to(&device, NEW).await;
    let mail = app.mail_to(OLD, "email_changed").await;
    let answer = app.not_me(&mail).await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let expected = json!({ "status": "security_issue", "passwordResetRequired": true });
    assert_eq!(answer.json(200), expected);
    assert_signed_out(&app, &device).await;
    assert_signed_out(&app, &other).await;
    let held = app.mail_to(OLD, "account_held").await;
    assert!(!held.text.contains(NEW), "{}", held.text);
    // The address of the thief has no part in it any more.
    app.try_sign_in(json!({ "email": NEW }), PASSWORD)
        .await
        .problem(401, "invalid_credentials");
    let mails = app.mails_to(NEW).await.len();
    let ask = json!({ "email": NEW });
    app.patch("/api/auth/forgot/password", &ask)
        .send()
        .await
        .expect(202);
    assert_eq!(app.mails_to(NEW).await.len(), mails);
    assert_held_until_reset(&app, &ada, PASSWORD).await;
    // And is free for whoever owns it.
    app.person(NEW).await;
}

#[tokio::test]
async fn sessions_are_over_at_once_also_for_a_cache_that_is_trusted() {
    let (app, ada, _) = stolen().await;
    app.advance(20 * 60).await;
    let device = app.sign_in(&ada).await;
    app.move_to(&device, NEW).await;
    app.me(&device.access).await.expect(200);
    app.not_me(&app.mail_to(OLD, "email_changed").await)
        .await
        .expect(200);
    assert_signed_out(&app, &device).await;
}

#[tokio::test]
async fn a_change_of_number_is_undone() {
    let (app, ada, device) = stolen().await;
    app.move_to_number(&device, "+46701740605").await;
    app.move_to_number(&device, "+46701740606").await;
    let mail = app.mail_to(OLD, "phone_changed").await;
    app.not_me(&mail).await.expect(200);
    assert_signed_out(&app, &device).await;
    let by_new = json!({ "phoneNumber": "+46701740606" });
    app.try_sign_in(by_new, PASSWORD)
        .await
        .problem(401, "invalid_credentials");
    let by_old = json!({ "phoneNumber": "+46701740605" });
    app.try_sign_in(by_old.clone(), PASSWORD)
        .await
        .problem(403, "account_security_issue");
    assert_held_until_reset(&app, &ada, PASSWORD).await;
    let fresh = "violet tractor under seven moons";
    let user = app.try_sign_in(by_old, fresh).await.json(200)["user"].clone();
    assert_eq!(user["phoneVerified"], true);
}

#[tokio::test]
async fn a_first_number_is_taken_away_again() {
    let (app, ada, device) = stolen().await;
    app.move_to_number(&device, "+46701740605").await;
    let mail = app.mail_to(OLD, "phone_changed").await;
    app.not_me(&mail).await.expect(200);
    let by_number = json!({ "phoneNumber": "+46701740605" });
    app.try_sign_in(by_number, PASSWORD)
        .await
        .problem(401, "invalid_credentials");
    assert_held_until_reset(&app, &ada, PASSWORD).await;
    // It is free for its owner.
    app.advance(61).await;
    let eve = app.person("eve@example.com").await;
    app.move_to_number(&app.sign_in(&eve).await, "+46701740605")
        .await;
}

#[tokio::test]
async fn a_change_of_password_is_answered_with_a_new_one() {
    let (app, ada, device) = stolen().await;
    let mail = new_password(&app, &device).await;
    app.me(&device.access).await.expect(200);
    app.not_me(&mail).await.expect(200);
    assert_signed_out(&app, &device).await;
    let old = app.try_sign_in(json!({ "email": OLD }), PASSWORD).await;
    old.problem(401, "invalid_credentials");
    assert_held_until_reset(&app, &ada, OTHER_PASSWORD).await;
}

#[tokio::test]
async fn what_the_thief_had_asked_for_is_dead() {
    let (app, ada, device) = stolen().await;
    let mail = new_password(&app, &device).await;
    let token_id = app.ask_change(&device, "email", NEW).await;
    let code = app.mail_to(NEW, "change_email").await.code();
    let path = "/api/auth/forgot/password";
    app.patch(path, &json!({ "email": OLD }))
        .send()
        .await
        .expect(202);
    let reset = app.mail_to(OLD, "reset_password").await;
    app.not_me(&mail).await.expect(200);
    let answer = app
        .try_change(&device, "email", NEW, &token_id, &code)
        .await;
    answer.problem(401, "unauthenticated");
    let by_link = json!({ "password": PASSWORD, "token": reset.link_token() });
    app.patch(path, &by_link)
        .send()
        .await
        .problem(400, "code_expired");
    app.advance(61).await;
    assert_held_until_reset(&app, &ada, OTHER_PASSWORD).await;
}

/// Ada's account after a thief moved it twice: the mail to her address, and that to the next.
async fn moved_twice(app: &App, device: &Device) -> [Mail; 2] {
    app.move_to(device, NEW).await;
    app.move_to(device, "third@example.com").await;
    [
        app.mail_to(OLD, "email_changed").await,
        app.mail_to(NEW, "email_changed").await,
    ]
}

#[tokio::test]
async fn the_first_mail_of_a_chain_undoes_all_of_it() {
    let (app, ada, device) = stolen().await;
    let [first, second] = moved_twice(&app, &device).await;
    app.not_me(&first).await.expect(200);
    app.not_me(&second).await.problem(400, "code_expired");
    assert_held_until_reset(&app, &ada, PASSWORD).await;
    // Both addresses that the thief used are free.
    app.person(NEW).await;
    app.person("third@example.com").await;
    app.not_me(&second).await.problem(400, "code_expired");
}

#[tokio::test]
async fn the_second_mail_of_a_chain_does_not_keep_the_first_from_working() {
    let (app, ada, device) = stolen().await;
    let [first, second] = moved_twice(&app, &device).await;
    app.not_me(&second).await.expect(200);
    let at_second = app.try_sign_in(json!({ "email": NEW }), PASSWORD).await;
    at_second.problem(403, "account_security_issue");
    app.not_me(&first).await.expect(200);
    app.try_sign_in(json!({ "email": NEW }), PASSWORD)
        .await
        .problem(401, "invalid_credentials");
    assert_held_until_reset(&app, &ada, PASSWORD).await;
}

#[tokio::test]
async fn a_link_to_an_address_that_was_taken_back_is_dead() {
    let (app, ada, device) = stolen().await;
    app.move_to(&device, NEW).await;
    let body = json!({ "password": OTHER_PASSWORD, "currentPassword": PASSWORD });
    app.edit(&device, "password", &body).await.expect(200);
    app.move_to_number(&device, "+46701740605").await;
    let thiefs = [
        app.mail_to(NEW, "password_changed").await,
        app.mail_to(NEW, "phone_changed").await,
    ];
    app.not_me(&app.mail_to(OLD, "email_changed").await)
        .await
        .expect(200);
    assert_held_until_reset(&app, &ada, OTHER_PASSWORD).await;
    // The thief's mailbox can't shut Ada out again.
    for mail in thiefs {
        app.not_me(&mail).await.problem(400, "code_expired");
    }
}

#[tokio::test]
async fn the_link_of_a_new_password_works_after_the_address_was_moved_away() {
    let (app, _, device) = stolen().await;
    let mail = new_password(&app, &device).await;
    app.move_to(&device, NEW).await;
    app.not_me(&mail).await.expect(200);
    assert_signed_out(&app, &device).await;
}

#[tokio::test]
async fn a_link_works_once_for_seven_days() {
    let (app, ada, device) = stolen().await;
    let mail = new_password(&app, &device).await;
    app.not_me(&mail).await.expect(200);
    app.not_me(&mail).await.problem(400, "code_expired");
    assert_held_until_reset(&app, &ada, OTHER_PASSWORD).await;
    app.not_me(&mail).await.problem(400, "code_expired");

    let bob = app.person("bob@example.com").await;
    let bobs = app.sign_in(&bob).await;
    app.move_to(&bobs, "robert@example.com").await;
    let mail = app.mail_to("bob@example.com", "email_changed").await;
    app.advance(7 * 24 * 60 * 60).await;
    app.not_me(&mail).await.problem(400, "code_expired");
    app.try_sign_in(json!({ "email": "robert@example.com" }), PASSWORD)
        .await
        .expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_twenty_uses_at_once_one_succeeds() {
    let (app, ada, device) = stolen().await;
    app.move_to(&device, NEW).await;
    let mail = app.mail_to(OLD, "email_changed").await;
    let body = json!({ "token": mail.link_token() });
    let answers = at_once((0..20).map(|_| app.post(PATH, &body))).await;
    let count = |status: u16| answers.iter().filter(|a| a.status == status).count();
    assert_eq!((count(200), count(400)), (1, 19));
    assert_held_until_reset(&app, &ada, PASSWORD).await;
    let held = app.mails_to(OLD).await;
    assert_eq!(
        held.iter()
            .filter(|mail| mail.template == "account_held")
            .count(),
        1
    );
}

#[tokio::test]
async fn the_owner_reads_what_happened() {
    let (app, ada, device) = stolen().await;
    app.move_to(&device, NEW).await;
    app.not_me(&app.mail_to(OLD, "email_changed").await)
        .await
        .expect(200);
    app.reset_password(&ada, OTHER_PASSWORD).await.expect(200);
    let signed_in = app
        .try_sign_in(json!({ "email": OLD }), OTHER_PASSWORD)
        .await
        .json(200);
    let device = Device::from(&signed_in);
    let call = app.get("/api/auth/user/events").bearer(&device.access);
    let body: Value = call.send().await.json(200);
    let types: Vec<&str> = body["events"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|e| e["type"].as_str())
        .collect();
    for kind in [
        "user.email_changed",
        "user.change_rejected",
        "user.password_changed",
    ] {
        assert!(types.contains(&kind), "{types:?}");
    }
}
