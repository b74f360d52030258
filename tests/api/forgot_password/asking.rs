//! The first step: who may ask, how often, and what a stranger learns of it.

use latchkey_tests::{Answer, App, at_once, other_than};
use reqwest::Method;
use serde_json::json;

use super::{PATH, to};

const EMAILS: [&str; 3] = [
    "a-known@example.com",
    "a-pending@example.com",
    "a-nobody@example.com",
];

async fn app_with_them() -> App {
    let app = App::start().await;
    app.person(EMAILS[0]).await;
    app.sign_up(EMAILS[1]).await;
    app
}

async fn ask(app: &App, email: &str) -> Answer {
    app.forgot_password(&json!({ "email": email })).await
}

#[tokio::test]
async fn answers_are_byte_for_byte_the_same_whether_there_is_an_account() {
    let app = app_with_them().await;
    let mut token_ids = Vec::new();
    for (status, wait) in [(202, 1), (429, 60), (202, 1)] {
        let mut shapes = Vec::new();
        for email in EMAILS {
            let answer = ask(&app, email).await.expect(status);
            shapes.push(answer.shape());
            let body = answer.json(status);
            token_ids.extend(body["tokenId"].as_str().map(ToOwned::to_owned));
        }
        shapes.dedup();
        assert_eq!(shapes.len(), 1, "{shapes:#?}");
        app.advance(wait).await;
    }
    let newest = token_ids.split_off(3);
    let right = app.mail_to(EMAILS[0], "reset_password").await.code();
    // The last of the tries comes when there are none left.
    for _ in 0..6 {
        let mut shapes = Vec::new();
        for (email, token_id) in EMAILS.iter().zip(&newest) {
            let mut body = to(email, "violet anvils sing at noon");
            body["tokenId"] = json!(token_id);
            body["code"] = json!(other_than(&right));
            shapes.push(app.forgot_password(&body).await.expect(400).shape());
        }
        shapes.dedup();
        assert_eq!(shapes.len(), 1, "{shapes:#?}");
    }
}

#[tokio::test]
async fn the_work_is_the_same_whether_there_is_an_account() {
    let app = app_with_them().await;
    let mut work = Vec::new();
    for email in EMAILS {
        let _ = app.stack.calls().take();
        let challenge = ask(&app, email).await.json(202);
        let asked = app.stack.calls().take();
        let mut body = to(email, "violet anvils sing at noon");
        body["tokenId"] = challenge["tokenId"].clone();
        let right = app.inbox().await.pop().unwrap().code();
        body["code"] = json!(other_than(&right));
        let _ = app.stack.calls().take();
        app.forgot_password(&body)
            .await
            .problem(400, "code_invalid");
        let tried = app.stack.calls().take();
        let operations = |calls: Vec<_>| -> Vec<String> {
            let calls = calls.into_iter();
            calls
                .map(|call: latchkey_local::Call| call.operation)
                .collect()
        };
        let asked = (operations(asked.dynamodb), asked.cache);
        work.push((asked, operations(tried.dynamodb), tried.cache));
    }
    work.dedup();
    assert_eq!(work.len(), 1, "{work:#?}");
}

#[tokio::test]
async fn only_who_has_an_account_is_written_to() {
    let app = app_with_them().await;
    let before = app.inbox().await.len();
    for email in EMAILS {
        ask(&app, email).await.expect(202);
    }
    let mails = app.inbox().await.split_off(before);
    let [mail] = &mails[..] else {
        panic!("{mails:?}");
    };
    assert_eq!((&*mail.to, &*mail.template), (EMAILS[0], "reset_password"));
}

