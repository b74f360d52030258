//! `PATCH /api/auth/forgot/password`

mod asking;
mod old_password;
mod once;
mod order;
mod page;
mod refused;

use latchkey_local::Options;
use latchkey_shared::clock::Clock as _;
use latchkey_tests::{App, NEW_PASSWORD, PASSWORD, Redis, other_than};
use secrecy::SecretString;
use serde_json::{Value, json};

const PATH: &str = "/api/auth/forgot/password";

/// What sets this address's password, but for the proof.
fn to(email: &str, password: &str) -> Value {
    json!({ "email": email, "password": password })
}

fn by_link(token: &str, password: &str) -> Value {
    json!({ "token": token, "password": password })
}

/// Claims that the account is as it was.
async fn claim_untouched(app: &App, email: &str) {
    assert!(app.opens(email, PASSWORD).await);
    let mut mails = app.mails_to(email).await;
    mails.retain(|mail| mail.template == "password_changed");
    assert_eq!(mails.len(), 0);
}

#[tokio::test]
async fn a_mailed_code_sets_a_new_password() {
    let app = App::start().await;
    app.person("Ada@example.com").await;
    let asked = app
        .forgot_password(&json!({ "email": "ADA@example.com" }))
        .await;
    assert_eq!(asked.header("cache-control"), Some("no-store"));
    let challenge: Value = serde_json::from_str(&asked.text).unwrap();
    assert_eq!(challenge["channel"], "email");
    assert_eq!(challenge["sentTo"], "A***@e***.com");
    assert_eq!(challenge["resendAfter"], 60);
    // To the address as its owner gave it.
    let mailed = app.mailed(asked, "Ada@example.com", "reset_password").await;
    assert_eq!(mailed.mail.to, "Ada@example.com");
    assert!(!challenge.to_string().contains(&mailed.code()));
    assert!(!challenge.to_string().contains(&mailed.mail.link_token()));

    let answer = app
        .forgot_password(&mailed.with(to("ada@EXAMPLE.com", NEW_PASSWORD)))
        .await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    // Nobody is signed in by it: that would pass by the second factor.
    assert!(answer.refresh_cookie().is_none());
    assert_eq!(answer.json(200), json!({ "status": "password_changed" }));
    assert!(!app.opens("ada@example.com", PASSWORD).await);
    assert!(app.opens("ada@example.com", NEW_PASSWORD).await);
}

#[tokio::test]
async fn a_mailed_link_sets_a_new_password() {
    let app = App::start().await;
    app.person("ada@example.com").await;
    let mailed = app.mailed_reset("ada@example.com").await;
    let link = mailed.mail.link();
    let page = format!("{}/api/auth/forgot/password?token=", app.url());
    assert!(link.starts_with(&page), "{link}");
    let body = by_link(&mailed.mail.link_token(), NEW_PASSWORD);
    let answer = app.forgot_password(&body).await;
    assert_eq!(answer.json(200), json!({ "status": "password_changed" }));
    assert!(!app.opens("ada@example.com", PASSWORD).await);
    assert!(app.opens("ada@example.com", NEW_PASSWORD).await);
}

#[tokio::test]
async fn every_session_ends_at_once() {
    claim_every_session_ends(&App::start().await).await;
}

#[tokio::test]
async fn every_session_ends_at_once_on_redis_too() {
    let Some(redis) = Redis::start().await else {
        return;
    };
    let app = App::of(Options {
        redis_url: Some(SecretString::from(redis.url())),
        ..Options::default()
    });
    claim_every_session_ends(&app.await).await;
}

async fn claim_every_session_ends(app: &App) {
    let ada = app.person("ada@example.com").await;
    let eve = app.person("eve@example.com").await;
    let eve = app.sign_in(&eve).await;
    let mut devices = Vec::new();
    for _ in 0..3 {
        devices.push(app.sign_in(&ada).await);
    }
    let mailed = app.mailed_reset(&ada.email).await;
    app.forgot_password(&mailed.with(to(&ada.email, NEW_PASSWORD)))
        .await
        .expect(200);
    for device in &devices {
        app.claim_over(device).await;
    }
    app.me(&eve.access).await.expect(200);
    let identity = json!({ "email": ada.email });
    let signed_in = app.try_sign_in(identity, NEW_PASSWORD).await.json(200);
    let access = signed_in["accessToken"].as_str().unwrap();
    app.me(access).await.expect(200);
}

#[tokio::test]
async fn the_owner_is_told_when_and_from_where() {
    let app = App::start().await;
    app.person("ada@example.com").await;
    let mailed = app.mailed_reset("ada@example.com").await;
    app.patch(PATH, &mailed.with(to("ada@example.com", NEW_PASSWORD)))
        .header("x-dev-client-ip", "203.0.113.66")
        .send()
        .await
        .expect(200);
    let mail = app.mail_to("ada@example.com", "password_changed").await;
    for part in [&mail.text, &mail.html] {
        assert!(part.contains("203.0.113.66"), "{part}");
        assert!(!part.contains(NEW_PASSWORD));
        assert!(!part.contains(&mailed.code()));
    }
    assert!(mail.link().contains("/api/auth/security/not-me?token="));
}

