//! The first admin: whoever verifies `BOOTSTRAP_ADMIN_EMAIL`, once in a deployment's life.

use latchkey_local::Options;
use latchkey_tests::{App, at_once};
use serde_json::{Value, json};

/// Signs somebody up, verifies them by code and gives their roles.
async fn roles_of(app: &App, email: &str) -> Value {
    let pending = app.sign_up(email).await;
    let code = app.code_of(&pending).await;
    let verified = app.try_code(&pending, &code).await.json(200);
    verified["user"]["roles"].clone()
}

fn is_admin(roles: &Value) -> bool {
    roles.as_array().unwrap().contains(&json!("admin"))
}

#[tokio::test]
async fn whoever_verifies_the_configured_address_becomes_admin() {
    let app = App::start().await;
    let pending = app.sign_up("admin@latchkey.local").await;
    // Signing up is not enough.
    let code = app.code_of(&pending).await;
    let verified = app.try_code(&pending, &code).await.json(200);
    let roles = &verified["user"]["roles"];
    assert!(is_admin(roles), "{roles}");
    assert!(roles.as_array().unwrap().contains(&json!("user")));

    let identity = json!({ "email": "admin@latchkey.local" });
    let signed_in = app.try_sign_in(identity, latchkey_tests::PASSWORD).await;
    assert_eq!(&signed_in.json(200)["user"]["roles"], roles);
}

#[tokio::test]
async fn the_link_makes_an_admin_as_the_code_does() {
    let app = App::start().await;
    app.sign_up("Admin@Latchkey.Local").await;
    let mails = app.inbox().await;
    let link = json!({ "token": mails[0].link_token() });
    let path = "/api/auth/verify/email/link";
    let verified = app.post(path, &link).send().await.json(200);
    assert!(is_admin(&verified["user"]["roles"]));
}

#[tokio::test]
async fn nobody_else_becomes_admin() {
    let app = App::start().await;
    for email in [
        "admin@latchkey.example",
        "admin+1@latchkey.local",
        "a.dmin@latchkey.local",
        "admin@sub.latchkey.local",
        "root@latchkey.local",
    ] {
        assert_eq!(roles_of(&app, email).await, json!(["user"]), "{email}");
    }
}

#[tokio::test]
async fn without_the_setting_nobody_becomes_admin() {
    let app = App::with(&[("BOOTSTRAP_ADMIN_EMAIL", "")]).await;
    let roles = roles_of(&app, "admin@latchkey.local").await;
    assert_eq!(roles, json!(["user"]));
}

#[tokio::test]
async fn another_setting_makes_no_second_admin() {
    let data = tempfile::tempdir().unwrap();
    let options = |email: &str| Options {
        data: Some(data.path().to_owned()),
        settings: vec![("BOOTSTRAP_ADMIN_EMAIL".to_owned(), email.to_owned())],
        ..Options::default()
    };
    let app = App::of(options("first@example.com")).await;
    assert!(is_admin(&roles_of(&app, "first@example.com").await));
    app.stack.stop().await;

    let app = App::of(options("second@example.com")).await;
    let roles = roles_of(&app, "second@example.com").await;
    assert_eq!(roles, json!(["user"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_race_for_it_makes_one_admin_with_one_role() {
    let app = App::start().await;
    let pending = app.sign_up("admin@latchkey.local").await;
    let code = app.code_of(&pending).await;
    let body = json!({
        "code": code,
        "userId": pending.user_id,
        "tokenId": pending.token_id,
        "email": pending.email,
    });
    let calls = (0..20).map(|_| app.post("/api/auth/verify/email", &body));
    let answers = at_once(calls).await;
    let mut good: Vec<_> = answers
        .into_iter()
        .filter(|answer| answer.status == 200)
        .collect();
    assert_eq!(good.len(), 1);
    let roles = &good.remove(0).json(200)["user"]["roles"];
    let admins = roles.as_array().unwrap().iter();
    assert_eq!(admins.filter(|role| **role == "admin").count(), 1);
}
