//! The whole story: from sign-up to the moment when every token is refused, on either cache.

use latchkey_local::Options;
use latchkey_tests::{App, Device, PASSWORD, Redis};
use secrecy::SecretString;
use serde_json::{Value, json};

#[tokio::test]
async fn from_sign_up_to_sign_out_in_memory() {
    journey(&App::start().await).await;
}

#[tokio::test]
async fn from_sign_up_to_sign_out_with_a_real_redis() {
    let Some(redis) = Redis::start().await else {
        return;
    };
    let options = Options {
        redis_url: Some(SecretString::from(redis.url())),
        ..Options::default()
    };
    journey(&App::of(options).await).await;
}

async fn journey(app: &App) {
    // Ada signs up with all that she has, and types the code from the mail.
    let more = json!({ "username": "ada", "phoneNumber": "+46701740605" });
    let ada = app.person_with("ada@example.com", &more).await;

    // Grace follows the link instead: it opens a page, whose button posts its token.
    app.sign_up("grace@example.com").await;
    let mail = app.mail_to("grace@example.com", "verify_email").await;
    let path = mail.link().replace(&app.stack.url(), "");
    let page = app.get(&path).send().await.expect(200);
    assert!(page.text.contains("<form"), "{}", page.text);
    let token = json!({ "token": mail.link_token() });
    let verified = app
        .post("/api/auth/verify/email/link", &token)
        .send()
        .await
        .json(200);
    assert_eq!(verified["user"]["status"], "active");

    // Ada signs in by each of her names.
    let mut devices = Vec::new();
    for identity in [
        json!({ "email": "ada@example.com" }),
        json!({ "username": "ada" }),
        json!({ "phoneNumber": "+46701740605" }),
    ] {
        let signed_in = app.try_sign_in(identity, PASSWORD).await.json(200);
        assert_eq!(signed_in["user"]["id"], ada.id.as_str());
        devices.push(Device::from(&signed_in));
    }
    let [first, second, third] = &devices[..] else {
        unreachable!()
    };
    let me = app.me(&first.access).await.json(200);
    assert_eq!(me["user"]["email"], "ada@example.com");
    assert_eq!(me["session"]["id"], first.session_id.as_str());

    // She refreshes twice; then somebody replays the first refresh token.
    let once = Device::from(&app.refresh(&first.refresh).await.json(200));
    let twice = Device::from(&app.refresh(&once.refresh).await.json(200));
    app.me(&twice.access).await.expect(200);
    app.refresh(&first.refresh)
        .await
        .problem(401, "refresh_token_reused");
    for access in [&first.access, &once.access, &twice.access] {
        app.me(access).await.problem(401, "unauthenticated");
    }
    app.refresh(&twice.refresh)
        .await
        .problem(401, "session_expired");
    app.mail_to("ada@example.com", "session_ended_by_reuse")
        .await;

    // Two sessions are left. She ends one from the other.
    assert_eq!(sessions(app, third).await.len(), 2);
    let path = format!("/api/auth/sessions/{}", second.session_id);
    app.delete(&path)
        .bearer(&third.access)
        .send()
        .await
        .expect(204);
    let left = sessions(app, third).await;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0]["id"], third.session_id.as_str());
    assert_eq!(left[0]["current"], true);

    // And then she signs out everywhere.
    let fourth = app.sign_in(&ada).await;
    app.delete("/api/auth/user/logout-all")
        .bearer(&third.access)
        .send()
        .await
        .expect(204);
    for device in [second, third, &fourth] {
        app.me(&device.access).await.problem(401, "unauthenticated");
        app.refresh(&device.refresh)
            .await
            .problem(401, "session_expired");
    }
}

async fn sessions(app: &App, device: &Device) -> Vec<Value> {
    let answer = app
        .get("/api/auth/sessions")
        .bearer(&device.access)
        .send()
        .await
        .json(200);
    answer["sessions"].as_array().cloned().unwrap_or_default()
}