#[tokio::test]
async fn the_code_is_good_for_ten_minutes_and_the_link_for_thirty() {
    let app = App::start().await;
    for (local, minutes, by_code, good) in [
        ("a", 10, true, true),
        ("b", 10, true, false),
        ("c", 30, false, true),
        ("d", 30, false, false),
    ] {
        let email = format!("{local}@example.com");
        app.person(&email).await;
        let mailed = app.mailed_reset(&email).await;
        // The clock goes on by itself, so it stops some seconds short.
        let short = if good { 10 } else { 0 };
        app.advance(minutes * 60 - short).await;
        let body = if by_code {
            mailed.with(to(&email, NEW_PASSWORD))
        } else {
            by_link(&mailed.mail.link_token(), NEW_PASSWORD)
        };
        let answer = app.forgot_password(&body).await;
        if good {
            answer.expect(200);
        } else {
            answer.problem(400, "code_expired");
            claim_untouched(&app, &email).await;
        }
    }
}

#[tokio::test]
async fn five_wrong_codes_end_the_codes_of_an_address_but_not_the_link() {
    let app = App::start().await;
    app.person("ada@example.com").await;
    let first = app.mailed_reset("ada@example.com").await;
    app.advance(60).await;
    let second = app.mailed_reset("ada@example.com").await;
    let wrong = |mailed: &latchkey_tests::Mailed| {
        let code = other_than(&mailed.code());
        mailed.with_code(code, to("ada@example.com", NEW_PASSWORD))
    };
    for (mailed, left) in [
        (&first, 4),
        (&second, 3),
        (&first, 2),
        (&second, 1),
        (&first, 0),
    ] {
        let answer = app.forgot_password(&wrong(mailed)).await;
        assert_eq!(answer.problem(400, "code_invalid")["attemptsLeft"], left);
    }
    for mailed in [&first, &second] {
        app.forgot_password(&mailed.with(to("ada@example.com", NEW_PASSWORD)))
            .await
            .problem(400, "code_expired");
    }
    claim_untouched(&app, "ada@example.com").await;
    // Whoever guesses keeps nobody out who reads the mailbox.
    let body = by_link(&second.mail.link_token(), NEW_PASSWORD);
    app.forgot_password(&body).await.expect(200);
}

#[tokio::test]
async fn fifty_codes_may_be_tried_for_an_address_in_a_day() {
    let app = App::start().await;
    app.person("ada@example.com").await;
    for email in ["ada@example.com", "nobody@example.com"] {
        // Just after midnight (UTC), so that the day is whole.
        let now = app.stack.clock().now().as_second();
        app.advance(24 * 60 * 60 - now.rem_euclid(24 * 60 * 60))
            .await;
        for round in 0..11 {
            let asked = app.forgot_password(&json!({ "email": email })).await;
            let challenge = asked.json(202);
            let mut body = to(email, NEW_PASSWORD);
            body["tokenId"] = challenge["tokenId"].clone();
            let code = app.inbox().await.pop().expect("a mail").code();
            body["code"] = json!(other_than(&code));
            for _ in 0..5 {
                let answer = app.forgot_password(&body).await;
                if round < 10 {
                    answer.problem(400, "code_invalid");
                } else {
                    answer.problem(400, "code_expired");
                }
            }
            app.advance(12 * 60).await;
        }
    }
    // That does not keep the owner out, who has the link of the same mail.
    let mailed = app.mailed_reset("ada@example.com").await;
    let body = by_link(&mailed.mail.link_token(), NEW_PASSWORD);
    app.forgot_password(&body).await.expect(200);
    assert!(app.opens("ada@example.com", NEW_PASSWORD).await);
}

#[tokio::test]
async fn weak_passwords_use_up_neither_code_nor_link() {
    let app = App::start().await;
    app.person("adalovelace@example.com").await;
    let mailed = app.mailed_reset("adalovelace@example.com").await;
    let link = mailed.mail.link_token();
    for weak in ["password123", "qwertyuiop", "adalovelace1", "latchkey2026"] {
        let by_code = mailed.with(to("adalovelace@example.com", weak));
        for body in [by_code, by_link(&link, weak)] {
            let answer = app.forgot_password(&body).await;
            let problem = answer.problem(422, "password_weak");
            assert_eq!(problem["errors"][0]["field"], "password");
            assert_eq!(problem["errors"][0]["message"], problem["detail"]);
        }
    }
    for short in ["short", "", "       "] {
        let by_code = mailed.with(to("adalovelace@example.com", short));
        for body in [by_code, by_link(&link, short)] {
            let fields = app.forgot_password(&body).await.bad_fields();
            assert_eq!(fields[0].0, "password", "{body}");
        }
    }
    claim_untouched(&app, "adalovelace@example.com").await;
    app.forgot_password(&by_link(&link, NEW_PASSWORD))
        .await
        .expect(200);
}

#[tokio::test]
async fn the_new_password_is_taken_exactly_as_it_is_sent() {
    let app = App::start().await;
    app.person("ada@example.com").await;
    let long = format!("{}\0tail", "zebra quilt 47 ".repeat(8));
    for (password, others) in [
        (long.as_str(), [&long[..long.len() - 1], &long[..72]]),
        (
            " Spaced Magnolia Teapots ",
            ["Spaced Magnolia Teapots", " spaced magnolia teapots "],
        ),
    ] {
        let mailed = app.mailed_reset("ada@example.com").await;
        app.forgot_password(&mailed.with(to("ada@example.com", password)))
            .await
            .expect(200);
        for other in others {
            assert!(!app.opens("ada@example.com", other).await);
        }
        assert!(app.opens("ada@example.com", password).await);
        app.advance(60).await;
    }
}
