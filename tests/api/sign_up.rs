//! `POST /api/auth/sign-up` and `POST /api/auth/sign-up/email`

mod ambiguous;
mod fields;
mod passwords;
mod taken;
mod unmailed;

use latchkey_tests::{App, PASSWORD};
use serde_json::{Value, json};

const PATHS: [&str; 2] = ["/api/auth/sign-up", "/api/auth/sign-up/email"];

/// How long a sign-up that nobody verifies holds what it asked for, in seconds.
const PENDING_LIFE: i64 = 7 * 24 * 60 * 60;

/// The least that a sign-up says.
fn minimal(email: &str) -> Value {
    json!({ "name": "Ada Lovelace", "email": email, "password": PASSWORD })
}

#[tokio::test]
async fn a_sign_up_waits_for_the_code_that_is_mailed() {
    let app = App::start().await;
    let body = json!({
        "name": "Ada Lovelace",
        "email": "Ada@Example.com",
        "password": PASSWORD,
        "username": "ada",
        "phoneNumber": "+46701740605",
    });
    let answer = app.post("/api/auth/sign-up", &body).send().await.json(202);
    let challenge = &answer["verification"];
    assert_eq!(challenge["channel"], "email");
    assert_eq!(challenge["resendAfter"], 60);
    assert!(!challenge["sentTo"].to_string().contains("Ada@"));

    let mails = app.mails_to("Ada@example.com").await;
    let [mail] = &mails[..] else {
        panic!("{mails:?}");
    };
    assert_eq!(mail.template, "verify_email");

    let verify = json!({
        "code": mail.code(),
        "userId": answer["userId"],
        "tokenId": challenge["tokenId"],
        "email": "ada@EXAMPLE.com",
    });
    let verified = app
        .post("/api/auth/verify/email", &verify)
        .send()
        .await
        .json(200);
    let user = &verified["user"];
    assert_eq!(user["id"], answer["userId"]);
    assert_eq!(user["name"], "Ada Lovelace");
    assert_eq!(user["email"], "Ada@example.com");
    assert_eq!(user["emailVerified"], true);
    assert_eq!(user["username"], "ada");
    assert_eq!(user["phoneNumber"], "+46701740605");
    assert_eq!(user["phoneVerified"], false);
    assert_eq!(user["status"], "active");
    assert_eq!(user["roles"], json!(["user"]));
    assert_eq!(user["plan"], "free");
    assert_eq!(user["mfaEnabled"], false);
}

#[tokio::test]
async fn both_paths_take_name_address_and_password_alone() {
    for path in PATHS {
        let app = App::start().await;
        let answer = app.post(path, &minimal("ada@example.com")).send().await;
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let body = answer.json(202);
        let members: Vec<&String> = body.as_object().unwrap().keys().collect();
        assert_eq!(members, ["userId", "verification"], "{path}");
        let challenge = body["verification"].as_object().unwrap();
        let mut members: Vec<&String> = challenge.keys().collect();
        members.sort();
        let documented = ["channel", "expiresAt", "resendAfter", "sentTo", "tokenId"];
        assert_eq!(members, documented, "{path}");
        assert_eq!(challenge["sentTo"], "a***@e***.com", "{path}");

        let mail = app.mail_to("ada@example.com", "verify_email").await;
        let verify = json!({
            "code": mail.code(),
            "userId": body["userId"],
            "tokenId": challenge["tokenId"],
            "email": "ada@example.com",
        });
        let verified = app.post("/api/auth/verify/email", &verify).send().await;
        let user = &verified.json(200)["user"];
        assert_eq!(user["username"], Value::Null, "{path}");
        assert_eq!(user["phoneNumber"], Value::Null, "{path}");
        assert_eq!(user["imageUrl"], Value::Null, "{path}");
    }
}

#[tokio::test]
async fn a_phone_number_may_come_as_country_code_and_mobile() {
    let app = App::start().await;
    for (email, country_code, mobile) in [
        ("ada@example.com", "+46", "070-174 06 05"),
        ("eve@example.com", "44", "7400 123456"),
    ] {
        let more = json!({ "countryCode": country_code, "mobile": mobile });
        let pending = app.sign_up_with(email, &more).await;
        let code = app.code_of(&pending).await;
        let verified = app.try_code(&pending, &code).await.json(200);
        let expected = match country_code {
            "+46" => "+46701740605",
            _ => "+447400123456",
        };
        assert_eq!(verified["user"]["phoneNumber"], expected);
    }
}

#[tokio::test]
async fn optional_fields_may_be_null() {
    let app = App::start().await;
    let mut body = minimal("ada@example.com");
    for name in ["username", "phoneNumber", "countryCode", "mobile"] {
        body[name] = Value::Null;
    }
    app.post(PATHS[0], &body).send().await.expect(202);
    assert_eq!(app.mails_to("ada@example.com").await.len(), 1);
}

