//! Registering a passkey.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use latchkey_shared::domain::id::UserId;
use latchkey_tests::{Passkey, at_once, members};
use serde_json::json;

use super::*;

#[tokio::test]
async fn options_are_what_a_browser_takes() {
    let (app, ada, device) = app_with_ada().await;
    let first = app.register_passkey(&device).await;
    let answer = app.ask_passkey("passkeys/register/options", Some(&device));
    let answer = answer.send().await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let options = answer.json(200);
    let documented = [
        "attestation",
        "authenticatorSelection",
        "challenge",
        "excludeCredentials",
        "extensions",
        "pubKeyCredParams",
        "rp",
        "timeout",
        "user",
    ];
    assert_eq!(members(&options), documented);
    let rp = json!({ "id": "localhost", "name": "Latchkey" });
    assert_eq!(options["rp"], rp);
    assert_eq!(options["attestation"], "none");
    assert_eq!(options["timeout"], 300_000);
    let selection = &options["authenticatorSelection"];
    assert_eq!(selection["residentKey"], "required");
    assert_eq!(selection["requireResidentKey"], true);
    assert_eq!(selection["userVerification"], "required");
    assert_eq!(options["pubKeyCredParams"][0]["alg"], -7);
    let user = &options["user"];
    assert_eq!(user["name"], ada.email);
    assert_eq!(user["displayName"], "Ada Lovelace");
    let handle = URL_SAFE_NO_PAD.decode(text(user, "id")).unwrap();
    let id = UserId::from_bytes(handle.try_into().unwrap());
    assert_eq!(id.to_string(), ada.id);
    let excluded = json!([{
        "type": "public-key",
        "id": URL_SAFE_NO_PAD.encode(&first.credential),
        "transports": ["internal", "hybrid"],
    }]);
    assert_eq!(options["excludeCredentials"], excluded);
    let challenge = URL_SAFE_NO_PAD.decode(text(&options, "challenge"));
    assert_eq!(challenge.unwrap().len(), 32);
    let again = app.passkey_creation(&device).await;
    assert_ne!(again["challenge"], options["challenge"]);
}

#[tokio::test]
async fn it_is_answered_as_it_stands_noted_and_told() {
    let (app, _, device) = app_with_ada().await;
    let options = app.passkey_creation(&device).await;
    let (passkey, mut made) = Passkey::make_with(&options, &synced(true));
    made["name"] = json!("  My phone ");
    let registered = app.try_register(&device, &made).await.json(201);
    let registered = &registered["passkey"];
    let documented = [
        "backedUp",
        "createdAt",
        "credentialId",
        "id",
        "lastUsedAt",
        "name",
        "synced",
        "transports",
    ];
    assert_eq!(members(registered), documented);
    assert_eq!(registered["name"], "My phone");
    assert_eq!(registered["synced"], true);
    assert_eq!(registered["backedUp"], true);
    assert_eq!(registered["lastUsedAt"], Value::Null);
    // One that nobody knows is left out.
    assert_eq!(registered["transports"], json!(["internal", "hybrid"]));
    let credential = URL_SAFE_NO_PAD.encode(&passkey.credential);
    assert_eq!(registered["credentialId"], credential);
    assert_eq!(
        app.passkeys(&device).await,
        std::slice::from_ref(registered)
    );
    assert_eq!(events(&app, &device).await[0], "passkey.added");
    let mail = app.mail_to("ada@example.com", "passkey_added").await;
    assert!(!mail.text.contains("My phone"), "{}", mail.text);
}

