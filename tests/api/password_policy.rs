//! Which passwords are too weak to be set, and what is said of them.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use aws_sdk_dynamodb::Client;
use latchkey_tests::{Answer, App, PASSWORD, Range, RangeServer};
use serde_json::{Value, json};

const SKIPPED: &str = "password.breach_check_skipped";

async fn sign_up(app: &App, email: &str, password: &str) -> Answer {
    let body = json!({ "name": "Ada Lovelace", "email": email, "username": "countess", "password": password });
    app.post("/api/auth/sign-up", &body).send().await
}

/// Claims the whole of a refusal for this reason.
#[track_caller]
fn claim_weak(answer: Answer, message: &str) {
    let mut body = answer.problem(422, "password_weak");
    body.as_object_mut().unwrap().remove("requestId");
    let expected = json!({
        "type": "urn:latchkey:problem:password_weak",
        "title": "The password is too weak",
        "status": 422,
        "detail": message,
        "code": "password_weak",
        "errors": [{ "field": "password", "code": "password_weak", "message": message }],
    });
    assert_eq!(body, expected);
}

/// The SHA-1 of a password as the range API writes it: what is told, and what is not.
fn hash(password: &str) -> (String, String) {
    let bytes = digest(&SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes());
    let digits = bytes.as_ref().iter().map(|byte| format!("{byte:02X}"));
    let hex = digits.collect::<Vec<_>>().concat();
    let (told, kept) = hex.split_at(5);
    (told.to_owned(), kept.to_owned())
}

/// Many other hashes, and this row among them.
fn rows(row: &str) -> String {
    let mut rows: Vec<String> = (0..900).map(|n| format!("{n:035X}:{}", n % 3)).collect();
    rows.insert(450, row.to_owned());
    rows.join("\r\n")
}

async fn asking(server: &RangeServer) -> App {
    App::with(&[("BREACHED_PASSWORDS_URL", server.url())]).await
}

/// Whose check was skipped, by the events.
async fn skipped(app: &App) -> Vec<String> {
    let events = Client::new(&app.stack.aws())
        .scan()
        .table_name("latchkey-events")
        .send()
        .await
        .unwrap();
    let text = |value: &aws_sdk_dynamodb::types::AttributeValue| value.as_s().unwrap().clone();
    let items = events.items.unwrap_or_default().into_iter();
    items
        .filter(|event| text(&event["type"]) == SKIPPED)
        .map(|event| text(&event["userId"]))
        .collect()
}

#[tokio::test]
async fn a_weak_password_is_a_problem_of_its_own_with_the_reason_in_words() {
    let app = App::start().await;
    for (password, message) in [
        (
            "iloveyou",
            "This is one of the most used passwords. Choose another.",
        ),
        (
            "QWERTYUIOP",
            "This is one of the most used passwords. Choose another.",
        ),
        ("ada lovelace and the engine", "Leave your name out of it."),
        ("the engine of LoveLace", "Leave your name out of it."),
        (
            "me: a.byron@example.com !",
            "Leave your email address out of it.",
        ),
        (
            "a-byron of the sea 1815",
            "Leave your email address out of it.",
        ),
        ("the countess of the sea", "Leave your username out of it."),
        ("xK7#qT2v", "Too easy to guess: add another word or two."),
        (
            "bananabananabanana",
            "Too easy to guess: repeating something hardly helps. Add another word or two.",
        ),
    ] {
        claim_weak(
            sign_up(&app, "a.byron@example.com", password).await,
            message,
        );
    }
    for password in ["Latchkey2026!Latchkey", "latchkey-admin-2026"] {
        let answer = sign_up(&app, "a.byron@example.com", password).await;
        answer.problem(422, "password_weak");
    }
    assert!(app.inbox().await.is_empty());
}

#[tokio::test]
async fn the_name_of_the_product_is_no_password() {
    let app = App::with(&[("APP_NAME", "Crimson Orchard")]).await;
    for password in ["CrimsonOrchard2026!", "crimson1orchard2"] {
        let answer = sign_up(&app, "ada@example.com", password).await;
        answer.problem(422, "password_weak");
    }
    let phrase = "crimson is a word that anybody may use";
    sign_up(&app, "ada@example.com", phrase).await.expect(202);
}

#[tokio::test]
async fn with_other_bad_fields_it_is_one_of_them() {
    let app = App::start().await;
    // A bad name and a bad address are known to whoever tries them all the same.
    for (password, message) in [
        (
            "password1",
            "This is one of the most used passwords. Choose another.",
        ),
        ("the engine of lovelace", "Leave your name out of it."),
        (
            "nobody@nowhere it is",
            "Leave your email address out of it.",
        ),
    ] {
        let body =
            json!({ "name": "Ada\nLovelace", "email": "nobody@nowhere", "password": password });
        let answer = app.post("/api/auth/sign-up", &body).send().await;
        let body = answer.problem(422, "validation_failed");
        let errors = body["errors"].as_array().unwrap();
        let fields: Vec<&Value> = errors.iter().map(|error| &error["field"]).collect();
        assert_eq!(fields, ["name", "email", "password"], "{body}");
        let weak = json!({ "field": "password", "code": "password_weak", "message": message });
        assert_eq!(errors[2], weak);
    }
    let body = json!({ "name": "", "email": "ada@example.com", "password": "short" });
    let fields = app
        .post("/api/auth/sign-up", &body)
        .send()
        .await
        .bad_fields();
    let codes = [("name", "empty"), ("password", "too_short")];
    assert_eq!(
        fields,
        codes.map(|(name, code)| (name.to_owned(), code.to_owned()))
    );
}

