//! What a sign-up refuses: every bad field at once, by its name, and nothing is sent.

use latchkey_tests::{Answer, App};
use serde_json::{Value, json};

use super::{PATHS, minimal};

/// The names of the bad fields.
#[track_caller]
fn names(answer: Answer) -> Vec<String> {
    let fields = answer.bad_fields();
    for (name, code) in &fields {
        assert!(!code.is_empty(), "{name}");
    }
    fields.into_iter().map(|(name, _)| name).collect()
}

/// Claims that each of these values is refused for this field, and that nothing is mailed.
async fn refuses(field: &str, values: &[Value]) {
    let app = App::start().await;
    for value in values {
        let mut body = minimal("ada@example.com");
        body[field] = value.clone();
        let answer = app.post(PATHS[0], &body).send().await;
        assert_eq!(answer.status, 422, "{value}: {}", answer.text);
        assert_eq!(names(answer), [field], "{value}");
    }
    assert!(app.inbox().await.is_empty());
}

/// Claims that each of these values is taken for this field.
async fn takes(field: &str, values: &[&str]) {
    let app = App::start().await;
    for (number, value) in values.iter().enumerate() {
        let mut body = minimal(&format!("ada{number}@example.com"));
        body[field] = json!(value);
        let answer = app.post(PATHS[0], &body).send().await;
        assert_eq!(answer.status, 202, "{value:?}: {}", answer.text);
    }
    assert_eq!(app.inbox().await.len(), values.len());
}

fn texts(values: &[&str]) -> Vec<Value> {
    values.iter().map(|value| json!(value)).collect()
}

#[tokio::test]
async fn every_bad_field_is_named_at_once() {
    let app = App::start().await;
    let body = json!({
        "name": "",
        "email": "nobody",
        "password": "short",
        "username": "a b",
        "phoneNumber": "12",
        "plan": "gold",
    });
    for path in PATHS {
        let answer = app.post(path, &body).send().await;
        let all = [
            "email",
            "name",
            "password",
            "phoneNumber",
            "plan",
            "username",
        ];
        assert_eq!(names(answer), all, "{path}");
        let answer = app.post(path, &json!({})).send().await;
        assert_eq!(names(answer), ["email", "name", "password"], "{path}");
    }
}

#[tokio::test]
async fn nobody_gives_themselves_what_is_not_theirs_to_give() {
    let app = App::start().await;
    for field in [
        "id",
        "userId",
        "emailVerified",
        "phoneVerified",
        "status",
        "roles",
        "role",
        "permissions",
        "plan",
        "mfaEnabled",
        "imageUrl",
        "createdAt",
        "passwordHash",
        "shadow",
        "Email",
        "email ",
        "__proto__",
        "",
    ] {
        let mut body = minimal("ada@example.com");
        body[field] = json!("admin");
        let answer = app.post(PATHS[0], &body).send().await;
        assert_eq!(names(answer), [field]);
    }
    assert!(app.inbox().await.is_empty());
}

#[tokio::test]
async fn values_of_another_type_are_refused_and_never_guessed() {
    let app = App::start().await;
    let fields = ["name", "email", "password", "username", "phoneNumber"];
    for field in fields {
        for value in [
            json!(1),
            json!(46_701_740_605_u64),
            json!(1.5),
            json!(true),
            json!(["ada@example.com"]),
            json!(["ada@example.com", "mallory@example.com"]),
            json!([]),
            json!({}),
            json!({ "$ne": "" }),
            json!({ "S": "ada@example.com" }),
        ] {
            let mut body = minimal("ada@example.com");
            body[field] = value.clone();
            let answer = app.post(PATHS[0], &body).send().await;
            assert_eq!(answer.status, 422, "{field} = {value}");
            assert_eq!(names(answer), [field], "{value}");
        }
    }
    for field in ["name", "email", "password"] {
        let mut body = minimal("ada@example.com");
        body[field] = Value::Null;
        let answer = app.post(PATHS[0], &body).send().await;
        assert_eq!(names(answer), [field]);
    }
    assert!(app.inbox().await.is_empty());
}

