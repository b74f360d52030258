//! `POST /api/auth/sign-in` and `POST /api/auth/sign-in/email`

use latchkey_tests::{Answer, App, Client, Device, PASSWORD, members};
use serde_json::{Value, json};

/// Both paths of sign-in.
const PATHS: [&str; 2] = ["/api/auth/sign-in", "/api/auth/sign-in/email"];

const CHROME: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 \
                      (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36";

/// Somebody who can sign in by all that there is.
async fn app_with_ada() -> App {
    let app = App::start().await;
    let more = json!({ "username": "Ada.L", "phoneNumber": "+46701740605" });
    app.person_with("Ada@Example.com", &more).await;
    app
}

/// An answer but for the id of its request, and the date.
fn without_request_id(answer: &Answer) -> (u16, Vec<(String, String)>, Value) {
    let mut headers: Vec<_> = answer
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .filter(|(name, _)| name != "x-request-id" && name != "date")
        .collect();
    headers.sort();
    let mut body: Value = serde_json::from_str(&answer.text).unwrap();
    assert!(body["requestId"].take().is_string());
    (answer.status.as_u16(), headers, body)
}

async fn signed_in_with(app: &Client, email: &str, password: &str) -> Answer {
    app.try_sign_in(json!({ "email": email }), password).await
}

#[tokio::test]
async fn an_account_is_named_by_email_username_or_phone() {
    let app = app_with_ada().await;
    let names = [
        json!({ "email": "Ada@Example.com" }),
        json!({ "email": "aDA@eXAMPLE.COM" }),
        json!({ "username": "Ada.L" }),
        json!({ "username": "aDA.l" }),
        json!({ "phoneNumber": "+46701740605" }),
        json!({ "phoneNumber": "+46 70-174 06 05" }),
        json!({ "countryCode": "+46", "mobile": "0701740605" }),
        json!({ "countryCode": "46", "mobile": "701740605" }),
        json!({ "identifier": "ada@example.com" }),
        json!({ "identifier": "ada.l" }),
        json!({ "identifier": "+46701740605" }),
        // What a form sends of the fields that were left empty.
        json!({ "email": null, "username": "ada.l" }),
    ];
    let mut users = Vec::new();
    for mut body in names {
        body["password"] = json!(PASSWORD);
        body["tokenDelivery"] = json!("body");
        for path in PATHS {
            let signed_in = app.post(path, &body).send().await.json(200);
            users.push(signed_in["user"]["id"].clone());
        }
    }
    users.dedup();
    assert_eq!(users.len(), 1, "{users:?}");
}

#[tokio::test]
async fn the_answer_has_exactly_what_the_contract_says() {
    let app = app_with_ada().await;
    let signed_in = signed_in_with(&app, "ada@example.com", PASSWORD)
        .await
        .json(200);
    assert_eq!(
        members(&signed_in),
        [
            "accessToken",
            "expiresIn",
            "refreshToken",
            "session",
            "status",
            "tokenType",
            "user"
        ]
    );
    assert_eq!(signed_in["status"], "signed_in");
    assert_eq!(signed_in["tokenType"], "Bearer");
    assert_eq!(signed_in["expiresIn"], 900);
    assert_eq!(
        members(&signed_in["session"]),
        [
            "createdAt",
            "current",
            "device",
            "expiresAt",
            "id",
            "ip",
            "lastUsedAt",
            "location",
            "userAgent"
        ]
    );
    assert_eq!(signed_in["session"]["current"], true);
    assert_eq!(
        members(&signed_in["user"]),
        [
            "createdAt",
            "email",
            "emailVerified",
            "id",
            "imageUrl",
            "mfaEnabled",
            "name",
            "phoneNumber",
            "phoneVerified",
            "plan",
            "roles",
            "status",
            "username"
        ]
    );
    let user = &signed_in["user"];
    assert_eq!(user["email"], "Ada@example.com");
    assert_eq!(user["username"], "Ada.L");
    assert_eq!(user["phoneNumber"], "+46701740605");
    assert_eq!(user["status"], "active");
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_account_are_one_and_the_same() {
    let app = app_with_ada().await;
    app.sign_up_with("pending@example.com", &json!({ "username": "waiting" }))
        .await;
    let wrong = "correct horse battery stapler";
    let refused = [
        (json!({ "email": "ada@example.com" }), wrong),
        (json!({ "email": "nobody@example.com" }), PASSWORD),
        (json!({ "email": "pending@example.com" }), wrong),
        (json!({ "username": "ada.l" }), wrong),
        (json!({ "username": "nobody" }), PASSWORD),
        (json!({ "username": "waiting" }), wrong),
        (json!({ "phoneNumber": "+46701740605" }), wrong),
        (json!({ "phoneNumber": "+46701740606" }), PASSWORD),
        (json!({ "identifier": "ada@example.com" }), wrong),
        (json!({ "identifier": "nobody" }), PASSWORD),
        // Breaks every rule of new passwords, and is only wrong here.
        (json!({ "email": "ada@example.com" }), "x"),
    ];
    let mut answers = Vec::new();
    for (name, password) in refused {
        let answer = app.try_sign_in(name, password).await;
        assert!(answer.refresh_cookie().is_none());
        answers.push(without_request_id(&answer));
    }
    let (status, _, body) = &answers[0];
    assert_eq!(*status, 401);
    assert_eq!(body["code"], "invalid_credentials");
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
}

#[tokio::test]
async fn a_pending_account_opens_when_it_is_verified() {
    let app = App::start().await;
    let pending = app.sign_up("ada@example.com").await;
    let answer = signed_in_with(&app, "ada@example.com", PASSWORD).await;
    assert!(answer.refresh_cookie().is_none());
    // No more is said: a sign-up for a taken address could never be answered the same.
    answer.problem(401, "invalid_credentials");

    let code = app.code_of(&pending).await;
    app.try_code(&pending, &code).await.expect(200);
    signed_in_with(&app, "ada@example.com", PASSWORD)
        .await
        .expect(200);
}

#[tokio::test]
async fn a_sign_up_that_nobody_verified_in_a_day_is_nobody() {
    let app = App::start().await;
    app.sign_up("ada@example.com").await;
    app.advance(24 * 60 * 60).await;
    signed_in_with(&app, "ada@example.com", PASSWORD)
        .await
        .problem(401, "invalid_credentials");
}

#[tokio::test]
async fn the_refresh_token_comes_as_a_cookie_unless_the_body_is_asked_for() {
    let app = app_with_ada().await;
    let mut body = json!({ "email": "ada@example.com", "password": PASSWORD });
    for delivery in [Value::Null, json!("cookie")] {
        body["tokenDelivery"] = delivery;
        let answer = app.post("/api/auth/sign-in", &body).send().await;
        let cookie = answer.refresh_cookie().expect("a cookie");
        let (pair, attributes) = cookie.split_once("; ").unwrap();
        let (name, token) = pair.split_once('=').unwrap();
        assert_eq!(name, "__Host-refresh_token");
        let mut attributes: Vec<_> = attributes.split("; ").collect();
        attributes.sort_unstable();
        assert_eq!(
            attributes,
            [
                "HttpOnly",
                "Max-Age=2592000",
                "Path=/",
                "SameSite=Strict",
                "Secure"
            ]
        );
        let names: Vec<_> = answer
            .headers
            .get_all("set-cookie")
            .iter()
            .map(|cookie| cookie.to_str().unwrap().split('=').next().unwrap())
            .collect();
        assert_eq!(names, ["__Host-refresh_token", "__Host-device"]);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let token = token.to_owned();
        let signed_in = answer.json(200);
        assert!(signed_in.get("refreshToken").is_none(), "{signed_in}");
        assert!(!signed_in.to_string().contains(&token));
        app.refresh(&token).await.expect(200);
    }

    body["tokenDelivery"] = json!("body");
    let answer = app.post("/api/auth/sign-in", &body).send().await;
    assert!(answer.headers.get("set-cookie").is_none());
    let device = Device::from(&answer.json(200));
    app.refresh(&device.refresh).await.expect(200);
}

#[tokio::test]
async fn the_cookie_is_as_strict_as_configured() {
    let app = App::with(&[("COOKIE_SAME_SITE", "Lax")]).await;
    app.person("ada@example.com").await;
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    let answer = app.post("/api/auth/sign-in", &body).send().await;
    let cookie = answer.refresh_cookie().expect("a cookie");
    assert!(cookie.contains("; SameSite=Lax"), "{cookie}");
}

#[tokio::test]
async fn every_bad_field_is_named() {
    let app = app_with_ada().await;
    let long = "x".repeat(2_000);
    let cases = [
        (json!({}), vec!["identifier", "password"]),
        (json!({ "password": PASSWORD }), vec!["identifier"]),
        (json!({ "email": "ada@example.com" }), vec!["password"]),
        (
            json!({ "email": "ada@example.com", "password": null }),
            vec!["password"],
        ),
        (
            json!({ "email": "ada@example.com", "password": "" }),
            vec!["password"],
        ),
        (
            json!({ "email": "ada@example.com", "password": long }),
            vec!["password"],
        ),
        (
            json!({ "email": "ada@example.com", "username": "ada.l", "password": PASSWORD }),
            vec!["identifier"],
        ),
        (
            json!({ "identifier": "ada.l", "username": "ada.l", "password": PASSWORD }),
            vec!["identifier"],
        ),
        (
            json!({ "phoneNumber": "+46701740605", "countryCode": "46", "mobile": "701740605",
                    "password": PASSWORD }),
            vec!["phoneNumber"],
        ),
        (
            json!({ "countryCode": "46", "password": PASSWORD }),
            vec!["mobile"],
        ),
        (
            json!({ "email": ["ada@example.com"], "password": [PASSWORD] }),
            vec!["email", "password"],
        ),
        (
            json!({ "email": { "$ne": "" }, "password": { "$ne": "" } }),
            vec!["email", "password"],
        ),
        (
            json!({ "username": true, "password": 12_345_678 }),
            vec!["password", "username"],
        ),
        (
            json!({ "email": "ada@", "password": PASSWORD, "isAdmin": true, "role": "admin" }),
            vec!["email", "isAdmin", "role"],
        ),
        (
            json!({ "identifier": "", "password": PASSWORD, "tokenDelivery": "header" }),
            vec!["identifier", "tokenDelivery"],
        ),
    ];
    for (body, expected) in cases {
        for path in PATHS {
            let answer = app.post(path, &body).send().await;
            assert!(answer.refresh_cookie().is_none());
            let fields = answer.bad_fields();
            let names: Vec<_> = fields.iter().map(|(name, _)| name.as_str()).collect();
            assert_eq!(names, expected, "{body}");
        }
    }
}

#[tokio::test]
async fn a_body_of_megabytes_is_not_read() {
    let app = App::start().await;
    let body = json!({ "email": "ada@example.com", "password": "x".repeat(1 << 20) });
    app.post("/api/auth/sign-in", &body)
        .send()
        .await
        .problem(413, "payload_too_large");
}

#[tokio::test]
async fn whoever_is_signed_in_has_to_sign_out_first() {
    let app = app_with_ada().await;
    let body = json!({ "email": "ada@example.com", "password": PASSWORD, "tokenDelivery": "body" });
    let device = Device::from(&app.post(PATHS[0], &body).send().await.json(200));
    for path in PATHS {
        app.post(path, &body)
            .bearer(&device.access)
            .send()
            .await
            .problem(403, "already_signed_in");
    }
    // One that has ended, and one that never was, are no hindrance.
    app.delete("/api/auth/user/logout")
        .bearer(&device.access)
        .send()
        .await
        .expect(204);
    for token in [device.access.as_str(), "nonsense"] {
        app.post(PATHS[0], &body)
            .bearer(token)
            .send()
            .await
            .expect(200);
    }
}

#[tokio::test]
async fn a_password_is_the_same_on_every_keyboard() {
    let composed = "\u{c5}ngstr\u{f6}ms l\u{f6}senord";
    let decomposed = "A\u{30a}ngstro\u{308}ms lo\u{308}senord";
    assert_ne!(composed, decomposed);
    let app = App::start().await;
    for (email, password) in [("a@example.com", composed), ("b@example.com", decomposed)] {
        app.person_with(email, &json!({ "password": password }))
            .await;
        for typed in [composed, decomposed] {
            signed_in_with(&app, email, typed).await.expect(200);
        }
    }
}

#[tokio::test]
async fn every_character_of_a_password_counts() {
    let long = "long but not endless, and longer than the seventy-two bytes of bcrypt: ";
    assert!(long.len() >= 71);
    let wide = format!("\u{1f511}correct horse{}", "\u{1f511}".repeat(64));
    let pairs = [
        (format!("{long}12"), format!("{long}13")),
        (format!("{wide}a"), format!("{wide}b")),
        (wide.clone(), wide[4..].to_owned()),
        ("before\0after one".into(), "before\0after two".into()),
        ("nothing after\0".into(), "nothing after".into()),
        (" spaces around ".into(), "spaces around".into()),
        ("trailing space ".into(), "trailing space".into()),
        ("no space here".into(), "no space here ".into()),
        ("Upper and lower".into(), "upper and lower".into()),
    ];
    let app = App::start().await;
    for (number, (password, other)) in pairs.iter().enumerate() {
        let email = format!("user{number}@example.com");
        app.person_with(&email, &json!({ "password": password }))
            .await;
        signed_in_with(&app, &email, other)
            .await
            .problem(401, "invalid_credentials");
        signed_in_with(&app, &email, password).await.expect(200);
    }
}

#[tokio::test]
async fn one_session_too_many_ends_the_least_recently_used() {
    let app = App::start().await;
    let ada = app.person("ada@example.com").await;
    let mut devices = Vec::new();
    for _ in 0..20 {
        devices.push(app.sign_in(&ada).await);
        app.advance(1).await;
    }
    // The first is used again, so the second has rested longest.
    let refreshed = Device::from(&app.refresh(&devices[0].refresh).await.json(200));
    app.advance(1).await;
    let last = app.sign_in(&ada).await;

    app.me(&devices[1].access)
        .await
        .problem(401, "unauthenticated");
    app.refresh(&devices[1].refresh)
        .await
        .problem(401, "session_expired");
    app.me(&refreshed.access).await.expect(200);
    app.me(&devices[2].access).await.expect(200);
    let list = app
        .get("/api/auth/sessions")
        .bearer(&last.access)
        .send()
        .await
        .json(200);
    assert_eq!(list["sessions"].as_array().unwrap().len(), 20);
}

#[tokio::test]
async fn a_change_of_the_hash_cost_shuts_nobody_out() {
    let data = tempfile::tempdir().unwrap();
    for iterations in ["2", "3", "2"] {
        let app = App::kept(data.path(), &[("ARGON2_ITERATIONS", iterations)]).await;
        if iterations == "2" && app.inbox().await.is_empty() {
            app.person("ada@example.com").await;
        }
        for _ in 0..2 {
            signed_in_with(&app, "ada@example.com", PASSWORD)
                .await
                .expect(200);
            signed_in_with(&app, "ada@example.com", "not the password")
                .await
                .problem(401, "invalid_credentials");
        }
        app.stop().await;
    }
}

#[tokio::test]
async fn a_session_tells_where_and_on_what_it_began() {
    let app = app_with_ada().await;
    let body = json!({ "email": "ada@example.com", "password": PASSWORD, "tokenDelivery": "body" });
    let signed_in = app
        .post("/api/auth/sign-in", &body)
        .header("x-dev-client-ip", "203.0.113.7")
        .header("x-forwarded-for", "198.51.100.1")
        .header("forwarded", "for=198.51.100.1")
        .header("user-agent", CHROME)
        .send()
        .await
        .json(200);
    let session = &signed_in["session"];
    assert_eq!(session["ip"], "203.0.113.7");
    assert_eq!(session["userAgent"], CHROME);
    assert_eq!(session["device"], "Chrome on macOS");

    let device = Device::from(&signed_in);
    let list = app
        .get("/api/auth/sessions")
        .bearer(&device.access)
        .send()
        .await
        .json(200);
    assert_eq!(list["sessions"], json!([session]));
}
