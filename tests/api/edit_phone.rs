//! `PATCH /api/auth/edit/phone`

use latchkey_tests::{Answer, App, Device, PASSWORD, Person, at_once, members, other_code};
use serde_json::{Value, json};

const PATH: &str = "/api/auth/edit/phone";
const FIRST: &str = "+46701740605";
const SECOND: &str = "+46701740606";
const THIRD: &str = "+46701740607";

async fn ada() -> (App, Person, Device) {
    let app = App::start().await;
    let ada = app.person("ada@example.com").await;
    let device = app.sign_in(&ada).await;
    (app, ada, device)
}

/// Somebody who gave this number when they signed up, and never showed it to be theirs.
async fn bob_with(app: &App, number: &str) -> (Person, Device) {
    let more = json!({ "phoneNumber": number });
    let bob = app.person_with("bob@example.com", &more).await;
    let device = app.sign_in(&bob).await;
    (bob, device)
}

async fn ask(app: &App, device: &Device, number: &str) -> (String, String) {
    let token_id = app.ask_change(device, "phoneNumber", number).await;
    let code = app.mail_to(number, "change_phone").await.code();
    (token_id, code)
}

async fn confirm(app: &App, device: &Device, number: &str, token_id: &str, code: &str) -> Answer {
    app.try_change(device, "phoneNumber", number, token_id, code)
        .await
}

/// Whose account the number signs in to.
async fn who_signs_in_by(app: &App, number: &str) -> Option<String> {
    let answer = app
        .try_sign_in(json!({ "phoneNumber": number }), PASSWORD)
        .await;
    if answer.status == 401 {
        answer.problem(401, "invalid_credentials");
        return None;
    }
    answer.json(200)["user"]["id"].as_str().map(str::to_owned)
}

#[tokio::test]
async fn the_code_goes_to_the_new_number_by_sms_and_moves_the_account() {
    let (app, ada, device) = ada().await;
    let before = app.user(&device).await;
    let mails = app.inbox().await.len();
    let answer = app
        .edit(&device, "phone", &json!({ "phoneNumber": FIRST }))
        .await;
    let challenge = answer.json(202);
    let documented = ["channel", "expiresAt", "resendAfter", "sentTo", "tokenId"];
    assert_eq!(members(&challenge), documented);
    assert_eq!(challenge["channel"], "sms");
    assert!(!challenge.to_string().contains("701740"), "{challenge}");
    assert_eq!(app.inbox().await.len(), mails + 1);
    assert_eq!(app.user(&device).await, before);

    let code = app.mail_to(FIRST, "change_phone").await.code();
    let token_id = challenge["tokenId"].as_str().unwrap();
    let answer = confirm(&app, &device, FIRST, token_id, &code)
        .await
        .json(200);
    let mut expected = before;
    expected["phoneNumber"] = json!(FIRST);
    expected["phoneVerified"] = json!(true);
    assert_eq!(answer, json!({ "user": expected }));
    assert_eq!(app.user(&device).await, expected);
    assert_eq!(who_signs_in_by(&app, FIRST).await, Some(ada.id));
    // The owner hears of it by mail, and can undo it.
    let told = app.mail_to("ada@example.com", "phone_changed").await;
    assert!(told.link().contains("/api/auth/security/not-me?token="));
    assert!(!told.text.contains(FIRST), "{}", told.text);
}

#[tokio::test]
async fn country_code_and_mobile_name_the_number_too() {
    let (app, _, device) = ada().await;
    let number = json!({ "countryCode": "+46", "mobile": "0701740605" });
    let challenge = app.edit(&device, "phone", &number).await.json(202);
    let mut body = number;
    body["tokenId"] = challenge["tokenId"].clone();
    body["code"] = json!(app.mail_to(FIRST, "change_phone").await.code());
    let user = app.edit(&device, "phone", &body).await.json(200)["user"].clone();
    assert_eq!(user["phoneNumber"], FIRST);
}