#[tokio::test]
async fn ids_are_version_7_uuids_and_the_code_expires_in_ten_minutes() {
    let app = App::start().await;
    let before = latchkey_shared::clock::Clock::now(app.stack.clock());
    let answer = app.post(PATHS[0], &minimal("ada@example.com")).send().await;
    let after = latchkey_shared::clock::Clock::now(app.stack.clock());
    let body = answer.json(202);
    for id in [&body["userId"], &body["verification"]["tokenId"]] {
        let id = id.as_str().unwrap();
        assert_eq!((id.len(), &id[14..15]), (36, "7"), "{id}");
    }
    let expires: jiff::Timestamp = body["verification"]["expiresAt"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let life = jiff::SignedDuration::from_mins(10);
    assert!(before + life <= expires && expires <= after + life);
}

#[tokio::test]
async fn a_sign_up_that_nobody_verifies_lapses_after_seven_days() {
    let app = App::start().await;
    let more = json!({ "username": "ada", "phoneNumber": "+46701740605" });
    let first = app.sign_up_with("ada@example.com", &more).await;
    let first_mail = app.mail_to("ada@example.com", "verify_email").await;

    // A minute before, all of it is still held.
    app.advance(PENDING_LIFE - 60).await;
    let mut other = minimal("other@example.com");
    other["username"] = json!("ada");
    app.post(PATHS[0], &other)
        .send()
        .await
        .problem(409, "username_taken");

    // Then it is all free, the first code and link are dead, and the next to come gets it.
    app.advance(60).await;
    let second = app.sign_up_with("ada@example.com", &more).await;
    assert_ne!(second.user_id, first.user_id);
    let code = app.code_of(&second).await;
    app.try_code(&first, &first_mail.code())
        .await
        .problem(400, "code_expired");
    let link = json!({ "token": first_mail.link_token() });
    app.post("/api/auth/verify/email/link", &link)
        .send()
        .await
        .problem(400, "code_expired");
    let verified = app.try_code(&second, &code).await.json(200);
    assert_eq!(verified["user"]["username"], "ada");
    for identity in [
        json!({ "email": "ada@example.com" }),
        json!({ "username": "ada" }),
        json!({ "phoneNumber": "+46701740605" }),
    ] {
        let signed_in = app.try_sign_in(identity, PASSWORD).await.json(200);
        assert_eq!(signed_in["user"]["id"], second.user_id.as_str());
    }
}

#[tokio::test]
async fn a_verified_account_never_lapses() {
    let app = App::start().await;
    let more = json!({ "username": "ada", "phoneNumber": "+46701740605" });
    let ada = app.person_with("ada@example.com", &more).await;
    app.advance(400 * PENDING_LIFE).await;
    let mut other = minimal("other@example.com");
    other["username"] = json!("Ada");
    app.post(PATHS[0], &other)
        .send()
        .await
        .problem(409, "username_taken");
    for identity in [
        json!({ "email": "ada@example.com" }),
        json!({ "username": "ada" }),
        json!({ "phoneNumber": "+46701740605" }),
    ] {
        let signed_in = app.try_sign_in(identity, PASSWORD).await.json(200);
        assert_eq!(signed_in["user"]["id"], ada.id.as_str());
    }
}

#[tokio::test]
async fn who_is_signed_in_can_not_sign_up() {
    let app = App::start().await;
    let ada = app.person("ada@example.com").await;
    let device = app.sign_in(&ada).await;
    for path in PATHS {
        app.post(path, &minimal("eve@example.com"))
            .bearer(&device.access)
            .send()
            .await
            .problem(403, "already_signed_in");
    }
    assert!(app.mails_to("eve@example.com").await.is_empty());

    // A token that is no longer good is as good as none.
    app.delete("/api/auth/user/logout")
        .bearer(&device.access)
        .send()
        .await
        .expect(204);
    for (token, email) in [
        (device.access.as_str(), "a@example.com"),
        ("garbage", "b@example.com"),
    ] {
        app.post(PATHS[0], &minimal(email))
            .bearer(token)
            .send()
            .await
            .expect(202);
    }
}

#[tokio::test]
async fn a_name_reaches_no_mail() {
    let app = App::start().await;
    let name = "<a href=//evil.example>https://evil.example/</a> {{7*7}}";
    let first = app
        .sign_up_with("ada@example.com", &json!({ "name": name }))
        .await;
    app.sign_up_with("ada@example.com", &json!({ "name": name }))
        .await;
    let mails = app.mails_to("ada@example.com").await;
    assert_eq!(mails.len(), 2);
    for mail in &mails {
        for part in [&mail.subject, &mail.text, &mail.html] {
            assert!(!part.contains("evil") && !part.contains("7*7"), "{part}");
        }
    }
    // The page of the link shows none of it either, and the API gives it back as it came.
    let page = app.get(&path_of(&mails[0].link())).send().await.expect(200);
    assert!(!page.text.contains("evil"), "{}", page.text);
    let verified = app.try_code(&first, &mails[0].code()).await.json(200);
    assert_eq!(verified["user"]["name"], name);
}

#[tokio::test]
async fn neither_code_nor_token_is_in_any_answer() {
    let app = App::start().await;
    let answer = app.post(PATHS[0], &minimal("ada@example.com")).send().await;
    let mail = app.mail_to("ada@example.com", "verify_email").await;
    let all = format!("{:?} {}", answer.headers, answer.text);
    assert!(!all.contains(&mail.link_token()));
    // Six digits may stand in an id or a time; on their own they stand nowhere.
    assert!(!all.contains(&format!("\"{}\"", mail.code())));
    assert!(!mail.subject.contains(&mail.code()));
}

/// The path and query of a link.
fn path_of(link: &str) -> String {
    let (_, rest) = link.split_once("://").unwrap();
    rest[rest.find('/').unwrap()..].to_owned()
}
