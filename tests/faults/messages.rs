//! SES is away, or takes a mail and does not say so (rows M1 and M2), refuses one for good (M3; what
//! bounces is in `infra/local/tests/courier`) or all for a while (M4); SNS refuses (M6); mails have
//! piled up (M7) and come in another order (M8).

use std::time::Duration;

use latchkey_local::Options;
use latchkey_tests::{Fault, Life, PASSWORD, Pending, Rule};
use serde_json::json;
use tokio::time::timeout;

use crate::tables::Tables;

const EMAIL: &str = "ada@example.com";

/// How often one delivery asks SES, at most.
const ATTEMPTS: usize = 4;

/// Longer than the stream's reader waits between two tries here.
const PATIENCE: Duration = Duration::from_mins(1);

async fn start() -> Life {
    Life::of(Options {
        hurried: true,
        ..Options::default()
    })
    .await
}

async fn settle(life: &Life) {
    let settled = timeout(PATIENCE, life.app.stack.settle()).await;
    settled.expect("every event is handled in time");
    assert!(life.app.stack.dead_letters().is_empty());
}

#[tokio::test]
async fn a_mail_waits_until_ses_is_back() {
    for fault in [
        Fault::Error(503, "ServiceUnavailable"),
        Fault::Error(429, "TooManyRequestsException"),
        Fault::LostBefore,
    ] {
        let life = start().await;
        // So many attempts that the event comes more than once.
        life.faults.messages.faults(Rule::first(6, fault.clone()));
        let pending = life.app.sign_up(EMAIL).await;
        settle(&life).await;
        let mails = life.app.mails_to(EMAIL).await;
        assert_eq!(mails.len(), 1, "{fault:?}");
        let answer = life.app.try_code(&pending, &mails[0].code()).await;
        answer.expect(200);
    }
}

/// The tokens' time is over before SES is back: a mail with a dead link is of no use to anybody.
#[tokio::test]
async fn no_mail_goes_out_with_a_dead_link() {
    let life = start().await;
    life.faults
        .messages
        .faults(Rule::every(Fault::Error(503, "ServiceUnavailable")));
    life.app.sign_up(EMAIL).await;
    // All attempts of the first delivery: the next reads the token anew.
    life.faults.messages.has_seen(ATTEMPTS).await;
    life.app.stack.clock().advance(25 * 60 * 60).unwrap();
    life.faults.lift();
    settle(&life).await;
    assert_eq!(life.app.inbox().await.len(), 0);
    // Who asks again gets one that lives.
    let body = json!({ "email": EMAIL });
    let path = "/api/auth/resend/verify/email";
    life.app.post(path, &body).send().await.expect(202);
    let mail = life.app.mail_to(EMAIL, "verify_email").await;
    let link = json!({ "token": mail.link_token() });
    let verified = life.app.post("/api/auth/verify/email/link", &link);
    verified.send().await.expect(200);
}

#[tokio::test]
async fn a_mail_that_ses_took_without_a_word_comes_twice_at_most_and_says_the_same() {
    for fault in [Fault::LostAfter, Fault::CutReply] {
        let life = start().await;
        life.faults.messages.faults(Rule::nth(1, fault.clone()));
        let pending: Pending = life.app.sign_up(EMAIL).await;
        settle(&life).await;
        let mails = life.app.mails_to(EMAIL).await;
        assert!((1..=2).contains(&mails.len()), "{fault:?}: {}", mails.len());
        let first = (mails[0].code(), mails[0].link_token());
        for mail in &mails {
            assert_eq!((mail.code(), mail.link_token()), first);
        }
        let answer = life.app.try_code(&pending, &first.0).await;
        answer.expect(200);
    }
}

/// What `courier` asks of DynamoDB may fail anywhere: no mail is lost, and of those that SES took
/// none goes out again.
#[tokio::test]
async fn courier_finishes_whatever_call_of_its_own_is_disturbed() {
    for fault in [Fault::LostBefore, Fault::LostAfter, Fault::CutReply] {
        for n in 1..=5 {
            let life = start().await;
            life.faults
                .courier_store
                .faults(Rule::nth(n, fault.clone()));
            let pending = life.app.sign_up(EMAIL).await;
            settle(&life).await;
            let mails = life.app.mails_to(EMAIL).await;
            assert_eq!(mails.len(), 1, "{fault:?} at {n}");
            let answer = life.app.try_code(&pending, &mails[0].code()).await;
            answer.expect(200);
            Tables::of(&life.app).await.hold("courier disturbed");
        }
    }
}