#[tokio::test]
async fn without_a_name_it_is_called_by_the_browser() {
    let (app, _, device) = app_with_ada().await;
    let chrome = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 \
                  (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36";
    for (agent, expected) in [(chrome, "Chrome on macOS"), ("Analytical/1", "Passkey")] {
        let options = app.passkey_creation(&device).await;
        let (_, made) = Passkey::make(&options);
        let call = app.post("/api/auth/passkeys/register/verify", &made);
        let call = call.bearer(&device.access).header("user-agent", agent);
        let registered = call.send().await.json(201);
        assert_eq!(registered["passkey"]["name"], expected);
    }
}

#[tokio::test]
async fn it_takes_a_fresh_proof() {
    let (app, _, device) = app_with_ada().await;
    let options = app.passkey_creation(&device).await;
    app.advance(10 * 60 + 1).await;
    let stale = app.ask_passkey("passkeys/register/options", Some(&device));
    stale.send().await.problem(403, "step_up_required");
    let (_, made) = Passkey::make(&options);
    let stale = app.try_register(&device, &made).await;
    stale.problem(403, "step_up_required");
    assert_eq!(app.passkeys(&device).await, [] as [Value; 0]);
}

#[tokio::test]
async fn a_ceremony_that_is_wrong_in_any_way_is_refused_and_used_up() {
    let (app, _, device) = app_with_ada().await;
    let mut wrong = wrong_ceremonies();
    // EdDSA and RSA-PSS are not offered, and the key is of another kind.
    for algorithm in [-8, -9] {
        let ceremony = Ceremony {
            algorithm,
            ..Ceremony::default()
        };
        wrong.push(("an algorithm that was not offered", ceremony));
    }
    for (name, ceremony) in wrong {
        let options = app.passkey_creation(&device).await;
        let (_, made) = Passkey::make_with(&options, &ceremony);
        let answer = app.try_register(&device, &made).await;
        assert_eq!(answer.status, 400, "{name}");
        answer.problem(400, "passkey_invalid");
        let (_, made) = Passkey::make(&options);
        let answer = app.try_register(&device, &made).await;
        assert_eq!(answer.status, 400, "{name}");
    }
    assert_eq!(app.passkeys(&device).await, [] as [Value; 0]);
}

#[tokio::test]
async fn a_credential_by_another_id_than_the_signed_one_is_refused() {
    let (app, _, device) = app_with_ada().await;
    let options = app.passkey_creation(&device).await;
    let (_, mut made) = Passkey::make(&options);
    for name in ["id", "rawId"] {
        made[name] = json!(URL_SAFE_NO_PAD.encode([7; 32]));
    }
    let answer = app.try_register(&device, &made).await;
    answer.problem(400, "passkey_invalid");
    made["id"] = json!(URL_SAFE_NO_PAD.encode([8; 32]));
    let answer = app.try_register(&device, &made).await;
    let expected = ("rawId".to_owned(), "invalid_choice".to_owned());
    assert_eq!(answer.bad_fields(), [expected]);
}

#[tokio::test]
async fn what_is_no_attestation_is_refused() {
    let (app, _, device) = app_with_ada().await;
    let (_, whole) = Passkey::make(&app.passkey_creation(&device).await);
    let whole = text(&whole["response"], "attestationObject").to_owned();
    let whole = URL_SAFE_NO_PAD.decode(whole).unwrap();
    let deep = vec![0x81; 9000];
    let endless = [&b"\xa3\x63fmt\x7b"[..], &[0xff; 8]].concat();
    let cut = whole.len() - 40;
    for garbage in [
        &b""[..],
        b"\xff",
        &whole[..cut],
        &whole[1..],
        &deep,
        &endless,
    ] {
        let options = app.passkey_creation(&device).await;
        let (_, mut made) = Passkey::make(&options);
        made["response"]["attestationObject"] = json!(URL_SAFE_NO_PAD.encode(garbage));
        let answer = app.try_register(&device, &made).await;
        answer.problem(400, "passkey_invalid");
    }
    for client_data in [
        "",
        "null",
        "{}",
        r#"{"challenge":7}"#,
        r#"{"challenge":"AAAA"}"#,
    ] {
        let options = app.passkey_creation(&device).await;
        let (_, mut made) = Passkey::make(&options);
        made["response"]["clientDataJSON"] = json!(URL_SAFE_NO_PAD.encode(client_data));
        let answer = app.try_register(&device, &made).await;
        answer.problem(400, "passkey_invalid");
    }
}

#[tokio::test]
async fn options_are_for_one_user_in_one_session() {
    let (app, ada, device) = app_with_ada().await;
    let other = app.sign_in(&ada).await;
    let eve = app.person("eve@example.com").await;
    let eve = app.sign_in(&eve).await;
    let options = app.passkey_creation(&device).await;
    let (_, made) = Passkey::make(&options);
    for stranger in [&other, &eve] {
        let answer = app.try_register(stranger, &made).await;
        answer.problem(400, "passkey_invalid");
    }
    // Nor did they use it up.
    app.try_register(&device, &made).await.expect(201);
    assert_eq!(app.passkeys(&eve).await, [] as [Value; 0]);
    // A challenge to sign in by is none to register with.
    let mut request = app.passkey_request().await;
    request["user"] = options["user"].clone();
    let (_, made) = Passkey::make(&request);
    let answer = app.try_register(&device, &made).await;
    answer.problem(400, "passkey_invalid");
}

#[tokio::test]
async fn a_credential_belongs_to_one_user() {
    let (app, _, device) = app_with_ada().await;
    let passkey = app.register_passkey(&device).await;
    let eve = app.person("eve@example.com").await;
    let eve = app.sign_in(&eve).await;
    let same = Ceremony {
        credential: Some(passkey.credential.clone()),
        ..Ceremony::default()
    };
    let (_, made) = Passkey::make_with(&app.passkey_creation(&eve).await, &same);
    let answer = app.try_register(&eve, &made).await;
    answer.problem(409, "conflict");
    assert_eq!(app.passkeys(&eve).await, [] as [Value; 0]);
    // Her own she can't replace either.
    let (_, made) = Passkey::make_with(&app.passkey_creation(&device).await, &same);
    let answer = app.try_register(&device, &made).await;
    answer.problem(400, "passkey_invalid");
    app.sign_in_by(&passkey).await;

    // When it is removed it is free again.
    let listed = app.passkeys(&device).await;
    let path = format!("/api/auth/passkeys/{}", text(&listed[0], "id"));
    let call = app.delete(&path).bearer(&device.access);
    call.send().await.expect(204);
    let (theirs, made) = Passkey::make_with(&app.passkey_creation(&eve).await, &same);
    app.try_register(&eve, &made).await.expect(201);
    let signed_in = app.sign_in_by(&theirs).await;
    assert_eq!(signed_in.claims()["sub"], eve.claims()["sub"]);
}

#[tokio::test]
async fn the_id_of_a_credential_may_be_as_long_as_it_may_be() {
    let (app, _, device) = app_with_ada().await;
    let with = |length| Ceremony {
        credential: Some(vec![7; length]),
        ..Ceremony::default()
    };
    let passkey = app.register_with(&device, &with(1023)).await;
    app.sign_in_by(&passkey).await;
    let (_, made) = Passkey::make_with(&app.passkey_creation(&device).await, &with(1024));
    let fields = app.try_register(&device, &made).await.bad_fields();
    let expected = ["id", "rawId"].map(|name| (name.to_owned(), "too_long".to_owned()));
    assert_eq!(fields, expected);
}

#[tokio::test]
async fn a_user_has_twenty_at_most_also_where_several_come_at_once() {
    let (app, _, device) = app_with_ada().await;
    for _ in 0..18 {
        app.register_passkey(&device).await;
    }
    let mut calls = Vec::new();
    for _ in 0..5 {
        let (_, made) = Passkey::make(&app.passkey_creation(&device).await);
        let call = app.post("/api/auth/passkeys/register/verify", &made);
        calls.push(call.bearer(&device.access));
    }
    let mut registered = 0;
    for answer in at_once(calls).await {
        if answer.status == 201 {
            registered += 1;
        } else {
            answer.problem(409, "conflict");
        }
    }
    assert_eq!(registered, 2);
    assert_eq!(app.passkeys(&device).await.len(), 20);
    let full = app.ask_passkey("passkeys/register/options", Some(&device));
    full.send().await.problem(409, "conflict");
}
