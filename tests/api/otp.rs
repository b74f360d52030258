//! `POST /api/auth/generate-otp` and `POST /api/auth/verify-otp`

mod attempts;
mod contested;
mod decoys;
mod fields;
mod limits;

use latchkey_shared::clock::Clock as _;
use latchkey_tests::{Answer, App, Client, Mailed, NEW_PASSWORD, PASSWORD, at_once, members};
use serde_json::{Value, json};

const VERIFY: &str = "/api/auth/verify-otp";
const NUMBER: &str = "+46701740605";

/// Asks for a code by this name and reads the mail or SMS that brings it.
async fn mailed(app: &Client, name: &Value, to: &str) -> Mailed {
    let template = if to.starts_with('+') {
        "otp_sms"
    } else {
        "otp"
    };
    let asked = app.ask_otp(name).await;
    app.mailed(asked, to, template).await
}

fn by_email(email: &str) -> Value {
    json!({ "email": email })
}

fn by_number(number: &str) -> Value {
    json!({ "phoneNumber": number })
}

/// How many more tries a wrong code leaves.
#[track_caller]
fn attempts_left(answer: Answer) -> u64 {
    let body = answer.problem(400, "code_invalid");
    body["attemptsLeft"].as_u64().expect("attempts left")
}

#[tokio::test]
async fn a_code_is_mailed_to_who_is_named_by_address_or_username() {
    let app = App::start().await;
    let more = json!({ "username": "Ada.L" });
    let ada = app.person_with("Ada@example.com", &more).await;
    for (name, same, sent_to) in [
        (
            by_email("ada@EXAMPLE.com"),
            by_email("ADA@example.com"),
            "a***@e***.com",
        ),
        // Whose address that is, nobody learns who knows the username alone.
        (
            json!({ "username": "ada.l" }),
            json!({ "username": "ADA.L" }),
            "***@***",
        ),
    ] {
        let answer = app.ask_otp(&name).await;
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let challenge = answer.json(202);
        let documented = ["channel", "expiresAt", "resendAfter", "sentTo", "tokenId"];
        assert_eq!(members(&challenge), documented);
        assert_eq!(challenge["channel"], "email");
        assert_eq!(challenge["resendAfter"], 60);
        assert_eq!(challenge["sentTo"], sent_to);
        let expires: jiff::Timestamp = challenge["expiresAt"].as_str().unwrap().parse().unwrap();
        let left = expires.duration_since(app.stack.clock().now()).as_secs();
        assert!((290..=300).contains(&left), "{left}");

        let mail = app.inbox().await.pop().unwrap();
        // To the address as its owner gave it.
        assert_eq!(
            (&*mail.to, &*mail.template),
            ("Ada@example.com", "otp"),
            "{name}"
        );
        assert!(!challenge.to_string().contains(&mail.code()));
        let answer = app.try_otp(&same, &mail.code()).await;
        assert!(answer.refresh_cookie().is_none());
        let verified = answer.json(200);
        assert_eq!(members(&verified), ["user"]);
        assert_eq!(verified["user"]["id"], ada.id);
        assert_eq!(verified["user"]["emailVerified"], true);
    }
}

#[tokio::test]
async fn a_code_by_sms_verifies_the_number() {
    let app = App::start().await;
    let in_two = |mobile: &str| json!({ "countryCode": "+46", "mobile": mobile });
    let neighbour = "+46702740605";
    for (number, name, same) in [
        (NUMBER, by_number("+46 70-174 06 05"), in_two("0701740605")),
        (neighbour, in_two("702740605"), by_number(neighbour)),
    ] {
        let email = format!("ada{number}@example.com");
        let more = json!({ "phoneNumber": number });
        let ada = app.person_with(&email, &more).await;
        let device = app.sign_in(&ada).await;
        let challenge = app.ask_otp(&name).await.json(202);
        assert_eq!(challenge["channel"], "sms");
        let sent_to = challenge["sentTo"].as_str().unwrap();
        assert!(sent_to.starts_with("+46*"), "{sent_to}");
        assert!(!number.contains(sent_to.trim_start_matches("+46")));

        let sms = app.mail_to(number, "otp_sms").await;
        assert_eq!((&*sms.subject, &*sms.html), ("", ""));
        let user = app.try_otp(&same, &sms.code()).await.json(200)["user"].clone();
        assert_eq!(user["id"], ada.id);
        assert_eq!(user["phoneVerified"], true);
        let me = app.me(&device.access).await.json(200);
        assert_eq!(me["user"], user);
    }
}