#[tokio::test]
async fn a_phone_number_is_named_once_and_whole() {
    let app = App::start().await;
    for more in [
        json!({ "countryCode": "+46" }),
        json!({ "mobile": "0701740605" }),
        json!({ "countryCode": "+46", "mobile": "12" }),
        json!({ "countryCode": "+999", "mobile": "0701740605" }),
        json!({ "countryCode": "SE", "mobile": "0701740605" }),
        json!({ "countryCode": 46, "mobile": "0701740605" }),
        json!({ "countryCode": ["+46"], "mobile": ["0701740605"] }),
        json!({ "phoneNumber": "+46701740605", "countryCode": "+46", "mobile": "0701740605" }),
        json!({ "phoneNumber": "+46701740605", "mobile": "0701740606" }),
    ] {
        let mut body = minimal("ada@example.com");
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        let bad = names(app.post(PATHS[0], &body).send().await);
        let about_the_phone = ["countryCode", "mobile", "phoneNumber"];
        assert!(!bad.is_empty(), "{more}");
        for name in &bad {
            assert!(about_the_phone.contains(&name.as_str()), "{more}: {bad:?}");
        }
    }
    assert!(app.inbox().await.is_empty());
}

#[tokio::test]
async fn phone_numbers_that_no_country_has_are_refused() {
    let numbers = [
        "",
        "0701740605",
        "46701740605",
        "+",
        "+4670174060512345678",
        "+46 70",
        "+0701740605",
        "+46701740605;ext=1",
        "tel:+46701740605",
        "+46701740605\0",
        "+46701740605\n",
        "+٤٦٧٠١٧٤٠٦٠٥",
        "\u{ff0b}46701740605",
        "ada@example.com",
    ];
    refuses("phoneNumber", &texts(&numbers)).await;
}

#[tokio::test]
async fn addresses_that_could_be_taken_for_others_are_refused() {
    let addresses = [
        // What a normalisation would turn into an @ or a dot (GHSA-7rqj-j65f-68wh).
        "victim\u{ff20}evil.com@example.com",
        "ada\u{ff20}example.com",
        "ada@example\u{ff0e}com",
        "ada@example\u{3002}com",
        // What case mapping would turn into ASCII: dotless i, Kelvin sign, long s.
        "m\u{131}ke@example.com",
        "\u{212a}ate@example.com",
        "jame\u{17f}@example.com",
        "ada@m\u{131}ke.com",
        // Cyrillic among Latin, and what can't be seen.
        "\u{430}da@example.com",
        "ada@ex\u{430}mple.com",
        "ada@exa\u{200b}mple.com",
        "ada@exa\u{ad}mple.com",
        "ada@exa\u{202e}mple.com",
        // What older decoders took for example.org (RUSTSEC-2024-0421).
        "ada@xn--example-.org",
        "ada@xn--.org",
    ];
    refuses("email", &texts(&addresses)).await;
}

#[tokio::test]
async fn what_is_more_or_less_than_one_address_is_refused() {
    let addresses = [
        "",
        " ",
        "ada",
        "@example.com",
        "ada@",
        "ada@localhost",
        "ada@127.0.0.1",
        "ada@[127.0.0.1]",
        "ada@[IPv6:::1]",
        "ada@example..com",
        "ada@-example.com",
        "ada@.example.com",
        ".ada@example.com",
        "ada.@example.com",
        "a..da@example.com",
        "ada@eve@example.com",
        "ada@example.com,eve@example.com",
        "ada@example.com;eve@example.com",
        "ada@example.com eve@example.com",
        " ada@example.com",
        "ada@example.com ",
        "<ada@example.com>",
        "\"Ada\" <ada@example.com>",
        "\"a da\"@example.com",
        "ada(comment)@example.com",
        "ada@example.com\0",
        "ada\0@example.com",
        "ada@example.com\n",
        "ada@example.com\r\nBcc: eve@example.com",
        "ada@example.com%0aBcc:eve@example.com",
        "ada@exam_ple.com",
        "ada@example.com/../eve",
    ];
    refuses("email", &texts(&addresses)).await;
}

