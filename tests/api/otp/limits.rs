//! How often a code may be asked for, where it may go, and what happens when nobody can count.

use latchkey_local::Options;
use latchkey_tests::{App, Redis, at_once};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::{NUMBER, by_email, by_number};

const PATH: &str = "/api/auth/generate-otp";

/// Somebody with all that there is to name them by, and the same of nobody.
async fn known_and_unknown(app: &App) -> [Value; 6] {
    let more = json!({ "username": "ada", "phoneNumber": NUMBER });
    app.person_with("ada@example.com", &more).await;
    [
        by_email("ada@example.com"),
        by_email("nobody@example.com"),
        json!({ "username": "ada" }),
        json!({ "username": "nobody" }),
        by_number(NUMBER),
        by_number("+46702740605"),
    ]
}

#[tokio::test]
async fn a_name_gets_three_codes_an_hour_and_one_a_minute() {
    let app = App::start().await;
    for name in known_and_unknown(&app).await {
        for _ in 0..3 {
            app.ask_otp(&name).await.expect(202);
            let answer = app.ask_otp(&name).await;
            let wait: i64 = answer.header("retry-after").unwrap().parse().unwrap();
            answer.problem(429, "rate_limited");
            assert!((50..=60).contains(&wait), "{name}: {wait}");
            app.advance(wait).await;
        }
        let answer = app.ask_otp(&name).await;
        let wait: i64 = answer.header("retry-after").unwrap().parse().unwrap();
        answer.problem(429, "rate_limited");
        assert!((3300..=3430).contains(&wait), "{name}: {wait}");
        app.advance(wait).await;
        app.ask_otp(&name).await.expect(202);
    }
}

#[tokio::test]
async fn every_answer_tells_the_limits() {
    let app = App::start().await;
    for name in known_and_unknown(&app).await {
        for status in [202, 429] {
            let answer = app.ask_otp(&name).await.expect(status);
            let policy = answer.header("ratelimit-policy").expect("a policy");
            assert!(
                policy.starts_with("\"minute\";q=1;w=60, \"hour\";q=3;w=3600"),
                "{policy}"
            );
            let state = answer.header("ratelimit").expect("a state");
            assert!(state.starts_with("\"minute\";r=0;t="), "{state}");
            // The key of the limit is nobody's business.
            for header in [policy, state] {
                assert!(!header.contains("ada"), "{header}");
                assert!(!header.contains("4670"), "{header}");
            }
        }
    }
}

