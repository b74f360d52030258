//! `PATCH /api/auth/edit/password`

mod by_code;

use latchkey_tests::{App, Device, NEW_PASSWORD, PASSWORD, Person, at_once};
use reqwest::Method;
use serde_json::{Value, json};

const PATH: &str = "/api/auth/edit/password";
const OTHER: &str = "seven quiet otters juggle";

async fn app_with_ada() -> (App, Person, Device) {
    let app = App::start().await;
    let ada = app.person("ada@example.com").await;
    let device = app.sign_in(&ada).await;
    (app, ada, device)
}

fn with_current(password: &str, current: &str) -> Value {
    json!({ "password": password, "currentPassword": current })
}

async fn told(app: &App, person: &Person) -> usize {
    let mails = app.mails_to(&person.email).await;
    let told = mails
        .iter()
        .filter(|mail| mail.template == "password_changed");
    told.count()
}

#[tokio::test]
async fn who_knows_the_current_password_sets_a_new_one() {
    let (app, ada, device) = app_with_ada().await;
    let answer = app
        .edit(&device, "password", &with_current(NEW_PASSWORD, PASSWORD))
        .await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.json(200), json!({ "status": "password_changed" }));
    assert!(!app.opens(&ada.email, PASSWORD).await);
    assert!(app.opens(&ada.email, NEW_PASSWORD).await);
    let mail = app.mail_to(&ada.email, "password_changed").await;
    for secret in [NEW_PASSWORD, PASSWORD] {
        assert!(!format!("{mail:?}").contains(secret));
    }
    assert_eq!(told(&app, &ada).await, 1);
}

#[tokio::test]
async fn all_other_sessions_end_at_once_and_this_one_goes_on() {
    let (app, ada, device) = app_with_ada().await;
    let others = [app.sign_in(&ada).await, app.sign_in(&ada).await];
    let eve = app.person("eve@example.com").await;
    let eve = app.sign_in(&eve).await;
    app.edit(&device, "password", &with_current(NEW_PASSWORD, PASSWORD))
        .await
        .expect(200);
    for other in &others {
        app.claim_over(other).await;
    }
    app.me(&eve.access).await.expect(200);
    app.me(&device.access).await.expect(200);
    let next = Device::from(&app.refresh(&device.refresh).await.json(200));
    assert_eq!(next.session_id, device.session_id);
    let sessions = app.get("/api/auth/sessions").bearer(&next.access);
    let sessions = sessions.send().await.json(200);
    assert_eq!(sessions["sessions"].as_array().unwrap().len(), 1);
    // It can go on changing things, with what is current now.
    app.edit(&next, "password", &with_current(OTHER, PASSWORD))
        .await
        .problem(401, "invalid_credentials");
    app.edit(&next, "password", &with_current(OTHER, NEW_PASSWORD))
        .await
        .expect(200);
    app.me(&next.access).await.expect(200);
}

#[tokio::test]
async fn a_wrong_current_password_changes_nothing() {
    let (app, ada, device) = app_with_ada().await;
    let other = app.sign_in(&ada).await;
    let lower = PASSWORD.to_uppercase();
    let padded = format!("{PASSWORD} ");
    for wrong in [OTHER, NEW_PASSWORD, &lower, &padded, &PASSWORD[1..]] {
        let answer = app
            .edit(&device, "password", &with_current(NEW_PASSWORD, wrong))
            .await;
        answer.problem(401, "invalid_credentials");
    }
    app.me(&other.access).await.expect(200);
    assert!(app.opens(&ada.email, PASSWORD).await);
    assert!(!app.opens(&ada.email, NEW_PASSWORD).await);
    assert_eq!(told(&app, &ada).await, 0);
}

