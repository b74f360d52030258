//! What is counted, and what ends the count.

use super::*;

#[tokio::test]
async fn five_failures_lock_for_a_minute_the_right_password_too() {
    let app = app_with_ada().await;
    for _ in 0..5 {
        fails(&app, &ada()).await;
    }
    about(locked_for(&app, &ada()).await, 60);
    app.advance(61).await;
    sign_in(&app, &ada(), PASSWORD).send().await.expect(200);
}

#[tokio::test]
async fn each_further_failure_doubles_the_wait_to_a_quarter_of_an_hour() {
    let app = app_with_ada().await;
    for _ in 0..4 {
        fails(&app, &ada()).await;
    }
    for wait in [60, 120, 240, 480, 900, 900] {
        // One more is looked at after each wait, and only one.
        fails(&app, &ada()).await;
        about(locked_for(&app, &ada()).await, wait);
        app.advance(wait - 31).await;
        let left = locked_for(&app, &ada()).await;
        assert!((1..=31).contains(&left), "{left}");
        app.advance(32).await;
    }
    sign_in(&app, &ada(), PASSWORD).send().await.expect(200);
}

#[tokio::test]
async fn a_right_password_ends_the_count() {
    let app = app_with_ada().await;
    for _ in 0..3 {
        for _ in 0..4 {
            fails(&app, &ada()).await;
        }
        sign_in(&app, &ada(), PASSWORD).send().await.expect(200);
    }
}

#[tokio::test]
async fn a_right_password_after_a_lock_ends_the_doubling() {
    let app = app_with_ada().await;
    for _ in 0..5 {
        fails(&app, &ada()).await;
    }
    app.advance(61).await;
    sign_in(&app, &ada(), PASSWORD).send().await.expect(200);
    for _ in 0..5 {
        fails(&app, &ada()).await;
    }
    about(locked_for(&app, &ada()).await, 60);
}

#[tokio::test]
async fn twelve_quiet_hours_end_the_count() {
    let app = app_with_ada().await;
    for _ in 0..4 {
        fails(&app, &ada()).await;
    }
    app.advance(12 * 60 * 60 - 60).await;
    fails(&app, &ada()).await;
    about(locked_for(&app, &ada()).await, 60);

    app.advance(12 * 60 * 60 + 60).await;
    for _ in 0..5 {
        fails(&app, &ada()).await;
    }
    about(locked_for(&app, &ada()).await, 60);
}

#[tokio::test]
async fn all_names_of_an_account_share_one_count() {
    let app = app_with_ada().await;
    let names = [
        ada(),
        json!({ "username": "ADA" }),
        json!({ "phoneNumber": "+46701740605" }),
        json!({ "identifier": "Ada@Example.com" }),
        json!({ "countryCode": "46", "mobile": "701740605" }),
    ];
    for name in &names {
        fails(&app, name).await;
    }
    for name in &names {
        locked_for(&app, name).await;
    }
}

#[tokio::test]
async fn one_account_s_lock_is_nobody_else_s() {
    let app = app_with_ada().await;
    app.person("bob@example.com").await;
    for _ in 0..5 {
        fails(&app, &ada()).await;
    }
    let bob = json!({ "email": "bob@example.com" });
    sign_in(&app, &bob, PASSWORD).send().await.expect(200);
    locked_for(&app, &ada()).await;
}

#[tokio::test]
async fn a_lock_outlives_a_restart() {
    let data = tempfile::tempdir().unwrap();
    let app = App::kept(data.path(), &[]).await;
    app.person("ada@example.com").await;
    for _ in 0..5 {
        fails(&app, &ada()).await;
    }
    app.stop().await;
    let app = App::kept(data.path(), &[]).await;
    locked_for(&app, &ada()).await;
}

#[tokio::test]
async fn a_reset_opens_a_locked_account() {
    let app = app_with_ada().await;
    for _ in 0..5 {
        fails(&app, &ada()).await;
    }
    let forgot = "/api/auth/forgot/password";
    let asked = app.patch(forgot, &ada()).send().await.json(202);
    let mail = app.mail_to("ada@example.com", "reset_password").await;
    let password = "another horse battery staple";
    let reset = json!({
        "email": "ada@example.com",
        "password": password,
        "tokenId": asked["tokenId"],
        "code": mail.code(),
    });
    locked_for(&app, &ada()).await;
    app.patch(forgot, &reset).send().await.expect(200);
    sign_in(&app, &ada(), password).send().await.expect(200);
}

#[tokio::test]
async fn the_password_within_a_session_has_a_count_of_its_own() {
    let app = app_with_ada().await;
    let signed_in = app.try_sign_in(ada(), PASSWORD).await.json(200);
    let access = signed_in["accessToken"].as_str().unwrap();
    let step_up = |password: &str| {
        let body = json!({ "password": password, "tokenDelivery": "body" });
        app.post("/api/auth/step-up", &body).bearer(access).send()
    };
    for _ in 0..4 {
        step_up(WRONG).await.problem(401, "invalid_credentials");
    }
    step_up(PASSWORD).await.expect(200);
    for _ in 0..5 {
        step_up(WRONG).await.problem(401, "invalid_credentials");
    }
    about(locked(step_up(PASSWORD).await), 60);
    // Neither sign-in nor the session itself is locked by it, and it by neither.
    sign_in(&app, &ada(), PASSWORD).send().await.expect(200);
    app.me(access).await.expect(200);
    locked(step_up(PASSWORD).await);
    app.advance(61).await;
    step_up(PASSWORD).await.expect(200);
}