#[tokio::test]
async fn a_pending_account_becomes_active_by_a_code_to_its_address() {
    let app = App::start().await;
    let pending = app.sign_up("ada@example.com").await;
    let first = app.mail_to("ada@example.com", "verify_email").await;
    assert!(!app.opens("ada@example.com", PASSWORD).await);
    let name = by_email("ada@example.com");
    let sent = mailed(&app, &name, "ada@example.com").await;
    let user = app.try_otp(&name, &sent.code()).await.json(200)["user"].clone();
    assert_eq!(user["id"], pending.user_id.as_str());
    assert_eq!(user["status"], "active");
    assert_eq!(user["emailVerified"], true);
    assert!(app.opens("ada@example.com", PASSWORD).await);
    // What verifies it otherwise is used up.
    app.try_code(&pending, &first.code())
        .await
        .problem(400, "code_expired");
    let link = json!({ "token": first.link_token() });
    let call = app.post("/api/auth/verify/email/link", &link);
    call.send().await.problem(400, "code_expired");
}

#[tokio::test]
async fn a_number_of_a_pending_account_is_verified_and_the_account_stays_pending() {
    let app = App::start().await;
    let more = json!({ "phoneNumber": NUMBER });
    app.sign_up_with("ada@example.com", &more).await;
    let sent = mailed(&app, &by_number(NUMBER), NUMBER).await;
    let verified = app
        .try_otp(&by_number(NUMBER), &sent.code())
        .await
        .json(200);
    assert_eq!(verified["user"]["status"], "pending");
    assert_eq!(verified["user"]["phoneVerified"], true);
    assert_eq!(verified["user"]["emailVerified"], false);
    assert!(!app.opens("ada@example.com", PASSWORD).await);
}

#[tokio::test]
async fn of_several_sign_ups_for_an_address_the_newest_is_opened_without_its_password() {
    let app = App::start().await;
    let theirs = "seven quiet otters juggle";
    let more = json!({ "password": theirs });
    let owner = app.sign_up("ada@example.com").await;
    let stranger = app.sign_up_with("ada@example.com", &more).await;
    let name = by_email("ada@example.com");
    let sent = mailed(&app, &name, "ada@example.com").await;
    let verified = app.try_otp(&name, &sent.code()).await.json(200);
    assert_eq!(verified["user"]["id"], stranger.user_id.as_str());
    // Nobody can say whose the passwords were.
    for password in [PASSWORD, theirs] {
        assert!(!app.opens("ada@example.com", password).await);
    }
    let reset = app.mailed_reset("ada@example.com").await;
    let body = reset.with(json!({ "email": "ada@example.com", "password": NEW_PASSWORD }));
    app.forgot_password(&body).await.expect(200);
    assert!(app.opens("ada@example.com", NEW_PASSWORD).await);
    // The other sign-up comes too late.
    let code = app.mails_to("ada@example.com").await.remove(0).code();
    app.try_code(&owner, &code)
        .await
        .problem(400, "code_expired");
}

#[tokio::test]
async fn of_several_sign_ups_for_an_address_a_username_names_one_which_keeps_its_password() {
    let app = App::start().await;
    let more = json!({ "username": "ada" });
    let named = app.sign_up_with("ada@example.com", &more).await;
    let more = json!({ "password": "seven quiet otters juggle" });
    app.sign_up_with("ada@example.com", &more).await;
    let name = json!({ "username": "ada" });
    let sent = mailed(&app, &name, "ada@example.com").await;
    // It says nothing for who is named by the address.
    app.try_otp(&by_email("ada@example.com"), &sent.code())
        .await
        .problem(400, "code_expired");
    let verified = app.try_otp(&name, &sent.code()).await.json(200);
    assert_eq!(verified["user"]["id"], named.user_id.as_str());
    assert!(app.opens("ada@example.com", PASSWORD).await);
    let other = "seven quiet otters juggle";
    assert!(!app.opens("ada@example.com", other).await);
}

