//! `PATCH /api/auth/edit/email`: who moves, and what becomes of both addresses.

use latchkey_shared::clock::Clock;
use latchkey_tests::{Answer, App, Device, PASSWORD, Person, at_once, members};
use serde_json::{Value, json};

const PATH: &str = "/api/auth/edit/email";
const OLD: &str = "ada@example.com";
const NEW: &str = "lovelace@example.com";

/// How long the old address is held for who gave it up.
const WEEK: i64 = 7 * 24 * 60 * 60;

async fn ada() -> (App, Person, Device) {
    let app = App::start().await;
    let ada = app.person(OLD).await;
    let device = app.sign_in(&ada).await;
    (app, ada, device)
}

async fn confirm(app: &App, device: &Device, token_id: &str, code: &str) -> Answer {
    app.try_change(device, "email", NEW, token_id, code).await
}

async fn templates_to(app: &App, address: &str) -> Vec<String> {
    let mails = app.mails_to(address).await;
    mails.into_iter().map(|mail| mail.template).collect()
}

#[tokio::test]
async fn the_code_goes_to_the_new_address_alone_and_moves_the_account() {
    let (app, ada, device) = ada().await;
    let before = app.user(&device).await;
    let mails = app.inbox().await.len();
    let answer = app.edit(&device, "email", &json!({ "email": NEW })).await;
    let policy = answer.header("ratelimit-policy").unwrap().to_owned();
    assert!(
        policy.contains("q=1;w=60") && policy.contains("q=3;w=3600"),
        "{policy}"
    );
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let challenge = answer.json(202);
    let documented = ["channel", "expiresAt", "resendAfter", "sentTo", "tokenId"];
    assert_eq!(members(&challenge), documented);
    assert_eq!(challenge["channel"], "email");
    assert!(!challenge.to_string().contains("lovelace"), "{challenge}");
    assert_eq!(app.inbox().await.len(), mails + 1);
    // Until the code is there, nothing has happened.
    assert_eq!(app.user(&device).await, before);

    let code = app.mail_to(NEW, "change_email").await.code();
    let token_id = challenge["tokenId"].as_str().unwrap();
    let answer = confirm(&app, &device, token_id, &code).await.json(200);
    let mut expected = before;
    expected["email"] = json!(NEW);
    assert_eq!(answer, json!({ "user": expected }));
    assert_eq!(app.user(&device).await, expected);

    let new = app
        .try_sign_in(json!({ "email": NEW }), PASSWORD)
        .await
        .json(200);
    assert_eq!(new["user"]["id"], ada.id.as_str());
    let old = app.try_sign_in(json!({ "email": OLD }), PASSWORD).await;
    old.problem(401, "invalid_credentials");
}

#[tokio::test]
async fn both_addresses_are_told_and_only_the_old_one_can_undo() {
    let (app, _, device) = ada().await;
    app.move_to(&device, NEW).await;
    let told = app.mail_to(OLD, "email_changed").await;
    assert!(
        told.link()
            .starts_with(&format!("{}/api/auth/security/not-me?", app.url()))
    );
    // Whoever reads the old mailbox may not be the owner of the new one.
    assert!(!told.text.contains(NEW) && !told.html.contains(NEW));
    let confirmed = app.mail_to(NEW, "email_confirmed").await;
    assert!(!confirmed.text.contains("?token="), "{}", confirmed.text);
    assert_eq!(
        templates_to(&app, NEW).await,
        ["change_email", "email_confirmed"]
    );
}

#[tokio::test]
async fn the_old_address_is_nobodys_for_seven_days_and_then_free() {
    let (app, ada, device) = ada().await;
    app.move_to(&device, NEW).await;
    let fresh = app.sign_up("fresh@example.com").await;
    for wait in [1, WEEK - 60] {
        app.advance(wait).await;
        let before = app.inbox().await.len();
        // It looks as any sign-up, and nothing comes of it: nobody hears of it, neither there nor
        // where its owner is now.
        let sign_up = app.sign_up(OLD).await;
        assert_eq!(sign_up.user_id.len(), fresh.user_id.len());
        assert_eq!(app.inbox().await.len(), before);
        let answer = app.try_code(&sign_up, "111111").await;
        assert_eq!(answer.problem(400, "code_invalid")["attemptsLeft"], 4);
        app.try_sign_in(json!({ "email": OLD }), PASSWORD)
            .await
            .expect(401);
    }
    app.advance(120).await;
    let eve = app.person(OLD).await;
    assert_ne!(eve.id, ada.id);
    app.sign_in(&eve).await;
}

#[tokio::test]
async fn another_account_cannot_move_to_an_address_that_is_held() {
    let (app, _, device) = ada().await;
    app.move_to(&device, NEW).await;
    let eve = app.person("eve@example.com").await;
    let eves = app.sign_in(&eve).await;
    app.advance(61).await;
    let mails = app.inbox().await.len();
    let token_id = app.ask_change(&eves, "email", OLD).await;
    // Neither who gave it up nor the address itself hears of it.
    assert_eq!(app.inbox().await.len(), mails);
    let answer = app
        .try_change(&eves, "email", OLD, &token_id, "111111")
        .await;
    answer.problem(400, "code_invalid");
    // Its owner goes back as they came.
    app.advance(61).await;
    app.move_to(&device, OLD).await;
    app.try_sign_in(json!({ "email": OLD }), PASSWORD)
        .await
        .expect(200);
}

