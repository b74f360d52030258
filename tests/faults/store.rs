//! DynamoDB throttles, errs, is slow, conflicts, forgets or is gone (rows D1, D3, D4, D7, D10, D12).

use std::time::Duration;

use latchkey_local::Options;
use latchkey_tests::{
    Answer, App, Device, Fault, Life, NEW_PASSWORD, PASSWORD, Person, Redis, Rule, at_once,
};
use secrecy::SecretString;
use serde_json::json;
use tokio::time::{Instant, timeout};

use crate::tables::Tables;

const EMAIL: &str = "ada@example.com";

/// A request is answered by then, whatever happens (I12), and some time to be scheduled.
const DEADLINE: Duration = Duration::from_secs(6);

const THROTTLED: Fault = Fault::Error(400, "ProvisionedThroughputExceededException");

async fn start() -> Life {
    Life::of(Options {
        hurried: true,
        ..Options::default()
    })
    .await
}

/// Claims that this is how the service says that it can't just now.
#[track_caller]
fn claim_unavailable(answer: Answer) {
    let wait = answer.header("retry-after").map(str::to_owned);
    answer.problem(503, "unavailable");
    let seconds: u64 = wait.expect("a Retry-After").parse().expect("seconds");
    assert!(seconds >= 1);
}

/// One of each kind of request, sent at once, with its name.
async fn everything(app: &App, device: &Device) -> Vec<(&'static str, Answer)> {
    let email = json!({ "email": EMAIL });
    let password = json!({ "email": EMAIL, "password": PASSWORD });
    let sign_up = json!({ "name": "Eve", "email": "eve@example.com", "password": PASSWORD });
    let verify = json!({
        "code": "123456",
        "userId": "01890a5d-ac96-774b-bcce-b302099a8057",
        "tokenId": "01890a5d-ac96-774b-bcce-b302099a8058",
        "email": EMAIL,
    });
    let refresh = json!({ "refreshToken": device.refresh });
    let current = json!({ "password": NEW_PASSWORD, "currentPassword": PASSWORD });
    let calls = [
        ("sign-up", app.post("/api/auth/sign-up", &sign_up)),
        ("verify", app.post("/api/auth/verify/email", &verify)),
        ("resend", app.post("/api/auth/resend/verify/email", &email)),
        ("sign-in", app.post("/api/auth/sign-in", &password)),
        ("refresh", app.patch("/api/auth/user/refresh", &refresh)),
        ("me", app.get("/api/auth/user/me").bearer(&device.access)),
        (
            "logout",
            app.delete("/api/auth/user/logout").bearer(&device.access),
        ),
        ("forgot", app.patch("/api/auth/forgot/password", &email)),
        (
            "edit password",
            app.patch("/api/auth/edit/password", &current)
                .bearer(&device.access),
        ),
    ];
    let mut answers = Vec::new();
    for (name, call) in calls {
        let answer = timeout(DEADLINE, call.send()).await;
        answers.push((
            name,
            answer.unwrap_or_else(|_| panic!("{name} takes too long")),
        ));
    }
    answers
}

async fn ada_on_a_device(life: &Life) -> (Person, Device) {
    let ada = life.app.person(EMAIL).await;
    let device = life.app.sign_in(&ada).await;
    (ada, device)
}

/// Claims that the service is well, with what it had before.
async fn claim_well(life: &Life, device: &Device) {
    life.app.me(&device.access).await.expect(200);
    life.app.refresh(&device.refresh).await.expect(200);
    assert!(life.app.opens(EMAIL, PASSWORD).await);
}

#[tokio::test]
async fn a_fifth_of_all_calls_throttled_is_not_noticed() {
    let life = start().await;
    let (ada, mut device) = ada_on_a_device(&life).await;
    life.faults
        .on_dynamodb(|| Rule::some(200, 7, std::slice::from_ref(&THROTTLED)));
    let (mut begun, mut refused) = (1, 0);
    for _ in 0..20 {
        let sent = Instant::now();
        let body = json!({ "email": EMAIL });
        let signed_in = life.app.try_sign_in(body, PASSWORD).await;
        let refreshed = life.app.refresh(&device.refresh).await;
        assert!(sent.elapsed() < DEADLINE);
        for answer in [&signed_in, &refreshed] {
            refused += usize::from(answer.status == 503);
        }
        if signed_in.status == 503 {
            claim_unavailable(signed_in);
        } else {
            signed_in.expect(200);
            begun += 1;
        }
        if refreshed.status == 503 {
            claim_unavailable(refreshed);
        } else {
            device = Device::from(&refreshed.json(200));
        }
    }
    // Four attempts of which each fails by a fifth: one call of 600 fails.
    assert!(refused <= 3, "{refused} of 40 were refused");
    life.faults.lift();
    claim_well(&life, &device).await;
    life.app.stack.settle().await;
    let tables = Tables::of(&life.app).await;
    tables.hold("a fifth throttled");
    // What was throttled has not happened, and what was answered has happened once.
    assert_eq!(tables.events(&ada.id, "session.started").count(), begun + 1);
}