#[tokio::test]
async fn the_old_number_is_told_and_nobodys_for_seven_days() {
    let (app, ada, device) = ada().await;
    app.move_to_number(&device, FIRST).await;
    app.move_to_number(&device, SECOND).await;
    let told: Vec<String> = app
        .mails_to(FIRST)
        .await
        .into_iter()
        .map(|m| m.template)
        .collect();
    assert_eq!(told, ["change_phone", "phone_changed_sms"]);
    assert_eq!(who_signs_in_by(&app, FIRST).await, None);
    assert_eq!(who_signs_in_by(&app, SECOND).await, Some(ada.id));

    let (bob, bobs) = bob_with(&app, FIRST).await;
    assert_eq!(who_signs_in_by(&app, FIRST).await, None);
    let before = app.mails_to(FIRST).await.len();
    app.advance(61).await;
    let token_id = app.ask_change(&bobs, "phoneNumber", FIRST).await;
    assert_eq!(app.mails_to(FIRST).await.len(), before);
    let answer = confirm(&app, &bobs, FIRST, &token_id, "123456").await;
    answer.problem(400, "code_invalid");

    app.advance(7 * 24 * 60 * 60).await;
    let bobs = app.sign_in(&bob).await;
    app.move_to_number(&bobs, FIRST).await;
    assert_eq!(who_signs_in_by(&app, FIRST).await, Some(bob.id));
}

#[tokio::test]
async fn ones_own_number_is_verified_the_same_way() {
    let app = App::start().await;
    let (bob, device) = bob_with(&app, FIRST).await;
    let before = app.user(&device).await;
    assert_eq!(before["phoneVerified"], false);
    let after = app.move_to_number(&device, FIRST).await;
    assert_eq!(after["user"]["phoneVerified"], true);
    assert_eq!(who_signs_in_by(&app, FIRST).await, Some(bob.id));
    // Then there is nothing left to do.
    let answer = app
        .edit(&device, "phone", &json!({ "phoneNumber": FIRST }))
        .await;
    assert_eq!(
        answer.bad_fields(),
        [("phoneNumber".to_owned(), "unchanged".to_owned())]
    );
}

#[tokio::test]
async fn who_shows_a_number_to_be_theirs_gets_it_from_who_never_did() {
    let (app, ada, device) = ada().await;
    let (bob, bobs) = bob_with(&app, FIRST).await;
    assert_eq!(who_signs_in_by(&app, FIRST).await, Some(bob.id.clone()));
    app.move_to_number(&device, FIRST).await;
    assert_eq!(who_signs_in_by(&app, FIRST).await, Some(ada.id.clone()));
    app.try_sign_in(json!({ "email": bob.email }), PASSWORD)
        .await
        .expect(200);
    // Nor does the other get it back by asking again.
    app.advance(61).await;
    let token_id = app.ask_change(&bobs, "phoneNumber", FIRST).await;
    let answer = confirm(&app, &bobs, FIRST, &token_id, "123456").await;
    answer.problem(400, "code_invalid");
    // What the other does with their account later touches the number no more.
    app.advance(61).await;
    app.move_to_number(&bobs, SECOND).await;
    let body = json!({ "currentPassword": PASSWORD });
    let call = app
        .delete("/api/auth/user")
        .json(&body)
        .bearer(&bobs.access);
    call.send().await.expect(204);
    assert_eq!(who_signs_in_by(&app, FIRST).await, Some(ada.id));
}

#[tokio::test]
async fn a_verified_number_is_never_taken() {
    let (app, ada, device) = ada().await;
    app.move_to_number(&device, FIRST).await;
    let (bob, bobs) = bob_with(&app, FIRST).await;
    let mails = app.mails_to(FIRST).await.len();
    app.advance(61).await;
    let token_id = app.ask_change(&bobs, "phoneNumber", FIRST).await;
    assert_eq!(app.mails_to(FIRST).await.len(), mails);
    for left in [4, 3, 2, 1, 0] {
        let answer = confirm(&app, &bobs, FIRST, &token_id, "123456").await;
        assert_eq!(answer.problem(400, "code_invalid")["attemptsLeft"], left);
    }
    assert_eq!(who_signs_in_by(&app, FIRST).await, Some(ada.id));
    assert_eq!(app.user(&bobs).await["phoneVerified"], false);
    drop(bob);
}