#[tokio::test]
async fn five_wrong_passwords_lock_wherever_one_is_asked_for() {
    let (app, ada, device) = app_with_ada().await;
    let eve = app.person("eve@example.com").await;
    let eve = app.sign_in(&eve).await;
    app.edit(&device, "password", &with_current(NEW_PASSWORD, OTHER))
        .await
        .problem(401, "invalid_credentials");
    for _ in 0..2 {
        app.edit(&device, "password", &with_current(NEW_PASSWORD, OTHER))
            .await
            .problem(401, "invalid_credentials");
        // Wherever one is asked for, and in whichever session.
        let other = app.sign_in(&ada).await;
        app.step_up(&other, &json!({ "password": OTHER }))
            .await
            .problem(401, "invalid_credentials");
    }
    for current in [OTHER, PASSWORD] {
        let answer = app
            .edit(&device, "password", &with_current(NEW_PASSWORD, current))
            .await;
        let wait: i64 = answer.header("retry-after").unwrap().parse().unwrap();
        answer.problem(429, "account_locked");
        assert!((30..=60).contains(&wait), "{wait}");
    }
    app.edit(&eve, "password", &with_current(NEW_PASSWORD, PASSWORD))
        .await
        .expect(200);
    // The session goes on, and a code by mail opens it.
    app.me(&device.access).await.expect(200);
    app.advance(15 * 60).await;
    let device = Device::from(&app.refresh(&device.refresh).await.json(200));
    let again = json!({ "password": PASSWORD });
    let device = Device::from(&app.step_up(&device, &again).await.json(200));
    app.edit(&device, "password", &with_current(NEW_PASSWORD, PASSWORD))
        .await
        .expect(200);
}

#[tokio::test]
async fn who_signed_in_long_ago_steps_up_first() {
    let (app, ada, device) = app_with_ada().await;
    app.advance(10 * 60 - 10).await;
    let in_time = json!({ "password": NEW_PASSWORD });
    let asked = app.edit(&device, "password", &in_time).await;
    let mailed = app.mailed(asked, &ada.email, "change_password").await;
    app.advance(20).await;
    let refreshed = Device::from(&app.refresh(&device.refresh).await.json(200));
    for stale in [&device, &refreshed] {
        for body in [
            in_time.clone(),
            with_current(NEW_PASSWORD, PASSWORD),
            with_current(NEW_PASSWORD, OTHER),
            mailed.with(in_time.clone()),
            json!({}),
        ] {
            app.edit(stale, "password", &body)
                .await
                .problem(403, "step_up_required");
        }
    }
    let proof = json!({ "password": PASSWORD });
    let fresh = Device::from(&app.step_up(&refreshed, &proof).await.json(200));
    app.edit(&device, "password", &in_time)
        .await
        .problem(403, "step_up_required");
    app.edit(&fresh, "password", &mailed.with(in_time))
        .await
        .expect(200);
    assert!(app.opens(&ada.email, NEW_PASSWORD).await);
}

