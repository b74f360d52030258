//! SES is away, or takes a mail and does not say so (rows M1 and M2). What it refuses for good
//! (M3) and what comes back (bounces) is in `infra/local/tests/courier`.

use std::time::Duration;

use latchkey_local::Options;
use latchkey_tests::{Fault, Life, Pending, Rule};
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