#[tokio::test]
async fn a_number_verified_meanwhile_is_lost_to_a_code_that_was_on_its_way() {
    let (app, ada, device) = ada().await;
    let bob = app.person("bob@example.com").await;
    let bobs = app.sign_in(&bob).await;
    let (token_id, code) = ask(&app, &bobs, FIRST).await;
    app.advance(61).await;
    app.move_to_number(&device, FIRST).await;
    confirm(&app, &bobs, FIRST, &token_id, &code)
        .await
        .problem(400, "code_expired");
    assert_eq!(who_signs_in_by(&app, FIRST).await, Some(ada.id));
}

#[tokio::test]
async fn who_gave_up_a_number_that_another_won_can_still_undo_and_delete() {
    let app = App::start().await;
    let (bob, bobs) = bob_with(&app, FIRST).await;
    app.move_to_number(&bobs, SECOND).await;
    let ada = app.person("ada@example.com").await;
    let adas = app.sign_in(&ada).await;
    app.move_to_number(&adas, FIRST).await;
    assert_eq!(who_signs_in_by(&app, FIRST).await, Some(ada.id.clone()));

    let told = app.mail_to("bob@example.com", "phone_changed").await;
    app.not_me(&told).await.expect(200);
    assert_eq!(who_signs_in_by(&app, FIRST).await, Some(ada.id.clone()));
    app.reset_password(&bob, "gravel umbrella seventeen hats")
        .await
        .expect(200);
    let identity = json!({ "email": bob.email });
    let again = app
        .try_sign_in(identity, "gravel umbrella seventeen hats")
        .await
        .json(200);
    // What he never showed to be his he does not get back.
    assert_eq!(again["user"]["phoneNumber"], Value::Null);
    let call = app
        .delete("/api/auth/user")
        .bearer(again["accessToken"].as_str().unwrap());
    call.send().await.expect(204);
    assert_eq!(who_signs_in_by(&app, FIRST).await, Some(ada.id));
}