#[tokio::test]
async fn a_weak_password_tells_nothing_of_the_address() {
    let (_, kept) = hash(PASSWORD);
    let server = RangeServer::start(Range::Body(rows(&format!("{kept}:1")))).await;
    let (app, breached) = (App::start().await, asking(&server).await);
    app.person("ada@example.com").await;
    for (app, password) in [(&app, "iloveyou"), (&breached, PASSWORD)] {
        let mut answers = Vec::new();
        for email in ["ada@example.com", "eve@example.com"] {
            let mut body = sign_up(app, email, password)
                .await
                .problem(422, "password_weak");
            body.as_object_mut().unwrap().remove("requestId");
            answers.push(body);
        }
        assert_eq!(answers[0], answers[1]);
    }
}

#[tokio::test]
async fn a_breached_password_is_refused_and_only_five_digits_are_told() {
    let (told, kept) = hash(PASSWORD);
    let server = RangeServer::start(Range::Body(rows(&format!("{kept}:7")))).await;
    let app = asking(&server).await;
    let answer = sign_up(&app, "ada@example.com", PASSWORD).await;
    claim_weak(
        answer,
        "It appeared in a data breach, where others find it. Choose another.",
    );
    let asked = server.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].path, format!("/v3/range/{told}"));
    assert_eq!(asked[0].padding, "true");
    assert_eq!(asked[0].length, 0);
    assert!(app.inbox().await.is_empty());
    assert!(skipped(&app).await.is_empty());
}

#[tokio::test]
async fn a_password_that_is_not_listed_or_mere_padding_is_taken() {
    let (_, kept) = hash(PASSWORD);
    for row in [format!("{kept}:0"), format!("{}:5", "A".repeat(35))] {
        let server = RangeServer::start(Range::Body(rows(&row))).await;
        let app = asking(&server).await;
        sign_up(&app, "ada@example.com", PASSWORD).await.expect(202);
        assert_eq!(server.asked().len(), 1);
        assert!(skipped(&app).await.is_empty());
    }
}

#[tokio::test]
async fn nobody_is_asked_about_a_password_that_is_refused_anyway() {
    let server = RangeServer::start(Range::Body(rows(""))).await;
    let app = asking(&server).await;
    for password in ["iloveyou", "the engine of lovelace", "xK7#qT2v", "short"] {
        sign_up(&app, "ada@example.com", password).await.expect(422);
    }
    assert_eq!(server.asked(), []);
}

#[tokio::test]
async fn where_the_range_api_is_no_use_the_password_is_taken_and_an_event_says_so() {
    let (_, kept) = hash(PASSWORD);
    let hit = format!("{kept}:7\r\n");
    let too_long = hit.clone() + &format!("{}\r\n", rows("")).repeat(10);
    for range in [
        Range::Status(500),
        Range::Status(429),
        Range::Status(302),
        Range::Status(204),
        Range::Body(String::new()),
        Range::Body("<html>down for maintenance</html>".into()),
        Range::Body(format!("{hit}and then something else")),
        Range::Body(too_long),
    ] {
        let server = RangeServer::start(range.clone()).await;
        let app = asking(&server).await;
        let pending = sign_up(&app, "ada@example.com", PASSWORD).await.json(202);
        assert_eq!(server.asked().len(), 1, "asked once, and never again");
        assert_eq!(
            skipped(&app).await,
            [pending["userId"].as_str().unwrap()],
            "{range:?}"
        );
        assert_eq!(app.inbox().await.len(), 1);
    }
}

#[tokio::test]
async fn a_range_api_that_never_answers_or_is_not_there_holds_nobody_up() {
    let silent = RangeServer::start(Range::Silence).await;
    for url in [silent.url(), "http://127.0.0.1:1"] {
        let app = App::with(&[("BREACHED_PASSWORDS_URL", url)]).await;
        // A request has five seconds: were the look-up not given up, this would be a 503.
        let pending = sign_up(&app, "ada@example.com", PASSWORD).await.json(202);
        assert_eq!(skipped(&app).await, [pending["userId"].as_str().unwrap()]);
    }
}

#[tokio::test]
async fn a_skipped_check_is_noted_alike_for_a_taken_address() {
    let server = RangeServer::start(Range::Status(503)).await;
    let app = asking(&server).await;
    let ada = app.person("ada@example.com").await;
    let again = sign_up(&app, "ada@example.com", PASSWORD).await.json(202);
    let again = again["userId"].as_str().unwrap().to_owned();
    assert_ne!(again, ada.id);
    // Nothing happened to the owner's password, so it is not on the owner's record.
    let mut noted = skipped(&app).await;
    noted.sort();
    let mut expected = [ada.id, again];
    expected.sort();
    assert_eq!(noted, expected);
}
