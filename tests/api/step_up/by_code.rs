//! Step-up with a code that is mailed.

use latchkey_tests::{
    App, Device, Mailed, NEW_PASSWORD, PASSWORD, Person, at_once, members, other_than,
};
use serde_json::{Value, json};

use super::{PATH, app_with_ada, sensitive, with_password};

fn by_mail() -> Value {
    json!({ "method": "email" })
}

async fn mailed(app: &App, person: &Person, device: &Device) -> Mailed {
    let asked = app.step_up(device, &by_mail()).await;
    app.mailed(asked, &person.email, "step_up").await
}

#[tokio::test]
async fn a_mailed_code_makes_the_session_fresh_once() {
    let (app, ada, device) = app_with_ada().await;
    app.advance(10 * 60 + 1).await;
    let asked = app.step_up(&device, &by_mail()).await;
    assert!(asked.refresh_cookie().is_none());
    let challenge: Value = serde_json::from_str(&asked.text).unwrap();
    let documented = ["channel", "expiresAt", "resendAfter", "sentTo", "tokenId"];
    assert_eq!(members(&challenge), documented);
    assert_eq!(challenge["sentTo"], "a***@e***.com");
    let mailed = app.mailed(asked, &ada.email, "step_up").await;
    assert!(!challenge.to_string().contains(&mailed.code()));

    let answer = app.step_up(&device, &mailed.with(json!({}))).await;
    let fresh = Device::from(&answer.json(200));
    assert_eq!(fresh.session_id, device.session_id);
    assert_eq!(fresh.claims()["auth_time"], fresh.claims()["iat"]);
    // Mail is no second factor.
    assert_eq!(fresh.claims()["amr"], json!(["pwd", "otp"]));
    assert_eq!(fresh.claims()["acr"], device.claims()["acr"]);
    sensitive(&app, &fresh).await.expect(200);
    for device in [&device, &fresh] {
        app.step_up(device, &mailed.with(json!({})))
            .await
            .problem(400, "code_expired");
    }
    let next = Device::from(&app.refresh(&fresh.refresh).await.json(200));
    assert_eq!(next.claims()["auth_time"], fresh.claims()["auth_time"]);
}

#[tokio::test]
async fn a_code_is_good_in_the_session_that_asked_for_it_alone() {
    let (app, ada, device) = app_with_ada().await;
    let other = app.sign_in(&ada).await;
    let eve = app.person("eve@example.com").await;
    let hers = app.sign_in(&eve).await;
    let sent = mailed(&app, &ada, &device).await;
    let foreign = mailed(&app, &eve, &hers).await;
    for (device, proof, code) in [
        (&other, sent.with(json!({})), "code_expired"),
        (&hers, sent.with(json!({})), "code_expired"),
        (&device, foreign.with(json!({})), "code_expired"),
        (
            &device,
            sent.with_code(&foreign.code(), json!({})),
            "code_invalid",
        ),
        (
            &device,
            foreign.with_code(&sent.code(), json!({})),
            "code_expired",
        ),
    ] {
        app.step_up(device, &proof).await.problem(400, code);
    }
    app.step_up(&device, &sent.with(json!({})))
        .await
        .expect(200);
}

#[tokio::test]
async fn the_newest_code_wins_and_five_wrong_ones_end_it() {
    let (app, ada, device) = app_with_ada().await;
    let first = mailed(&app, &ada, &device).await;
    let wrong = first.with_code(other_than(&first.code()), json!({}));
    for left in [4, 3] {
        let answer = app.step_up(&device, &wrong).await;
        assert_eq!(answer.problem(400, "code_invalid")["attemptsLeft"], left);
    }
    app.advance(60).await;
    let second = mailed(&app, &ada, &device).await;
    app.step_up(&device, &first.with(json!({})))
        .await
        .problem(400, "code_expired");
    let wrong = second.with_code(other_than(&second.code()), json!({}));
    for left in [2, 1, 0] {
        let answer = app.step_up(&device, &wrong).await;
        assert_eq!(answer.problem(400, "code_invalid")["attemptsLeft"], left);
    }
    app.step_up(&device, &second.with(json!({})))
        .await
        .problem(400, "code_expired");
    // The password still does.
    app.step_up(&device, &with_password()).await.expect(200);
}

#[tokio::test]
async fn a_code_is_good_for_ten_minutes() {
    let (app, ada, device) = app_with_ada().await;
    let sent = mailed(&app, &ada, &device).await;
    app.advance(10 * 60 - 10).await;
    let wrong = sent.with_code(other_than(&sent.code()), json!({}));
    app.step_up(&device, &wrong)
        .await
        .problem(400, "code_invalid");
    app.advance(10).await;
    app.step_up(&device, &sent.with(json!({})))
        .await
        .problem(400, "code_expired");
}

#[tokio::test]
async fn a_code_is_asked_for_once_a_minute_and_five_times_an_hour() {
    let (app, _, mut device) = app_with_ada().await;
    for _ in 0..5 {
        app.step_up(&device, &by_mail()).await.expect(202);
        let answer = app.step_up(&device, &by_mail()).await;
        let policy = answer.header("ratelimit-policy").unwrap();
        assert!(policy.contains("q=5;w=3600"), "{policy}");
        answer.problem(429, "rate_limited");
        app.advance(60).await;
    }
    let answer = app.step_up(&device, &by_mail()).await;
    let wait: i64 = answer.header("retry-after").unwrap().parse().unwrap();
    answer.problem(429, "rate_limited");
    assert!((3200..=3310).contains(&wait), "{wait}");
    app.advance(wait).await;
    device = Device::from(&app.refresh(&device.refresh).await.json(200));
    app.step_up(&device, &by_mail()).await.expect(202);
}

#[tokio::test]
async fn a_change_of_address_or_password_ends_the_code() {
    for what in ["password", "email"] {
        let (app, ada, device) = app_with_ada().await;
        let sent = mailed(&app, &ada, &device).await;
        match what {
            "password" => {
                let body = json!({ "password": NEW_PASSWORD, "currentPassword": PASSWORD });
                app.edit(&device, what, &body).await.expect(200);
            }
            _ => {
                let wanted = json!({ "email": "lovelace@example.org" });
                let asked = app.edit(&device, what, &wanted).await;
                let moved = app
                    .mailed(asked, "lovelace@example.org", "change_email")
                    .await;
                app.edit(&device, what, &moved.with(wanted))
                    .await
                    .expect(200);
            }
        }
        app.step_up(&device, &sent.with(json!({})))
            .await
            .problem(400, "code_expired");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_twenty_at_once_one_is_good() {
    let (app, ada, device) = app_with_ada().await;
    let sent = mailed(&app, &ada, &device).await;
    let body = sent.with(json!({}));
    let calls = (0..20).map(|_| app.post(PATH, &body).bearer(&device.access));
    let answers = at_once(calls).await;
    let (good, refused): (Vec<_>, Vec<_>) =
        answers.into_iter().partition(|answer| answer.status == 200);
    assert_eq!((good.len(), refused.len()), (1, 19));
    for answer in refused {
        answer.problem(400, "code_expired");
    }
}