#[tokio::test]
async fn an_address_is_as_long_as_mail_allows_and_no_longer() {
    let domain = format!(
        "{}.{}.{}.com",
        "d".repeat(63),
        "e".repeat(63),
        "f".repeat(60)
    );
    let local = |length: usize| "l".repeat(length);
    let app = App::start().await;
    for (length, status) in [(64, 202), (65, 422)] {
        let email = format!("{}@example.com", local(length));
        let answer = app.post(PATHS[0], &minimal(&email)).send().await;
        assert_eq!(answer.status, status, "{length}");
    }
    // 254 in all (RFC 5321), then 255.
    let rest = 254 - domain.len() - 1;
    for (length, status) in [(rest, 202), (rest + 1, 422)] {
        let email = format!("{}@{domain}", local(length));
        assert_eq!(email.len(), 254 + length - rest);
        let answer = app.post(PATHS[0], &minimal(&email)).send().await;
        assert_eq!(answer.status, status, "{}", email.len());
    }
    let endless = format!("{}@example.com", local(10_000));
    let answer = app.post(PATHS[0], &minimal(&endless)).send().await;
    assert_eq!(names(answer), ["email"]);
    assert_eq!(app.inbox().await.len(), 2);
}

#[tokio::test]
async fn tags_and_dots_make_addresses_of_their_own() {
    let app = App::start().await;
    for email in ["ada@example.com", "ada+tag@example.com", "a.da@example.com"] {
        app.sign_up(email).await;
        let mails = app.mails_to(email).await;
        assert_eq!(mails.len(), 1, "{email}");
        assert_eq!(mails[0].template, "verify_email", "{email}");
    }
}

#[tokio::test]
async fn an_international_domain_is_one_however_it_is_written() {
    let app = App::start().await;
    app.person("ada@xn--bcher-kva.example").await;
    app.sign_up("ada@b\u{fc}cher.example").await;
    app.sign_up("ada@xn--bcher-kva.example").await;
    app.sign_up("ada@bu\u{308}cher.example").await;
    let codes = app.inbox().await;
    let codes = codes.iter().filter(|mail| mail.template == "verify_email");
    assert_eq!(codes.count(), 1);
}

#[tokio::test]
async fn names_that_hide_or_reorder_text_are_refused() {
    let hundred_and_one = "a".repeat(101);
    let endless = "a".repeat(5_000);
    let names = [
        "",
        "   ",
        "\u{200b}",
        "\u{3164}",
        "Ada\0",
        "Ada\nLovelace",
        "Ada\r\nSubject: x",
        "Ada\u{1b}[31m",
        "Ada\u{202e}ecalevoL",
        "\u{2066}Ada\u{2069}",
        "Ada\u{200b}Lovelace",
        "Ada\u{2028}Lovelace",
        "\u{e0041}da",
        &hundred_and_one,
        &endless,
    ];
    refuses("name", &texts(&names)).await;
}

#[tokio::test]
async fn names_of_all_the_world_are_taken() {
    let hundred = "a".repeat(100);
    let names = [
        "X",
        "O'Brien-Smith, Jr.",
        "李小龍",
        "नरेंद्र",
        "محمد",
        "Zoë 👩\u{200d}💻",
        "<b>Robert'); DROP TABLE users;--",
        &hundred,
    ];
    takes("name", &names).await;
}

#[tokio::test]
async fn usernames_that_are_no_names_or_somebody_elses_are_refused() {
    let too_long = "a".repeat(31);
    let names = [
        "",
        "ab",
        &too_long,
        "1abc",
        "_ada",
        "ada_",
        "a..da",
        "ada lovelace",
        " ada",
        "ada ",
        "ada\0",
        "ada\n",
        "victim@example.com",
        "+46701740605",
        "0701740605",
        "\u{430}da",
        "m\u{131}ke",
        "\u{212a}ate",
        "ad\u{200d}a",
        "a/../da",
        "<b>ada</b>",
    ];
    refuses("username", &texts(&names)).await;
}

#[tokio::test]
async fn usernames_of_three_to_thirty_characters_are_taken() {
    let longest = "a".repeat(30);
    takes("username", &["ada", "A-d.a_1", &longest]).await;
}

#[tokio::test]
async fn no_answer_quotes_the_password() {
    let app = App::start().await;
    for password in [
        json!("hunter2"),
        json!(["hunter2-hunter2"]),
        json!({ "hunter2": 1 }),
    ] {
        let mut body = minimal("ada@example.com");
        body["password"] = password;
        let answer = app.post(PATHS[0], &body).send().await.expect(422);
        assert!(!answer.text.contains("hunter2"), "{}", answer.text);
    }
}