#[tokio::test]
async fn what_is_always_refused_is_said_to_be_unavailable_and_changes_nothing() {
    for fault in [
        THROTTLED,
        Fault::Error(500, "InternalServerError"),
        Fault::Error(503, "ServiceUnavailable"),
        Fault::LostBefore,
    ] {
        let life = start().await;
        let (_, device) = ada_on_a_device(&life).await;
        life.app.stack.settle().await;
        let before = Tables::of(&life.app).await;
        life.faults.on_dynamodb(|| Rule::every(fault.clone()));
        for (name, answer) in everything(&life.app, &device).await {
            eprintln!("{fault:?}: {name}");
            claim_unavailable(answer);
        }
        life.faults.lift();
        assert_eq!(Tables::of(&life.app).await, before, "{fault:?}");
        // The service is well again by itself, once the breaker's pause is over.
        life.app.advance(2).await;
        claim_well(&life, &device).await;
    }
}

#[tokio::test]
async fn one_error_is_not_noticed() {
    let life = start().await;
    let (_, mut device) = ada_on_a_device(&life).await;
    for fault in [
        THROTTLED,
        Fault::Error(500, "InternalServerError"),
        Fault::Error(503, "ServiceUnavailable"),
        Fault::Error(400, "TransactionInProgressException"),
    ] {
        for n in 1..=3 {
            life.faults.store.faults(Rule::nth(n, fault.clone()));
            let body = json!({ "email": EMAIL });
            life.app.try_sign_in(body, PASSWORD).await.expect(200);
        }
        for n in 1..=2 {
            life.faults.store.faults(Rule::nth(n, fault.clone()));
            let refreshed = life.app.refresh(&device.refresh).await;
            device = Device::from(&refreshed.json(200));
        }
    }
}

#[tokio::test]
async fn a_slow_store_is_waited_for_and_a_standstill_is_not() {
    let life = start().await;
    let (_, device) = ada_on_a_device(&life).await;
    life.faults
        .on_dynamodb(|| Rule::every(Fault::Delay(Duration::from_millis(50))));
    claim_well(&life, &device).await;
    life.faults
        .on_dynamodb(|| Rule::every(Fault::Delay(Duration::from_secs(30))));
    for (name, answer) in everything(&life.app, &device).await {
        eprintln!("{name}");
        claim_unavailable(answer);
    }
    life.faults.lift();
    life.app.advance(2).await;
    life.app.me(&device.access).await.expect(200);
    life.app.stack.settle().await;
    Tables::of(&life.app).await.hold("after a standstill");
}

#[tokio::test]
async fn who_meets_a_transaction_comes_again() {
    let life = start().await;
    let (ada, mut device) = ada_on_a_device(&life).await;
    let met = |seen: &latchkey_tests::Seen| match seen.operation.as_str() {
        "TransactWriteItems" => {
            Fault::Error(400, "TransactionCanceledException/TransactionConflict")
        }
        "UpdateItem" | "PutItem" => Fault::Error(400, "TransactionConflictException"),
        _ => Fault::None,
    };
    // Twice in a row, whatever the operation; then it goes through.
    let mut writes = 0;
    life.faults.store.faults(Rule::of(move |seen| {
        let fault = met(seen);
        writes += usize::from(fault != Fault::None);
        if writes % 3 == 0 { Fault::None } else { fault }
    }));
    for _ in 0..3 {
        let body = json!({ "email": EMAIL });
        life.app.try_sign_in(body, PASSWORD).await.expect(200);
        let refreshed = life.app.refresh(&device.refresh).await;
        device = Device::from(&refreshed.json(200));
    }
    life.faults.store.faults(Rule::of(met));
    let sent = Instant::now();
    let body = json!({ "email": EMAIL });
    claim_unavailable(life.app.try_sign_in(body, PASSWORD).await);
    claim_unavailable(life.app.refresh(&device.refresh).await);
    assert!(sent.elapsed() < DEADLINE);
    life.faults.lift();
    claim_well(&life, &device).await;
    let tables = Tables::of(&life.app).await;
    tables.hold("conflicts");
    assert_eq!(tables.events(&ada.id, "session.started").count(), 5);
}