#[tokio::test]
async fn an_account_whose_former_number_another_won_can_be_deleted() {
    let app = App::start().await;
    let (_, bobs) = bob_with(&app, FIRST).await;
    app.move_to_number(&bobs, SECOND).await;
    let ada = app.person("ada@example.com").await;
    let adas = app.sign_in(&ada).await;
    app.move_to_number(&adas, FIRST).await;
    let call = app.delete("/api/auth/user").bearer(&bobs.access);
    call.send().await.expect(204);
    assert_eq!(who_signs_in_by(&app, FIRST).await, Some(ada.id));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_twenty_uses_of_a_code_at_once_one_succeeds() {
    let (app, _, device) = ada().await;
    let (token_id, code) = ask(&app, &device, FIRST).await;
    let body = json!({ "phoneNumber": FIRST, "tokenId": token_id, "code": code });
    let calls = (0..20).map(|_| app.patch(PATH, &body).bearer(&device.access));
    let answers = at_once(calls).await;
    let won = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(won, 1);
    for answer in answers {
        let status = answer.status.as_u16();
        assert!([200, 400, 409, 422].contains(&status), "{}", answer.text);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_who_race_for_an_unproven_number_one_wins_it_whole() {
    let (app, ada, device) = ada().await;
    let (_, bobs) = bob_with(&app, FIRST).await;
    let eve = app.person("eve@example.com").await;
    let eves = app.sign_in(&eve).await;
    let mut calls = Vec::new();
    for device in [&device, &eves] {
        let (token_id, code) = ask(&app, device, FIRST).await;
        let body = json!({ "phoneNumber": FIRST, "tokenId": token_id, "code": code });
        calls.push(app.patch(PATH, &body).bearer(&device.access));
        app.advance(61).await;
    }
    let answers = at_once(calls).await;
    let won = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(won, 1);
    let winner = who_signs_in_by(&app, FIRST).await.unwrap();
    assert!([&ada.id, &eve.id].contains(&&winner));
    for device in [&device, &bobs, &eves] {
        let user = app.user(device).await;
        assert_eq!(user["phoneVerified"], user["id"] == winner.as_str());
    }
}

#[tokio::test]
async fn codes_end_as_those_for_addresses_do() {
    let (app, ada, device) = ada().await;
    let (token_id, code) = ask(&app, &device, FIRST).await;
    let other_session = app.sign_in(&ada).await;
    confirm(&app, &other_session, FIRST, &token_id, &code)
        .await
        .problem(400, "code_expired");
    confirm(&app, &device, THIRD, &token_id, &code)
        .await
        .problem(400, "code_expired");
    let body = json!({ "email": "x@example.com", "tokenId": token_id, "code": code });
    app.edit(&device, "email", &body)
        .await
        .problem(400, "code_expired");
    let (newer, newer_code) = ask(&app, &device, SECOND).await;
    confirm(&app, &device, FIRST, &token_id, &code)
        .await
        .problem(400, "code_expired");
    for left in [4, 3, 2, 1, 0] {
        let answer = confirm(&app, &device, SECOND, &newer, other_code(&newer_code)).await;
        assert_eq!(answer.problem(400, "code_invalid")["attemptsLeft"], left);
    }
    confirm(&app, &device, SECOND, &newer, &newer_code)
        .await
        .problem(400, "code_expired");
    app.advance(11 * 60).await;
    let stale = app
        .edit(&device, "phone", &json!({ "phoneNumber": FIRST }))
        .await;
    stale.problem(403, "step_up_required");
}

#[tokio::test]
async fn a_number_gets_one_code_a_minute_and_three_an_hour() {
    let (app, _, device) = ada().await;
    let body = json!({ "phoneNumber": FIRST });
    for _ in 0..3 {
        app.edit(&device, "phone", &body).await.expect(202);
        app.edit(&device, "phone", &body)
            .await
            .problem(429, "rate_limited");
        app.advance(61).await;
    }
    app.edit(&device, "phone", &body)
        .await
        .problem(429, "rate_limited");
    assert_eq!(app.mails_to(FIRST).await.len(), 3);
}

#[tokio::test]
async fn no_code_goes_to_a_country_that_is_not_served() {
    let app = App::with(&[("SMS_COUNTRIES", "DE")]).await;
    let ada = app.person("ada@example.com").await;
    let device = app.sign_in(&ada).await;
    let answer = app
        .edit(&device, "phone", &json!({ "phoneNumber": FIRST }))
        .await;
    let fields = answer.bad_fields();
    assert_eq!((fields.len(), fields[0].0.as_str()), (1, "phoneNumber"));
    assert!(app.mails_to(FIRST).await.is_empty());
}

#[tokio::test]
async fn odd_bodies_are_refused_and_nothing_is_sent() {
    let (app, _, device) = ada().await;
    let mails = app.inbox().await.len();
    for number in [
        json!("0701740605"),
        json!("+4670174060\u{ff15}"),
        json!("+46701740605,+46701740606"),
        json!([FIRST, SECOND]),
        json!({ "$ne": "" }),
        json!(46_701_740_605_i64),
        json!(""),
        json!(null),
        json!(format!("+46{}", "7".repeat(40))),
    ] {
        let answer = app
            .edit(&device, "phone", &json!({ "phoneNumber": number }))
            .await;
        let fields = answer.bad_fields();
        assert_eq!(
            (fields.len(), fields[0].0.as_str()),
            (1, "phoneNumber"),
            "{number}"
        );
    }
    let body = json!({ "phoneNumber": FIRST, "phoneVerified": true });
    let fields = app.edit(&device, "phone", &body).await.bad_fields();
    assert_eq!(
        fields,
        [("phoneVerified".to_owned(), "unknown_field".to_owned())]
    );
    let call = app
        .call(reqwest::Method::PATCH, PATH)
        .bearer(&device.access);
    call.send().await.problem(400, "malformed_json");
    let anonymous = app.patch(PATH, &json!({ "phoneNumber": FIRST }));
    anonymous.send().await.problem(401, "unauthenticated");
    assert_eq!(app.inbox().await.len(), mails);
}