#[tokio::test]
async fn an_address_gets_one_mail_a_minute() {
    let app = app_with_them().await;
    for email in EMAILS {
        let answer = ask(&app, email).await.expect(202);
        let policy = answer.header("ratelimit-policy").unwrap();
        assert!(policy.contains("\"minute\";q=1;w=60"), "{policy}");
        for same in [email.to_owned(), email.to_uppercase()] {
            let call = app.patch(PATH, &json!({ "email": same }));
            let answer = call.header("x-dev-client-ip", "2001:db8::7").send().await;
            let wait: i64 = answer.header("retry-after").unwrap().parse().unwrap();
            assert!((50..=60).contains(&wait), "{wait}");
            answer.problem(429, "rate_limited");
        }
    }
    app.advance(60).await;
    for email in EMAILS {
        ask(&app, email).await.expect(202);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_twenty_requests_at_once_one_sends_a_mail() {
    let app = app_with_them().await;
    let body = json!({ "email": EMAILS[0] });
    let answers = at_once((0..20).map(|_| app.patch(PATH, &body))).await;
    let sent = answers.iter().filter(|answer| answer.status == 202).count();
    let refused = answers.iter().filter(|answer| answer.status == 429).count();
    assert_eq!((sent, refused), (1, 19));
    let mut mails = app.mails_to(EMAILS[0]).await;
    mails.retain(|mail| mail.template == "reset_password");
    assert_eq!(mails.len(), 1);
}

#[tokio::test]
async fn who_is_signed_in_is_sent_to_where_they_can_change_it() {
    let app = App::start().await;
    let ada = app.person("ada@example.com").await;
    let device = app.sign_in(&ada).await;
    let mailed = app.mailed_reset(&ada.email).await;
    let bodies = [
        json!({ "email": ada.email }),
        mailed.with(to(&ada.email, "violet anvils sing at noon")),
        json!({ "token": mailed.mail.link_token(), "password": "violet anvils sing at noon" }),
    ];
    for body in &bodies {
        let call = app.patch(PATH, body).bearer(&device.access);
        call.send().await.problem(403, "already_signed_in");
    }
    // A token that is no good any more hinders nobody.
    let call = app.patch(PATH, &bodies[1]).bearer("nonsense");
    call.send().await.expect(200);
}

#[tokio::test]
async fn links_are_built_from_the_configured_address_alone() {
    let app = App::start().await;
    app.person("ada@example.com").await;
    app.patch(PATH, &json!({ "email": "ada@example.com" }))
        .header("host", "evil.example")
        .header("x-forwarded-host", "evil.example")
        .header("x-forwarded-proto", "https")
        .header("forwarded", "host=evil.example;proto=https")
        .header("origin", "https://evil.example")
        .send()
        .await
        .expect(202);
    let mail = app.mail_to("ada@example.com", "reset_password").await;
    assert!(mail.link().starts_with(app.url()), "{}", mail.link());
    assert!(!format!("{mail:?}").contains("evil.example"));
}

#[tokio::test]
async fn every_bad_field_is_named() {
    let app = App::start().await;
    let id = "01890a5d-ac96-774b-bcce-b302099a8057";
    for (body, expected) in [
        (json!({}), vec!["email"]),
        (json!({ "email": 1 }), vec!["email"]),
        (json!({ "email": "x", "more": 1 }), vec!["email", "more"]),
        (json!({ "username": "ada" }), vec!["email", "username"]),
        (
            json!({ "email": ["ada@example.com", "eve@example.com"] }),
            vec!["email"],
        ),
        (
            json!({ "email": format!("{}@example.com", "a".repeat(300)) }),
            vec!["email"],
        ),
        (
            json!({ "email": "ada@example.com", "password": "violet anvils sing at noon" }),
            vec!["code", "tokenId"],
        ),
        (
            json!({ "email": "ada@example.com", "code": "111111" }),
            vec!["password", "tokenId"],
        ),
        (
            json!({ "email": "ada@example.com", "tokenId": id, "code": 111_111, "password": "x" }),
            vec!["code", "password"],
        ),
        (
            json!({ "email": "ada@example.com", "tokenId": "1", "code": "1111111",
                    "password": "z".repeat(129) }),
            vec!["code", "password", "tokenId"],
        ),
        (json!({ "token": "x" }), vec!["password"]),
        (
            json!({ "token": 1, "password": 1 }),
            vec!["password", "token"],
        ),
        (
            json!({ "token": "x", "password": "violet anvils sing at noon", "tokenId": id,
                    "code": "111111", "email": "ada@example.com" }),
            vec!["code", "email", "tokenId"],
        ),
    ] {
        let fields = app.forgot_password(&body).await.bad_fields();
        let names: Vec<_> = fields.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, expected, "{body}");
    }
    let call = || app.call(Method::PATCH, PATH);
    call().send().await.problem(400, "malformed_json");
    let form = call().body("application/x-www-form-urlencoded", "email=ada@example.com");
    form.send().await.problem(415, "unsupported_media_type");
    let large = call().body("application/json", " ".repeat(16 * 1024 + 1));
    large.send().await.problem(413, "payload_too_large");
}