const AWAY: Fault = Fault::Error(503, "ServiceUnavailable");

/// A rule for calls that say this; all others arrive.
fn where_it_says(
    text: &'static str,
    mut rule: impl FnMut(usize) -> Fault + Send + 'static,
) -> Rule {
    let mut number = 0;
    Rule::of(move |seen| {
        if !seen.body.contains(text) {
            return Fault::None;
        }
        number += 1;
        rule(number)
    })
}

/// Tried once, and nobody behind it waits. SES accepts what it has on its suppression list, and
/// tells of it as a bounce.
#[tokio::test]
async fn a_mail_that_ses_refuses_for_good_holds_up_nobody() {
    for code in ["MessageRejected", "BadRequestException"] {
        let life = start().await;
        let app = &life.app;
        let (tried, tries) = std::sync::mpsc::channel();
        life.faults
            .messages
            .faults(where_it_says("eve@example.com", move |number| {
                tried.send(number).unwrap();
                Fault::Error(400, code)
            }));
        app.sign_up("eve@example.com").await;
        app.person(EMAIL).await;
        assert!(app.opens(EMAIL, PASSWORD).await);
        settle(&life).await;
        assert_eq!(app.mails_to("eve@example.com").await.len(), 0);
        let tries = std::iter::from_fn(|| tries.try_recv().ok());
        assert_eq!(tries.count(), 1, "{code}");
        // Whoever asks again is answered as ever, and gets what SES takes by then.
        life.faults.lift();
        app.advance(61).await;
        let body = json!({ "email": "eve@example.com" });
        let path = "/api/auth/resend/verify/email";
        app.post(path, &body).send().await.expect(202);
        app.mail_to("eve@example.com", "verify_email").await;
    }
}

/// The account is paused or its day's quota is spent: mails wait, and nobody who has a password
/// waits for them.
#[tokio::test]
async fn without_a_quota_sign_in_goes_on_and_the_mails_come_later() {
    for code in [
        "SendingPausedException",
        "AccountSuspendedException",
        "LimitExceededException",
        "MailFromDomainNotVerifiedException",
    ] {
        let life = start().await;
        let app = &life.app;
        let ada = app.person(EMAIL).await;
        life.faults
            .messages
            .faults(Rule::every(Fault::Error(400, code)));
        let pending = app.sign_up("eve@example.com").await;
        let asked = app.ask_otp(&json!({ "email": EMAIL })).await;
        asked.expect(202);
        life.faults.messages.has_seen(2).await;
        let device = app.sign_in(&ada).await;
        app.me(&device.access).await.expect(200);
        app.refresh(&device.refresh).await.expect(200);
        assert_eq!(app.stack.inbox().messages().len(), 1);

        life.faults.lift();
        settle(&life).await;
        let code = app.code_of(&pending).await;
        app.try_code(&pending, &code).await.expect(200);
        app.mail_to(EMAIL, "otp").await;
        assert_eq!(app.inbox().await.len(), 3);
    }
}

/// The month's money is spent, or a permission is missing: no SMS is taken as sent, and a mail
/// does instead.
#[tokio::test]
async fn an_sms_that_sns_refuses_is_not_taken_as_sent() {
    const NUMBER: &str = "+46701740605";
    for code in ["AuthorizationError", "Throttled", "InternalError"] {
        let life = start().await;
        let app = &life.app;
        let more = json!({ "phoneNumber": NUMBER });
        app.person_with(EMAIL, &more).await;
        life.faults
            .messages
            .faults(where_it_says("Action=Publish", move |_| {
                Fault::Error(403, code)
            }));
        app.ask_otp(&json!({ "phoneNumber": NUMBER }))
            .await
            .expect(202);
        life.faults.messages.has_seen(1).await;
        // The other factor.
        app.ask_otp(&json!({ "email": EMAIL })).await;
        let sent = app.stack.inbox().messages();
        assert!(sent.iter().all(|message| message.to != NUMBER), "{code}");

        life.faults.lift();
        settle(&life).await;
        assert_eq!(app.mails_to(NUMBER).await.len(), 1, "{code}");
    }
}