#[tokio::test]
async fn a_code_works_once() {
    let app = App::start().await;
    let more = json!({ "phoneNumber": NUMBER });
    app.person_with("ada@example.com", &more).await;
    app.sign_up("eve@example.com").await;
    for (name, to) in [
        (by_email("ada@example.com"), "ada@example.com"),
        (by_number(NUMBER), NUMBER),
        (by_email("eve@example.com"), "eve@example.com"),
    ] {
        let sent = mailed(&app, &name, to).await;
        app.try_otp(&name, &sent.code()).await.expect(200);
        app.try_otp(&name, &sent.code())
            .await
            .problem(400, "code_expired");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_twenty_right_codes_at_once_one_is_good() {
    let app = App::start().await;
    let more = json!({ "phoneNumber": NUMBER });
    app.person_with("ada@example.com", &more).await;
    app.sign_up("eve@example.com").await;
    for (name, to) in [
        (by_email("ada@example.com"), "ada@example.com"),
        (by_number(NUMBER), NUMBER),
        (by_email("eve@example.com"), "eve@example.com"),
    ] {
        let mut body = name.clone();
        body["otp"] = json!(mailed(&app, &name, to).await.code());
        let answers = at_once((0..20).map(|_| app.post(VERIFY, &body))).await;
        let (good, refused): (Vec<_>, Vec<_>) =
            answers.into_iter().partition(|answer| answer.status == 200);
        assert_eq!((good.len(), refused.len()), (1, 19), "{name}");
        for answer in refused {
            answer.problem(400, "code_expired");
        }
    }
}

#[tokio::test]
async fn a_code_is_good_for_five_minutes() {
    let app = App::start().await;
    app.person("ada@example.com").await;
    app.person("eve@example.com").await;
    let ada = mailed(&app, &by_email("ada@example.com"), "ada@example.com").await;
    app.advance(60).await;
    let eve = mailed(&app, &by_email("eve@example.com"), "eve@example.com").await;
    // The clock goes on by itself, so it stops some seconds short.
    app.advance(5 * 60 - 10).await;
    app.try_otp(&by_email("ada@example.com"), &ada.code())
        .await
        .problem(400, "code_expired");
    app.try_otp(&by_email("eve@example.com"), &eve.code())
        .await
        .expect(200);
}

#[tokio::test]
async fn the_newest_code_wins() {
    let app = App::start().await;
    app.person("ada@example.com").await;
    let name = by_email("ada@example.com");
    let older = mailed(&app, &name, "ada@example.com").await.code();
    app.advance(60).await;
    let newer = mailed(&app, &name, "ada@example.com").await.code();
    assert_eq!(attempts_left(app.try_otp(&name, &older).await), 4);
    app.try_otp(&name, &newer).await.expect(200);
    for code in [older, newer] {
        app.try_otp(&name, &code).await.problem(400, "code_expired");
    }
}

#[tokio::test]
async fn a_code_is_good_for_the_name_that_it_was_asked_by_alone() {
    let app = App::start().await;
    let more = json!({ "username": "ada", "phoneNumber": NUMBER });
    app.person_with("ada@example.com", &more).await;
    app.person("eve@example.com").await;
    let eve = mailed(&app, &by_email("eve@example.com"), "eve@example.com").await;
    let names = [
        by_email("ada@example.com"),
        json!({ "username": "ada" }),
        by_number(NUMBER),
    ];
    let mut codes = Vec::new();
    for (name, to) in names
        .iter()
        .zip(["ada@example.com", "ada@example.com", NUMBER])
    {
        // Of a name that no code was asked by, none is good.
        app.try_otp(name, &eve.code())
            .await
            .problem(400, "code_expired");
        codes.push(mailed(&app, name, to).await.code());
    }
    for (n, name) in names.iter().enumerate() {
        app.try_otp(name, &eve.code())
            .await
            .problem(400, "code_invalid");
        app.try_otp(name, &codes[(n + 1) % 3])
            .await
            .problem(400, "code_invalid");
    }
    for (name, code) in names.iter().zip(codes) {
        app.try_otp(name, &code).await.expect(200);
    }
    let name = by_email("eve@example.com");
    app.try_otp(&name, &eve.code()).await.expect(200);
}