#[tokio::test]
async fn many_at_once_on_one_account_all_get_through() {
    let life = start().await;
    let (ada, device) = ada_on_a_device(&life).await;
    let body = json!({ "email": EMAIL, "password": PASSWORD, "tokenDelivery": "body" });
    let calls = (0..8).map(|_| life.app.post("/api/auth/sign-in", &body));
    for answer in at_once(calls).await {
        answer.expect(200);
    }
    claim_well(&life, &device).await;
    let tables = Tables::of(&life.app).await;
    tables.hold("many at once");
    assert_eq!(tables.events(&ada.id, "session.started").count(), 10);
}

/// Deletes rows behind the service's back, as a TTL would that was stamped wrongly.
async fn forget(app: &App, table: &str, key: &[(&str, &str)]) {
    let client = aws_sdk_dynamodb::Client::new(&app.stack.aws());
    let mut delete = client.delete_item().table_name(table);
    for (name, value) in key {
        let value = aws_sdk_dynamodb::types::AttributeValue::S((*value).to_owned());
        delete = delete.key(*name, value);
    }
    delete.send().await.unwrap();
}

#[tokio::test]
async fn rows_that_are_gone_early_open_nothing() {
    let life = start().await;
    let app = &life.app;
    let (ada, device) = ada_on_a_device(&life).await;
    let keys = [("pk", ada.id.as_str()), ("sk", &device.session_id)];
    let next = Device::from(&app.refresh(&device.refresh).await.json(200));
    forget(app, "latchkey-sessions", &keys).await;
    for old in [&device, &next] {
        app.claim_over(old).await;
    }
    let pending = app.sign_up("eve@example.com").await;
    let mail = app.mail_to("eve@example.com", "verify_email").await;
    forget(app, "latchkey-tokens", &[("pk", &pending.token_id)]).await;
    app.try_code(&pending, &mail.code())
        .await
        .problem(400, "code_expired");
    let link = json!({ "token": mail.link_token() });
    app.post("/api/auth/verify/email/link", &link)
        .send()
        .await
        .problem(400, "code_expired");
}

/// The machine's clock sweeps a database in a file, so rows stay long after the service's clock
/// says that their time is over.
#[tokio::test]
async fn rows_that_stay_too_long_open_nothing() {
    let data = tempfile::tempdir().unwrap();
    let life = Life::on(data.path()).await;
    let app = &life.app;
    let (_, device) = ada_on_a_device(&life).await;
    let pending = app.sign_up("eve@example.com").await;
    let mail = app.mail_to("eve@example.com", "verify_email").await;
    let reset = app.mailed_reset(EMAIL).await;
    app.advance(31 * 24 * 60 * 60).await;
    assert!(
        Tables::of(app)
            .await
            .sessions()
            .contains(&*device.session_id)
    );
    app.claim_over(&device).await;
    app.try_code(&pending, &mail.code())
        .await
        .problem(400, "code_expired");
    let body = reset.with(json!({ "email": EMAIL, "password": NEW_PASSWORD }));
    app.forgot_password(&body)
        .await
        .problem(400, "code_expired");
    // Nobody is in the way of who signs up for the address now.
    app.person("eve@example.com").await;
}

/// Claims that what needs no store goes on, and the signatures of tokens with it.
async fn claim_open(app: &App) {
    for path in [
        "/.well-known/jwks.json",
        "/.well-known/oauth-authorization-server",
        "/api/health",
    ] {
        let sent = Instant::now();
        app.get(path).send().await.expect(200);
        assert!(sent.elapsed() < Duration::from_secs(1), "{path}");
    }
    // A token that is none is told from one that is, without asking anybody.
    app.me("eyJhbGciOiJub25lIn0.e30.")
        .await
        .problem(401, "unauthenticated");
}

#[tokio::test]
async fn without_dynamodb_signatures_are_checked_and_all_else_is_refused_in_a_second() {
    for fault in [Fault::LostBefore, Fault::Silence] {
        let life = start().await;
        let (_, device) = ada_on_a_device(&life).await;
        life.app.stack.settle().await;
        life.faults.on_dynamodb(|| Rule::every(fault.clone()));
        // A store that says nothing at all is found out by the first who waits for it.
        let first = timeout(DEADLINE, life.app.refresh(&device.refresh)).await;
        claim_unavailable(first.expect("an answer in time"));
        for _ in 0..3 {
            let sent = Instant::now();
            claim_unavailable(life.app.refresh(&device.refresh).await);
            assert!(sent.elapsed() < Duration::from_secs(1), "{fault:?}");
            claim_open(&life.app).await;
        }
        for (name, answer) in everything(&life.app, &device).await {
            eprintln!("{fault:?}: {name}");
            claim_unavailable(answer);
        }
        let asked = life.faults.store.seen().len();
        let many = (0..50).map(|_| {
            let body = json!({ "refreshToken": device.refresh });
            life.app.patch("/api/auth/user/refresh", &body)
        });
        for answer in at_once(many).await {
            claim_unavailable(answer);
        }
        let storm = life.faults.store.seen().len() - asked;
        assert!(storm <= 10, "{storm} calls for 50 requests: {fault:?}");
        life.faults.lift();
        life.app.advance(2).await;
        claim_well(&life, &device).await;
    }
}