#[tokio::test]
async fn a_name_is_one_however_it_is_written_and_whoever_asks() {
    let app = App::start().await;
    let [email, _, username, _, number, _] = known_and_unknown(&app).await;
    for name in [&email, &username, &number] {
        app.ask_otp(name).await.expect(202);
    }
    for same in [
        by_email("ADA@Example.com"),
        json!({ "username": "ADA" }),
        by_number("+46 (0)70 174 06 05"),
        json!({ "countryCode": "46", "mobile": "070-174 06 05" }),
        json!({ "email": null, "phoneNumber": NUMBER }),
    ] {
        let call = app
            .post(PATH, &same)
            .header("x-dev-client-ip", "2001:db8::7");
        let answer = call.header("x-forwarded-for", "203.0.113.7").send().await;
        answer.problem(429, "rate_limited");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_twenty_requests_at_once_one_sends_a_code() {
    let app = App::start().await;
    known_and_unknown(&app).await;
    for (name, to, template) in [
        (by_email("ada@example.com"), "ada@example.com", "otp"),
        (by_number(NUMBER), NUMBER, "otp_sms"),
    ] {
        let answers = at_once((0..20).map(|_| app.post(PATH, &name))).await;
        let sent = answers.iter().filter(|answer| answer.status == 202).count();
        let refused = answers.iter().filter(|answer| answer.status == 429).count();
        assert_eq!((sent, refused), (1, 19));
        let mut mails = app.mails_to(to).await;
        mails.retain(|mail| mail.template == template);
        assert_eq!(mails.len(), 1);
    }
}

#[tokio::test]
async fn numbers_of_other_countries_get_no_sms() {
    let app = App::with(&[("SMS_COUNTRIES", "SE")]).await;
    let american = "+14155552671";
    let more = json!({ "phoneNumber": american });
    app.person_with("ada@example.com", &more).await;
    let before = app.inbox().await.len();
    for name in [
        by_number(american),
        by_number("+14155552672"),
        json!({ "countryCode": "1", "mobile": "4155552671" }),
    ] {
        let fields = app.ask_otp(&name).await.bad_fields();
        let expected = ("phoneNumber".to_owned(), "country_not_supported".to_owned());
        assert_eq!(fields, [expected], "{name}");
    }
    assert_eq!(app.inbox().await.len(), before);
    app.ask_otp(&by_number(NUMBER)).await.expect(202);
}

#[tokio::test]
async fn numbers_in_a_row_share_a_limit_whether_they_are_known() {
    let app = App::with(&[("SMS_PER_PREFIX_HOUR", "3")]).await;
    app.person_with("ada@example.com", &json!({ "phoneNumber": NUMBER }))
        .await;
    for last in ["601", "602", "605"] {
        let name = by_number(&format!("+46701740{last}"));
        app.ask_otp(&name).await.expect(202);
    }
    for last in ["603", "604"] {
        let name = by_number(&format!("+46701740{last}"));
        let answer = app.ask_otp(&name).await;
        assert!(answer.header("retry-after").is_some());
        answer.problem(429, "rate_limited");
    }
    assert_eq!(app.mails_to(NUMBER).await.len(), 1);
}

#[tokio::test]
async fn while_redis_is_away_nobody_gets_a_code() {
    let Some(mut redis) = Redis::start().await else {
        return;
    };
    let app = App::of(Options {
        redis_url: Some(SecretString::from(redis.url())),
        ..Options::default()
    })
    .await;
    let names = known_and_unknown(&app).await;
    app.ask_otp(&names[0]).await.expect(202);
    let code = app.mail_to("ada@example.com", "otp").await.code();
    redis.kill();
    let before = app.inbox().await.len();
    for name in &names[2..] {
        let answer = app.ask_otp(name).await;
        assert_eq!(answer.header("retry-after"), Some("1"));
        answer.problem(503, "unavailable");
    }
    assert_eq!(app.inbox().await.len(), before);
    // A code that is out already is good: what counts its tries is elsewhere.
    app.try_otp(&names[0], &code).await.expect(200);
}

#[tokio::test]
async fn a_mailbox_gets_no_more_by_two_names_than_by_one() {
    let app = App::start().await;
    let more = json!({ "username": "ada" });
    app.person_with("ada@example.com", &more).await;
    for names in [
        [by_email("ada@example.com"), json!({ "username": "ada" })],
        [json!({ "username": "ada" }), by_email("ada@example.com")],
    ] {
        let before = app.mails_to("ada@example.com").await.len();
        for _ in 0..3 {
            for name in &names {
                app.ask_otp(name).await;
            }
            app.advance(60).await;
        }
        assert_eq!(app.mails_to("ada@example.com").await.len(), before + 3);
        app.advance(60 * 60).await;
    }
}

#[tokio::test]
async fn nobody_learns_from_the_limits_whose_address_is_behind_a_username() {
    let app = App::start().await;
    let more = json!({ "username": "ada" });
    app.person_with("a-da@example.com", &more).await;
    app.person("a-eve@example.com").await;
    for _ in 0..3 {
        app.ask_otp(&json!({ "username": "ada" })).await.expect(202);
        app.advance(60).await;
    }
    for _ in 0..4 {
        let hers = app.ask_otp(&by_email("a-da@example.com")).await.shape();
        let anothers = app.ask_otp(&by_email("a-eve@example.com")).await.shape();
        let nobodys = app.ask_otp(&by_email("a-nobody@example.com")).await.shape();
        assert_eq!(hers, anothers);
        assert_eq!(hers, nobodys);
        app.advance(60).await;
    }
}
