//! Signing in by a passkey.

use latchkey_tests::{Passkey, members};
use serde_json::json;

use super::*;

const VERIFY: &str = "/api/auth/sign-in/passkey/verify";

#[tokio::test]
async fn nobody_says_who_they_are() {
    let (app, ada, device) = app_with_ada().await;
    let passkey = app.register_passkey(&device).await;
    app.advance(60).await;
    let options = app.passkey_request().await;
    let made = passkey.sign(&options);
    let answer = app.passkey_sign_in(&made).send().await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let signed_in = answer.json(200);
    let documented = [
        "accessToken",
        "expiresIn",
        "refreshToken",
        "session",
        "status",
        "tokenType",
        "user",
    ];
    assert_eq!(members(&signed_in), documented);
    assert_eq!(signed_in["user"]["id"], ada.id);
    let fresh = Device::from(&signed_in);
    let claims = fresh.claims();
    assert_eq!(claims["amr"], json!(["pop", "user", "mfa"]));
    assert_eq!(claims["acr"], "aal2");
    assert_eq!(claims["auth_time"], claims["iat"]);
    app.me(&fresh.access).await.expect(200);
    let refreshed = Device::from(&app.refresh(&fresh.refresh).await.json(200));
    assert_eq!(refreshed.claims()["acr"], "aal2");
    assert_eq!(events(&app, &fresh).await[0], "session.started");
    let listed = app.passkeys(&fresh).await;
    let moment = |value: &Value| value.as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let used = moment(&listed[0]["lastUsedAt"]);
    let registered = moment(&listed[0]["createdAt"]);
    assert!(used >= registered + jiff::SignedDuration::from_secs(60));
    assert!(used <= moment(&signed_in["session"]["createdAt"]));
}

#[tokio::test]
async fn browsers_get_the_refresh_token_in_a_cookie() {
    let (app, _, device) = app_with_ada().await;
    let passkey = app.register_passkey(&device).await;
    let made = passkey.sign(&app.passkey_request().await);
    let answer = app.post(VERIFY, &made).send().await;
    assert!(answer.refresh_cookie().is_some());
    let signed_in = answer.json(200);
    assert_eq!(signed_in["refreshToken"], Value::Null);
}

#[tokio::test]
async fn options_are_the_same_for_everybody() {
    let (app, _, device) = app_with_ada().await;
    app.register_passkey(&device).await;
    let options = app.passkey_request().await;
    let documented = [
        "allowCredentials",
        "challenge",
        "rpId",
        "timeout",
        "userVerification",
    ];
    assert_eq!(members(&options), documented);
    assert_eq!(options["allowCredentials"], json!([]));
    assert_eq!(options["userVerification"], "required");
    assert_eq!(options["rpId"], "localhost");
    assert_eq!(options["timeout"], 300_000);
    for body in [
        json!({}),
        json!({ "email": "ada@example.com" }),
        json!({ "email": "nobody@example.com" }),
        json!({ "identifier": "ada@example.com" }),
        json!({ "username": "ada" }),
        json!({ "phoneNumber": "+46701740605" }),
    ] {
        let call = app.post("/api/auth/sign-in/passkey/options", &body);
        let mut other = call.send().await.json(200);
        assert_ne!(other["challenge"], options["challenge"]);
        other["challenge"] = options["challenge"].clone();
        assert_eq!(other, options, "{body}");
    }
    let bad = json!({ "email": "no address" });
    let call = app.post("/api/auth/sign-in/passkey/options", &bad);
    call.send().await.problem(422, "validation_failed");
}

#[tokio::test]
async fn each_of_several_passkeys_opens() {
    let (app, ada, device) = app_with_ada().await;
    let first = app.register_passkey(&device).await;
    let second = app.register_with(&device, &synced(false)).await;
    let hardware = app.register_with(&device, &Ceremony::counting(1)).await;
    assert_eq!(app.sign_in_by(&first).await.claims()["sub"], ada.id);
    app.try_passkey(&second, &synced(true)).await.expect(200);
    let answer = app.try_passkey(&hardware, &Ceremony::counting(2)).await;
    answer.expect(200);
    let listed = app.passkeys(&device).await;
    // The backup state is kept as it is now.
    assert_eq!(listed[1]["synced"], true);
    assert_eq!(listed[1]["backedUp"], true);
    assert_eq!(listed[0]["synced"], false);
}

#[tokio::test]
async fn who_is_signed_in_is_told_so() {
    let (app, _, device) = app_with_ada().await;
    let passkey = app.register_passkey(&device).await;
    let made = passkey.sign(&app.passkey_request().await);
    let answer = app.passkey_sign_in(&made).bearer(&device.access);
    answer.send().await.problem(403, "already_signed_in");
    let answer = app.ask_passkey("sign-in/passkey/options", Some(&device));
    answer.send().await.problem(403, "already_signed_in");
}