/// With a cache that is trusted, who is signed in stays so without DynamoDB.
#[tokio::test]
async fn without_dynamodb_a_trusted_cache_still_knows_who_is_signed_out() {
    let Some(redis) = Redis::start().await else {
        return;
    };
    let life = Life::of(Options {
        hurried: true,
        redis_url: Some(SecretString::from(redis.url())),
        ..Options::default()
    })
    .await;
    let (ada, out) = ada_on_a_device(&life).await;
    life.app.advance(20 * 60).await;
    life.app
        .me(&life.app.sign_in(&ada).await.access)
        .await
        .expect(200);
    let out = Device::from(&life.app.refresh(&out.refresh).await.json(200));
    let call = life.app.delete("/api/auth/user/logout");
    call.bearer(&out.access).send().await.expect(204);
    life.app.stack.settle().await;
    life.faults.on_dynamodb(|| Rule::every(Fault::LostBefore));
    life.app
        .me(&out.access)
        .await
        .problem(401, "unauthenticated");
    claim_open(&life.app).await;
}

/// The fifth try is the last, and right. That its count was answered to nobody takes it from nobody.
#[tokio::test]
async fn a_lost_answer_costs_no_try() {
    let life = start().await;
    let app = &life.app;
    for lost in [Fault::LostAfter, Fault::CutReply] {
        let email = format!("{lost:?}@example.com").to_lowercase();
        let pending = app.sign_up(&email).await;
        let code = app.code_of(&pending).await;
        let wrong = latchkey_tests::other_than(&code);
        for left in [4, 3, 2, 1] {
            let mut updates = 0;
            let lost = lost.clone();
            life.faults.store.faults(Rule::of(move |seen| {
                updates += usize::from(seen.operation == "UpdateItem");
                // Every other one, so that each is answered when it comes again.
                if seen.operation == "UpdateItem" && updates % 2 == 1 {
                    lost.clone()
                } else {
                    Fault::None
                }
            }));
            let body = app.try_code(&pending, wrong).await;
            assert_eq!(body.problem(400, "code_invalid")["attemptsLeft"], left);
        }
        let mut lose = true;
        let lost = lost.clone();
        life.faults.store.faults(Rule::of(move |seen| {
            let fault = if lose && seen.operation == "UpdateItem" {
                lost.clone()
            } else {
                Fault::None
            };
            lose = fault == Fault::None;
            fault
        }));
        app.try_code(&pending, &code).await.expect(200);
    }
    life.faults.lift();
    Tables::of(app).await.hold("lost answers of tries");
}

/// A right code with a password that is refused is given back once, however the answer of that
/// fares.
#[tokio::test]
async fn a_try_that_is_given_back_is_given_back_once() {
    for (fault, counted) in [
        (Fault::None, "1"),
        (Fault::LostBefore, "2"),
        (Fault::LostAfter, "1"),
    ] {
        let life = start().await;
        let app = &life.app;
        let named = json!({ "name": "Brunhilde Xanthopoulos" });
        let device = app.sign_in(&app.person_with(EMAIL, &named).await).await;
        let new = json!({ "password": NEW_PASSWORD });
        let asked = app.edit(&device, "password", &new).await;
        let mailed = app.mailed(asked, EMAIL, "change_password").await;
        let wrong = latchkey_tests::other_than(&mailed.code());
        let body = mailed.with_code(wrong, new);
        let refused = app.edit(&device, "password", &body).await;
        refused.problem(400, "code_invalid");
        // The first counts the try, the second gives it back.
        let mut updates = 0;
        let lost = fault.clone();
        life.faults.store.faults(Rule::of(move |seen| {
            updates += usize::from(seen.operation == "UpdateItem");
            if updates == 2 && seen.operation == "UpdateItem" {
                lost.clone()
            } else {
                Fault::None
            }
        }));
        // Known to be weak only beside the account, after the code.
        let body = mailed.with(json!({ "password": "brunhildexanthopoulos" }));
        let refused = app.edit(&device, "password", &body).await;
        refused.problem(422, "password_weak");
        let seen = life.faults.store.seen();
        let updates = seen.iter().filter(|name| *name == "UpdateItem").count();
        assert_eq!(updates, 2, "{seen:?}");
        let tries = Tables::of(app).await.tries("change_password");
        assert_eq!(tries, [counted], "{fault:?}");
    }
}
