//! `POST /api/auth/resend/verify/email`

use latchkey_tests::{Answer, App, PASSWORD, Pending, at_once};
use serde_json::json;

const PATH: &str = "/api/auth/resend/verify/email";

/// How long an address waits between two mails, in seconds.
const RESEND_AFTER: i64 = 60;

async fn resend(app: &App, email: &str) -> Answer {
    app.post(PATH, &json!({ "email": email })).send().await
}

/// Somebody pending, somebody verified and nobody, at addresses that are masked alike.
async fn three_addresses(app: &App) -> [&'static str; 3] {
    app.sign_up("a-pending@example.com").await;
    app.person("a-verified@example.com").await;
    [
        "a-pending@example.com",
        "a-verified@example.com",
        "a-nobody@example.com",
    ]
}

fn seconds(answer: &Answer) -> i64 {
    let text = answer.header("retry-after").expect("a Retry-After");
    text.parse().expect("seconds")
}

#[tokio::test]
async fn a_pending_account_gets_another_code_and_link() {
    let app = App::start().await;
    let pending = app.sign_up("ada@example.com").await;
    let first = app.mail_to("ada@example.com", "verify_email").await;
    let challenge = resend(&app, "ADA@example.com").await.json(202);
    let mut members: Vec<&String> = challenge.as_object().unwrap().keys().collect();
    members.sort();
    let documented = ["channel", "expiresAt", "resendAfter", "sentTo", "tokenId"];
    assert_eq!(members, documented);
    assert_eq!(challenge["channel"], "email");
    assert_eq!(challenge["resendAfter"], RESEND_AFTER);

    let mails = app.inbox().await;
    let second = mails.last().unwrap();
    assert_eq!((mails.len(), second.template.as_str()), (2, "verify_email"));
    // To the address as its owner gave it.
    assert_eq!(second.to, "ada@example.com");
    assert_ne!(second.link_token(), first.link_token());
    let renewed = Pending {
        token_id: challenge["tokenId"].as_str().unwrap().to_owned(),
        ..pending
    };
    app.try_code(&renewed, &second.code()).await.expect(200);
}

#[tokio::test]
async fn the_answer_never_tells_whether_the_address_is_known() {
    let app = App::start().await;
    let addresses = three_addresses(&app).await;
    let before = app.inbox().await.len();
    for status in [202, 429] {
        let mut shapes = Vec::new();
        for email in addresses {
            let answer = resend(&app, email).await;
            assert_eq!(answer.status, status, "{email}: {}", answer.text);
            shapes.push(answer.shape());
        }
        assert_eq!(shapes[0], shapes[1]);
        assert_eq!(shapes[0], shapes[2]);
    }
    // Only who waits for it gets a mail, and of the refused requests nobody does.
    let mails = app.inbox().await;
    let [mail] = &mails[before..] else {
        panic!("{mails:?}");
    };
    assert_eq!(mail.to, addresses[0]);
}

#[tokio::test]
async fn the_work_is_the_same_whether_the_address_is_known() {
    let app = App::start().await;
    let mut work = Vec::new();
    for email in three_addresses(&app).await {
        let _ = app.stack.calls().take();
        resend(&app, email).await.expect(202);
        let calls = app.stack.calls().take();
        let operations: Vec<String> = calls.dynamodb.into_iter().map(|c| c.operation).collect();
        work.push((operations, calls.cache));
    }
    assert_eq!(work[0], work[1]);
    assert_eq!(work[0], work[2]);
}

#[tokio::test]
async fn decoy_codes_count_down_as_real_ones_do() {
    let app = App::start().await;
    let pending = app.sign_up("a-pending@example.com").await;
    app.person("a-verified@example.com").await;
    let decoy = app.sign_up("a-verified@example.com").await;
    for sign_up in [pending, decoy] {
        let challenge = resend(&app, &sign_up.email).await.json(202);
        let renewed = Pending {
            token_id: challenge["tokenId"].as_str().unwrap().to_owned(),
            ..sign_up
        };
        let right = app.inbox().await.last().unwrap().text.clone();
        let wrong = if right.contains("111111") {
            "222222"
        } else {
            "111111"
        };
        for left in [4, 3, 2, 1, 0] {
            let answer = app.try_code(&renewed, wrong).await;
            let body = answer.problem(400, "code_invalid");
            assert_eq!(body["attemptsLeft"], left);
        }
        app.try_code(&renewed, wrong)
            .await
            .problem(400, "code_expired");
    }
}

#[tokio::test]
async fn who_waits_as_long_as_told_is_answered() {
    let app = App::start().await;
    let addresses = three_addresses(&app).await;
    for email in addresses {
        resend(&app, email).await.expect(202);
    }
    app.advance(RESEND_AFTER - 20).await;
    for email in addresses {
        let answer = resend(&app, &email.to_uppercase()).await;
        let wait = seconds(&answer);
        answer.problem(429, "rate_limited");
        assert!((1..=21).contains(&wait), "{wait}");
    }
    // The last of them has to wait longest.
    let answer = resend(&app, addresses[2]).await;
    app.advance(seconds(&answer)).await;
    for email in addresses {
        resend(&app, email).await.expect(202);
    }
}