#[tokio::test]
async fn everything_that_was_on_its_way_ends() {
    let (app, ada, device) = app_with_ada().await;
    let reset = app.mailed_reset(&ada.email).await;
    let email = json!({ "email": "lovelace@example.org" });
    let asked = app.edit(&device, "email", &email).await;
    let moving = app
        .mailed(asked, "lovelace@example.org", "change_email")
        .await;
    let phone = json!({ "phoneNumber": "+46701740605" });
    let asked = app.edit(&device, "phone", &phone).await;
    let numbered = app.mailed(asked, "+46701740605", "change_phone").await;
    let by_code = json!({ "password": OTHER });
    let asked = app.edit(&device, "password", &by_code).await;
    let changing = app.mailed(asked, &ada.email, "change_password").await;
    let asked = app.step_up(&device, &json!({ "method": "email" })).await;
    let stepping = app.mailed(asked, &ada.email, "step_up").await;

    app.edit(&device, "password", &with_current(NEW_PASSWORD, PASSWORD))
        .await
        .expect(200);
    for (what, body) in [
        ("email", moving.with(email)),
        ("phone", numbered.with(phone)),
        ("password", changing.with(by_code)),
    ] {
        app.edit(&device, what, &body)
            .await
            .problem(400, "code_expired");
    }
    app.step_up(&device, &stepping.with(json!({})))
        .await
        .problem(400, "code_expired");
    let body = json!({ "email": ada.email, "password": OTHER });
    app.forgot_password(&reset.with(body))
        .await
        .problem(400, "code_expired");
    let me = app.me(&device.access).await.json(200);
    assert_eq!(me["user"]["email"], ada.email);
    assert_eq!(me["user"]["phoneNumber"], Value::Null);
    assert!(app.opens(&ada.email, NEW_PASSWORD).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_at_once_with_the_current_password_one_sets_its_own() {
    let (app, ada, device) = app_with_ada().await;
    let passwords: Vec<String> = (0..8).map(|n| format!("{NEW_PASSWORD} {n}")).collect();
    let calls = passwords.iter().map(|password| {
        let call = app.patch(PATH, &with_current(password, PASSWORD));
        call.bearer(&device.access)
    });
    let answers = at_once(calls).await;
    for answer in &answers {
        let status = answer.status.as_u16();
        assert!([200, 401, 409].contains(&status), "{}", answer.text);
    }
    let good = answers.iter().filter(|answer| answer.status == 200);
    assert_eq!(good.count(), 1);
    assert!(!app.opens(&ada.email, PASSWORD).await);
    assert_eq!(told(&app, &ada).await, 1);
    app.me(&device.access).await.expect(200);
}

#[tokio::test]
async fn weak_passwords_are_refused_with_the_reason() {
    let (app, ada, device) = app_with_ada().await;
    // Those that hold the account's own name and address are known as such only beside it.
    for weak in ["password123", "qwertyuiop", "lovelace1815", "latchkey2026"] {
        let body = with_current(weak, PASSWORD);
        let problem = app.edit(&device, "password", &body).await;
        let problem = problem.problem(422, "password_weak");
        assert_eq!(problem["errors"][0]["field"], "password");
    }
    assert!(app.opens(&ada.email, PASSWORD).await);
}

#[tokio::test]
async fn every_bad_field_is_named() {
    let (app, _, device) = app_with_ada().await;
    let id = "01890a5d-ac96-774b-bcce-b302099a8057";
    for (body, expected) in [
        (json!({}), vec!["password"]),
        (
            json!({ "password": 1, "currentPassword": 1 }),
            vec!["currentPassword", "password"],
        ),
        (
            with_current("short", ""),
            vec!["currentPassword", "password"],
        ),
        (
            with_current(&"z".repeat(129), &"z".repeat(1025)),
            vec!["currentPassword", "password"],
        ),
        (
            json!({ "password": NEW_PASSWORD, "code": "111111" }),
            vec!["tokenId"],
        ),
        (
            json!({ "password": NEW_PASSWORD, "tokenId": id }),
            vec!["code"],
        ),
        (
            json!({ "password": NEW_PASSWORD, "tokenId": "1", "code": "x" }),
            vec!["code", "tokenId"],
        ),
        (
            json!({ "password": NEW_PASSWORD, "currentPassword": PASSWORD, "tokenId": id,
                    "code": "111111" }),
            vec!["currentPassword"],
        ),
        (
            json!({ "password": NEW_PASSWORD, "currentPassword": PASSWORD, "userId": id,
                    "email": "eve@example.com", "token": "x" }),
            vec!["email", "token", "userId"],
        ),
    ] {
        let fields = app.edit(&device, "password", &body).await.bad_fields();
        let names: Vec<_> = fields.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, expected, "{body}");
    }
    let call = || app.call(Method::PATCH, PATH).bearer(&device.access);
    call().send().await.problem(400, "malformed_json");
    let text = call().body("text/plain", "{}").send().await;
    text.problem(415, "unsupported_media_type");
    let large = call().body("application/json", " ".repeat(16 * 1024 + 1));
    large.send().await.problem(413, "payload_too_large");
}
