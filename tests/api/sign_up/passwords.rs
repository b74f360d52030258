//! Which passwords a sign-up takes, and that they are kept exactly as received.

use latchkey_tests::App;
use serde_json::json;

use super::{PATHS, minimal};

/// Signs somebody up with this password and tries the others on the account.
async fn holds(password: &str, others: &[&str]) {
    let app = App::start().await;
    app.person_with("ada@example.com", &json!({ "password": password }))
        .await;
    let ada = json!({ "email": "ada@example.com" });
    // One more in a row would lock the account.
    for others in others.chunks(4) {
        for other in others {
            app.try_sign_in(ada.clone(), other)
                .await
                .problem(401, "invalid_credentials");
        }
        app.try_sign_in(ada.clone(), password).await.expect(200);
    }
}

#[tokio::test]
async fn seven_characters_are_too_few_and_nine_will_do() {
    let app = App::start().await;
    for password in ["", "kT9#vQ2", "龍鳳虎龜麟鶴鯉", "🔑🔒🔓🔐🗝🛡🧿"] {
        let mut body = minimal("ada@example.com");
        body["password"] = json!(password);
        let fields = app.post(PATHS[0], &body).send().await.bad_fields();
        assert_eq!(fields.len(), 1, "{password}");
        assert_eq!(fields[0].0, "password");
    }
    // Eight are enough for a password, but any eight are too easy to guess.
    let mut body = minimal("ada@example.com");
    body["password"] = json!("龍k鳳T虎9龜#");
    let answer = app.post(PATHS[0], &body).send().await;
    answer.problem(422, "password_weak");
    app.sign_up_with("ada@example.com", &json!({ "password": "龍k鳳T虎9龜#🔑" }))
        .await;
    assert_eq!(app.inbox().await.len(), 1);
}

#[tokio::test]
async fn a_hundred_and_twenty_eight_characters_will_do_and_one_more_is_too_many() {
    let app = App::start().await;
    let longest = format!("correct horse {}", "🔑".repeat(114));
    let mut body = minimal("ada@example.com");
    body["password"] = json!(format!("{longest}x"));
    let fields = app.post(PATHS[0], &body).send().await.bad_fields();
    assert_eq!(fields.len(), 1);
    assert_eq!(fields[0].0, "password");

    app.person_with("ada@example.com", &json!({ "password": longest }))
        .await;
    let ada = json!({ "email": "ada@example.com" });
    app.try_sign_in(ada.clone(), &longest).await.expect(200);
    let shorter: String = longest.chars().take(127).collect();
    app.try_sign_in(ada, &shorter)
        .await
        .problem(401, "invalid_credentials");
}

#[tokio::test]
async fn accents_may_be_composed_or_not() {
    let app = App::start().await;
    let password = "r\u{e9}sum\u{e9} na\u{ef}ve caf\u{e9}";
    let decomposed = "re\u{301}sume\u{301} nai\u{308}ve cafe\u{301}";
    app.person_with("ada@example.com", &json!({ "password": password }))
        .await;
    app.person_with("eve@example.com", &json!({ "password": decomposed }))
        .await;
    for email in ["ada@example.com", "eve@example.com"] {
        for typed in [password, decomposed] {
            let identity = json!({ "email": email });
            app.try_sign_in(identity, typed).await.expect(200);
        }
    }
}

#[tokio::test]
async fn decomposed_accents_count_once_against_the_limits() {
    let app = App::start().await;
    let mut body = minimal("ada@example.com");
    body["password"] = json!("e\u{301}".repeat(7));
    let fields = app.post(PATHS[0], &body).send().await.bad_fields();
    assert_eq!(fields[0].0, "password");
    body["password"] = json!(format!("correct horse {}", "e\u{301}".repeat(114)));
    app.post(PATHS[0], &body).send().await.expect(202);
}

#[tokio::test]
async fn case_and_spaces_count() {
    let others = [
        "Correct horse battery staple ",
        " correct horse battery staple ",
        " Correct horse battery staple",
        "Correct horse battery staple",
        " Correct  horse battery staple ",
    ];
    holds(" Correct horse battery staple ", &others).await;
}

#[tokio::test]
async fn what_comes_after_byte_72_counts() {
    let long = format!("{}{}", "correct horse ".repeat(6), "one");
    let other = format!("{}{}", "correct horse ".repeat(6), "two");
    holds(&long, &[&other, &long[..72]]).await;
}

#[tokio::test]
async fn what_comes_after_a_nul_counts() {
    let others = ["correct horse\0battery", "correct horse"];
    holds("correct horse\0staple", &others).await;
}