#[tokio::test]
async fn a_ceremony_that_is_wrong_in_any_way_is_refused_and_used_up() {
    let (app, _, device) = app_with_ada().await;
    let passkey = app.register_passkey(&device).await;
    for (name, ceremony) in wrong_ceremonies() {
        let options = app.passkey_request().await;
        let made = passkey.sign_with(&options, &ceremony);
        let answer = app.passkey_sign_in(&made).send().await;
        assert_eq!(answer.status, 401, "{name}");
        assert!(answer.header("set-cookie").is_none(), "{name}");
        answer.problem(401, "invalid_credentials");
        let answer = app.passkey_sign_in(&passkey.sign(&options)).send().await;
        answer.problem(401, "invalid_credentials");
        // Not to be locked out by so many.
        app.sign_in_by(&passkey).await;
    }
    // What it is eligible for it is for life.
    let answer = app.try_passkey(&passkey, &synced(false)).await;
    answer.problem(401, "invalid_credentials");
}

#[tokio::test]
async fn a_signature_of_something_else_is_refused() {
    let (app, _, device) = app_with_ada().await;
    let passkey = app.register_passkey(&device).await;
    let other = passkey.sign(&app.passkey_request().await);
    for part in ["signature", "authenticatorData", "clientDataJSON"] {
        let options = app.passkey_request().await;
        let made = passkey.sign_with(&options, &Ceremony::counting(9));
        let mut mixed = made.clone();
        mixed["response"][part] = other["response"][part].clone();
        let answer = app.passkey_sign_in(&mixed).send().await;
        answer.problem(401, "invalid_credentials");
        app.sign_in_by(&passkey).await;
    }
    let options = app.passkey_request().await;
    let mut made = passkey.sign(&options);
    made["response"]["authenticatorData"] = json!("AAAA");
    let answer = app.passkey_sign_in(&made).send().await;
    answer.problem(401, "invalid_credentials");
}

#[tokio::test]
async fn swapped_and_unknown_credentials_open_nothing() {
    let (app, _, device) = app_with_ada().await;
    let ada_s = app.register_passkey(&device).await;
    let eve = app.person("eve@example.com").await;
    let eve = app.sign_in(&eve).await;
    let eve_s = app.register_passkey(&eve).await;
    let as_user = |user: &[u8]| Ceremony {
        user: Some(user.to_vec()),
        ..Ceremony::default()
    };
    let as_credential = |credential: &[u8]| Ceremony {
        credential: Some(credential.to_vec()),
        ..Ceremony::default()
    };
    let as_both = |passkey: &Passkey| Ceremony {
        user: Some(passkey.user.clone()),
        ..as_credential(&passkey.credential)
    };
    for ceremony in [
        // Her own credential, under Ada's name.
        as_user(&ada_s.user),
        // Her own key, under Ada's credential and whosever name.
        as_credential(&ada_s.credential),
        as_both(&ada_s),
        as_credential(&[7; 32]),
        as_user(&[7; 16]),
        as_user(&[]),
        as_user(&[7; 17]),
        as_user(&[0; 64]),
    ] {
        let answer = app.try_passkey(&eve_s, &ceremony).await;
        answer.problem(401, "invalid_credentials");
    }
    for no_user in [None, Some(Value::Null)] {
        let mut made = eve_s.sign(&app.passkey_request().await);
        let response = made["response"].as_object_mut().unwrap();
        response.remove("userHandle");
        if let Some(null) = no_user {
            response.insert("userHandle".to_owned(), null);
        }
        let answer = app.passkey_sign_in(&made).send().await;
        answer.problem(401, "invalid_credentials");
    }
    assert_eq!(
        app.sign_in_by(&eve_s).await.claims()["sub"],
        eve.claims()["sub"]
    );
    app.sign_in_by(&ada_s).await;
}

#[tokio::test]
async fn a_counter_that_does_not_go_on_is_refused_and_told() {
    let (app, _, device) = app_with_ada().await;
    let passkey = app.register_with(&device, &Ceremony::counting(5)).await;
    let counting = |counter| {
        let ceremony = Ceremony::counting(counter);
        let (app, passkey) = (&app, &passkey);
        async move { app.try_passkey(passkey, &ceremony).await }
    };
    counting(7).await.expect(200);
    for counter in [7, 6, 0] {
        counting(counter).await.problem(401, "invalid_credentials");
    }
    let cloned = "passkey.clone_suspected";
    let found = events(&app, &device).await;
    let found = found.iter().filter(|kind| *kind == cloned).count();
    assert_eq!(found, 3);
    let mails = app.mails_to("ada@example.com").await;
    let told = mails
        .iter()
        .filter(|mail| mail.template == "passkey_cloned");
    assert_eq!(told.count(), 1);
    // Whoever has the newer counter goes on with it.
    counting(8).await.expect(200);
    counting(u32::MAX).await.expect(200);
    counting(1).await.problem(401, "invalid_credentials");
}