#[tokio::test]
async fn who_has_the_address_is_told_once_an_hour_and_gets_no_code() {
    let (app, _, _) = ada().await;
    let eve = app.person("eve@example.com").await;
    let before = app.mails_to("eve@example.com").await.len();
    // Begins at a full hour, so that two requests a minute apart are in one.
    let hour = 60 * 60;
    let now = app.stack.clock().now().as_second();
    app.advance(hour - now.rem_euclid(hour) + 1).await;
    let signed_in = app
        .try_sign_in(json!({ "email": OLD }), PASSWORD)
        .await
        .json(200);
    let again = Device::from(&signed_in);
    for _ in 0..2 {
        let token_id = app.ask_change(&again, "email", &eve.email).await;
        let answer = app
            .try_change(&again, "email", &eve.email, &token_id, "123456")
            .await;
        answer.problem(400, "code_invalid");
        app.advance(61).await;
    }
    let told: Vec<_> = app.mails_to("eve@example.com").await.split_off(before);
    let [mail] = &told[..] else {
        panic!("{told:?}");
    };
    assert_eq!(mail.template, "address_wanted");
    assert!(!mail.text.contains(OLD), "{}", mail.text);
    app.advance(hour).await;
    let signed_in = app
        .try_sign_in(json!({ "email": OLD }), PASSWORD)
        .await
        .json(200);
    app.ask_change(&Device::from(&signed_in), "email", &eve.email)
        .await;
    assert_eq!(app.mails_to("eve@example.com").await.len(), before + 2);
}

#[tokio::test]
async fn a_sign_up_that_nobody_verified_loses_its_address_to_the_change() {
    let (app, ada, device) = ada().await;
    let pending = app.sign_up(NEW).await;
    let mail = app.mail_to(NEW, "verify_email").await;
    app.move_to(&device, NEW).await;
    app.try_code(&pending, &mail.code())
        .await
        .problem(400, "code_expired");
    let link = json!({ "token": mail.link_token() });
    let call = app.post("/api/auth/verify/email/link", &link);
    call.send().await.problem(400, "code_expired");
    let signed_in = app
        .try_sign_in(json!({ "email": NEW }), PASSWORD)
        .await
        .json(200);
    assert_eq!(signed_in["user"]["id"], ada.id.as_str());
}

#[tokio::test]
async fn a_sign_up_that_verifies_first_keeps_its_address() {
    let (app, _, device) = ada().await;
    let token_id = app.ask_change(&device, "email", NEW).await;
    let code = app.mail_to(NEW, "change_email").await.code();
    let eve = app.person(NEW).await;
    confirm(&app, &device, &token_id, &code)
        .await
        .problem(400, "code_expired");
    assert_eq!(app.user(&device).await["email"], OLD);
    app.sign_in(&eve).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_users_who_race_for_an_address_one_wins() {
    let (app, _, device) = ada().await;
    let bob = app.person("bob@example.com").await;
    let bobs = app.sign_in(&bob).await;
    let mut calls = Vec::new();
    for device in [&device, &bobs] {
        let token_id = app.ask_change(device, "email", NEW).await;
        let code = app.mail_to(NEW, "change_email").await.code();
        let body = json!({ "email": NEW, "tokenId": token_id, "code": code });
        calls.push(app.patch(PATH, &body).bearer(&device.access));
        app.advance(61).await;
    }
    let answers = at_once(calls).await;
    let mut statuses: Vec<u16> = answers
        .iter()
        .map(|answer| answer.status.as_u16())
        .collect();
    statuses.sort_unstable();
    assert_eq!(statuses[0], 200);
    assert!([400, 409].contains(&statuses[1]), "{statuses:?}");
    let have = [app.user(&device).await, app.user(&bobs).await];
    assert_eq!(have.iter().filter(|user| user["email"] == NEW).count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_twenty_uses_of_a_code_at_once_one_succeeds() {
    let (app, _, device) = ada().await;
    let token_id = app.ask_change(&device, "email", NEW).await;
    let code = app.mail_to(NEW, "change_email").await.code();
    let body = json!({ "email": NEW, "tokenId": token_id, "code": code });
    let calls = (0..20).map(|_| app.patch(PATH, &body).bearer(&device.access));
    let answers = at_once(calls).await;
    let won = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(won, 1);
    for answer in answers {
        let status = answer.status.as_u16();
        assert!([200, 400, 409, 422].contains(&status), "{}", answer.text);
    }
    // One change, one pair of mails.
    assert_eq!(
        templates_to(&app, NEW).await,
        ["change_email", "email_confirmed"]
    );
    assert_eq!(
        templates_to(&app, OLD).await,
        ["verify_email", "email_changed"]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_mail_speaks_for_the_address_that_it_went_to() {
    let (app, _, device) = ada().await;
    let mut calls = Vec::new();
    for email in [NEW, "mallory@example.com"] {
        let call = app.patch(PATH, &json!({ "email": email }));
        calls.push(call.bearer(&device.access));
    }
    let ids: Vec<Value> = at_once(calls)
        .await
        .into_iter()
        .map(|a| a.json(202)["tokenId"].clone())
        .collect();
    let codes = [
        app.mail_to(NEW, "change_email").await.code(),
        app.mail_to("mallory@example.com", "change_email")
            .await
            .code(),
    ];
    // Whatever is put together, nobody moves to an address whose mail they have not read.
    for token_id in &ids {
        let token_id = token_id.as_str().unwrap();
        let answer = confirm(&app, &device, token_id, &codes[1]).await;
        assert_ne!(answer.status, 200, "{}", answer.text);
    }
    assert_eq!(app.user(&device).await["email"], OLD);
}