/// Our own budget is spent before SNS's is: that is told to who asks, and mail goes on.
#[tokio::test]
async fn a_spent_sms_budget_is_told_and_a_mail_does_instead() {
    let life = Life::of(Options {
        settings: vec![("SMS_PER_HOUR".to_owned(), "1".to_owned())],
        ..Options::default()
    })
    .await;
    let app = &life.app;
    let more = json!({ "phoneNumber": "+46701740605" });
    app.person_with(EMAIL, &more).await;
    app.ask_otp(&json!({ "phoneNumber": "+46701740605" }))
        .await
        .expect(202);
    settle(&life).await;
    app.advance(61).await;
    let refused = app.ask_otp(&json!({ "phoneNumber": "+46701740605" })).await;
    assert!(refused.header("retry-after").is_some());
    refused.problem(503, "unavailable");
    app.ask_otp(&json!({ "email": EMAIL })).await.expect(202);
    app.mail_to(EMAIL, "otp").await;
}

/// What has piled up comes when SES is back, but for what nobody can use any more; of several
/// codes the newest works.
#[tokio::test]
async fn of_what_has_piled_up_the_living_goes_out_and_the_newest_works() {
    let life = start().await;
    let app = &life.app;
    life.faults.messages.faults(Rule::every(AWAY));
    for number in 0..4 {
        app.sign_up(&format!("late{number}@example.com")).await;
    }
    life.faults.messages.has_seen(ATTEMPTS).await;
    app.stack.clock().advance(25 * 60 * 60).unwrap();
    let mut pending = Vec::new();
    for number in 0..20 {
        pending.push(app.sign_up(&format!("person{number}@example.com")).await);
    }
    let body = json!({ "email": pending[0].email });
    let resend = app.post("/api/auth/resend/verify/email", &body);
    let resent = resend.send().await.json(202);
    life.faults.lift();
    settle(&life).await;

    for number in 0..4 {
        let late = format!("late{number}@example.com");
        assert_eq!(app.mails_to(&late).await.len(), 0);
    }
    let newest = Pending {
        token_id: resent["tokenId"].as_str().unwrap().to_owned(),
        ..pending[0].clone()
    };
    for pending in [&newest].into_iter().chain(&pending[1..]) {
        let code = app.code_of(pending).await;
        app.try_code(pending, &code).await.expect(200);
    }
    assert_eq!(app.inbox().await.len(), 21);
}

/// The older mail arrives last. Which code is good follows from when it was asked for.
#[tokio::test]
async fn an_older_code_that_comes_after_a_newer_one_changes_nothing() {
    let life = start().await;
    let app = &life.app;
    let mut hers = 0;
    life.faults.messages.faults(Rule::of(move |seen| {
        if seen.body.contains("blocker@example.com") {
            // Both mails of hers wait behind this one, and so come in one batch.
            return Fault::Delay(Duration::from_secs(4));
        }
        hers += usize::from(seen.body.contains(EMAIL));
        // All attempts at the first.
        if hers <= ATTEMPTS { AWAY } else { Fault::None }
    }));
    app.sign_up("blocker@example.com").await;
    life.faults.messages.has_seen(1).await;
    let first = app.sign_up(EMAIL).await;
    let body = json!({ "email": EMAIL });
    let resend = app.post("/api/auth/resend/verify/email", &body);
    let resent = resend.send().await.json(202);
    let second = Pending {
        token_id: resent["tokenId"].as_str().unwrap().to_owned(),
        ..first.clone()
    };
    settle(&life).await;
    let mails = app.mails_to(EMAIL).await;
    let [newer, older] = &mails[..] else {
        panic!("{mails:?}");
    };
    // Each is good for the question that it answers, whichever lies on top, and tries of both are
    // counted together; the first that is used ends the other.
    app.try_code(&first, &newer.code())
        .await
        .problem(400, "code_invalid");
    app.try_code(&second, &newer.code()).await.expect(200);
    app.try_code(&first, &older.code())
        .await
        .problem(400, "code_expired");
}