#[tokio::test]
async fn an_address_gets_five_mails_an_hour() {
    let app = App::start().await;
    let [pending, ..] = three_addresses(&app).await;
    for email in [pending, "a-nobody@example.com"] {
        for _ in 0..5 {
            resend(&app, email).await.expect(202);
            app.advance(RESEND_AFTER).await;
        }
        let answer = resend(&app, email).await;
        let wait = seconds(&answer);
        answer.problem(429, "rate_limited");
        let passed = 5 * RESEND_AFTER;
        assert!(wait <= 3600 - passed + 1, "{wait}");
        assert!(wait > 3600 - passed - 60, "{wait}");
        app.advance(wait).await;
        resend(&app, email).await.expect(202);
    }
    let mails = app.mails_to(pending).await;
    assert_eq!(mails.len(), 1 + 5 + 1);
}

#[tokio::test]
async fn what_is_refused_does_not_make_the_wait_longer() {
    let app = App::start().await;
    app.sign_up("ada@example.com").await;
    resend(&app, "ada@example.com").await.expect(202);
    for _ in 0..20 {
        resend(&app, "ada@example.com").await.expect(429);
    }
    app.advance(RESEND_AFTER).await;
    resend(&app, "ada@example.com").await.expect(202);
}

#[tokio::test]
async fn the_limit_is_of_the_address_whoever_asks() {
    let app = App::start().await;
    app.sign_up("ada@example.com").await;
    app.sign_up("eve@example.com").await;
    resend(&app, "ada@example.com").await.expect(202);
    let body = json!({ "email": "ada@example.com" });
    for ip in ["203.0.113.7", "2001:db8::7"] {
        let call = app.post(PATH, &body).header("x-dev-client-ip", ip);
        call.header("x-forwarded-for", ip).send().await.expect(429);
    }
    resend(&app, "eve@example.com").await.expect(202);
}

#[tokio::test]
async fn every_answer_tells_the_limits() {
    let app = App::start().await;
    for status in [202, 429] {
        let answer = resend(&app, "ada@example.com").await.expect(status);
        let policy = answer.header("ratelimit-policy").expect("a policy");
        assert!(policy.contains("q=1;w=60"), "{policy}");
        assert!(policy.contains("q=5;w=3600"), "{policy}");
        let state = answer.header("ratelimit").expect("a state");
        assert!(state.contains("r=0;t="), "{state}");
        // The key of the limit is the address, which is nobody's business.
        for header in [policy, state] {
            assert!(!header.contains("ada"), "{header}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_twenty_requests_at_once_one_sends_a_mail() {
    let app = App::start().await;
    app.sign_up("ada@example.com").await;
    let body = json!({ "email": "ada@example.com" });
    let answers = at_once((0..20).map(|_| app.post(PATH, &body))).await;
    let sent = answers.iter().filter(|answer| answer.status == 202).count();
    let refused = answers.iter().filter(|answer| answer.status == 429).count();
    assert_eq!((sent, refused), (1, 19));
    assert_eq!(app.mails_to("ada@example.com").await.len(), 2);
}

#[tokio::test]
async fn a_sign_up_that_lapsed_gets_no_mail() {
    let app = App::start().await;
    app.sign_up("ada@example.com").await;
    assert_eq!(app.mails_to("ada@example.com").await.len(), 1);
    app.advance(7 * 24 * 60 * 60).await;
    resend(&app, "ada@example.com").await.expect(202);
    assert_eq!(app.mails_to("ada@example.com").await.len(), 1);
}

#[tokio::test]
async fn a_mail_goes_to_the_stored_address_alone() {
    let app = App::start().await;
    app.sign_up("mike@example.com").await;
    for email in [
        json!("m\u{131}ke@example.com"),
        json!("mike\u{ff20}example.com"),
        json!("mike@example.com,mallory@example.com"),
        json!("mike@example.com\r\nBcc: mallory@example.com"),
        json!(["mike@example.com", "mallory@example.com"]),
        json!({ "$ne": "" }),
        json!(null),
        json!(1),
    ] {
        let answer = app.post(PATH, &json!({ "email": email })).send().await;
        let fields = answer.bad_fields();
        assert_eq!(fields.len(), 1, "{email}");
        assert_eq!(fields[0].0, "email", "{email}");
    }
    let more = json!({ "email": "mike@example.com", "to": "mallory@example.com" });
    let fields = app.post(PATH, &more).send().await.bad_fields();
    assert_eq!(fields[0].0, "to");
    assert_eq!(app.inbox().await.len(), 1);
}

#[tokio::test]
async fn the_old_link_stays_good_until_one_is_used() {
    let app = App::start().await;
    app.sign_up("ada@example.com").await;
    let first = app.mail_to("ada@example.com", "verify_email").await;
    resend(&app, "ada@example.com").await.expect(202);
    let link = json!({ "token": first.link_token() });
    app.post("/api/auth/verify/email/link", &link)
        .send()
        .await
        .expect(200);
    let identity = json!({ "email": "ada@example.com" });
    app.try_sign_in(identity, PASSWORD).await.expect(200);
}
