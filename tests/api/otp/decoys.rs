//! What a stranger learns of who has an account: nothing.

use latchkey_tests::{Answer, App, other_than};
use serde_json::{Value, json};

use super::{NUMBER, by_email, by_number};

/// Asks for a code from a neighbourhood of one's own: what that has left is told too, and is
/// nothing that depends on the account.
async fn ask(app: &App, n: usize, name: &Value) -> Answer {
    let call = app.post("/api/auth/generate-otp", name);
    let source = format!("198.51.{n}.7");
    call.header("x-dev-client-ip", &source).send().await
}

/// Names of each kind that the answers must treat alike, with those that a message goes to first.
/// Those of one kind are masked alike.
async fn names(app: &App) -> [Vec<Value>; 3] {
    let more = json!({ "username": "known", "phoneNumber": NUMBER });
    app.person_with("a-known@example.com", &more).await;
    app.sign_up("a-pending@example.com").await;
    let emails = ["a-known", "a-pending", "a-nobody"];
    let emails = emails.map(|local| by_email(&format!("{local}@example.com")));
    let usernames = ["known", "unknown"].map(|name| json!({ "username": name }));
    [
        emails.to_vec(),
        usernames.to_vec(),
        vec![by_number(NUMBER), by_number("+46702740605")],
    ]
}

#[tokio::test]
async fn answers_are_byte_for_byte_the_same_whether_there_is_an_account() {
    let app = App::start().await;
    for names in names(&app).await {
        let mut codes = Vec::new();
        for status in [202, 429] {
            let mut shapes = Vec::new();
            for (n, name) in names.iter().enumerate() {
                let answer = ask(&app, n, name).await;
                assert_eq!(answer.status, status, "{name}: {}", answer.text);
                shapes.push(answer.shape());
                codes.push(app.inbox().await.pop().unwrap().code());
            }
            shapes.dedup();
            assert_eq!(shapes.len(), 1, "{shapes:#?}");
        }
        // The last of the tries comes when there are none left.
        let wrong = ["000001", "000002", "000003"];
        let wrong = wrong.iter().find(|code| !codes.iter().any(|c| c == **code));
        let wrong = wrong.unwrap();
        for _ in 0..6 {
            let mut shapes = Vec::new();
            for name in &names {
                let answer = app.try_otp(name, wrong).await.expect(400);
                shapes.push(answer.shape());
            }
            shapes.dedup();
            assert_eq!(shapes.len(), 1, "{shapes:#?}");
        }
        app.advance(60).await;
        let mut shapes = Vec::new();
        for (n, name) in names.iter().enumerate() {
            shapes.push(ask(&app, n, name).await.expect(202).shape());
        }
        shapes.dedup();
        assert_eq!(shapes.len(), 1, "{shapes:#?}");
    }
}

#[tokio::test]
async fn the_work_is_the_same_whether_there_is_an_account() {
    let app = App::start().await;
    for names in names(&app).await {
        for step in ["ask", "wrong", "wrong"] {
            let mut work = Vec::new();
            for name in &names {
                let sent = app.inbox().await.pop().unwrap().code();
                let _ = app.stack.calls().take();
                match step {
                    "ask" => app.ask_otp(name).await.expect(202),
                    _ => app.try_otp(name, other_than(&sent)).await.expect(400),
                };
                let calls = app.stack.calls().take();
                let operations = calls.dynamodb.into_iter().map(|call| call.operation);
                work.push((operations.collect::<Vec<_>>(), calls.cache));
            }
            work.dedup();
            assert_eq!(work.len(), 1, "{step}: {work:#?}");
        }
    }
}

#[tokio::test]
async fn only_who_has_an_account_is_written_to() {
    let app = App::start().await;
    let names = names(&app).await;
    let before = app.inbox().await.len();
    for name in names.iter().flatten() {
        app.ask_otp(name).await.expect(202);
    }
    let mails = app.inbox().await.split_off(before);
    let sent: Vec<_> = mails
        .iter()
        .map(|mail| (&*mail.to, &*mail.template))
        .collect();
    assert_eq!(
        sent,
        [
            ("a-known@example.com", "otp"),
            ("a-pending@example.com", "otp"),
            ("a-known@example.com", "otp"),
            (NUMBER, "otp_sms"),
        ]
    );
}

#[tokio::test]
async fn no_code_is_right_where_nobody_is() {
    let app = App::start().await;
    let ada = app.person("ada@example.com").await;
    let name = by_email("nobody@example.com");
    app.ask_otp(&name).await.expect(202);
    app.ask_otp(&by_email(&ada.email)).await.expect(202);
    let code = app.mail_to(&ada.email, "otp").await.code();
    for _ in 0..5 {
        app.try_otp(&name, &code).await.problem(400, "code_invalid");
    }
    app.try_otp(&name, &code).await.problem(400, "code_expired");
    // Where none was asked for, there is none to try.
    for name in [
        by_email("else@example.com"),
        by_number(NUMBER),
        json!({ "username": "nobody" }),
    ] {
        app.try_otp(&name, &code).await.problem(400, "code_expired");
    }
}

#[tokio::test]
async fn who_is_signed_in_is_answered_as_anybody() {
    let app = App::start().await;
    let ada = app.person("ada@example.com").await;
    let device = app.sign_in(&ada).await;
    let call = app.post("/api/auth/generate-otp", &by_email(&ada.email));
    call.bearer(&device.access).send().await.expect(202);
    let code = app.mail_to(&ada.email, "otp").await.code();
    let body = json!({ "email": ada.email, "otp": code });
    let call = app.post("/api/auth/verify-otp", &body);
    call.bearer(&device.access).send().await.expect(200);
    app.me(&device.access).await.expect(200);
}
