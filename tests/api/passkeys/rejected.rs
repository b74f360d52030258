//! "That was not me" takes away the passkeys that were registered since.

use latchkey_tests::NEW_PASSWORD;
use serde_json::json;

use super::*;

#[tokio::test]
async fn a_thief_s_passkey_goes_and_the_owner_s_stays() {
    let (app, ada, device) = app_with_ada().await;
    let owner_s = app.register_passkey(&device).await;
    app.advance(5).await;
    // Somebody has her session.
    app.move_to(&device, "mallory@example.com").await;
    app.advance(5).await;
    let thief_s = app.register_passkey(&device).await;
    let mail = app.mail_to(&ada.email, "email_changed").await;
    app.not_me(&mail).await.expect(200);
    for passkey in [&owner_s, &thief_s] {
        let answer = app.try_passkey(passkey, &Ceremony::default()).await;
        assert!(!answer.status.is_success());
    }
    app.reset_password(&ada, NEW_PASSWORD).await.expect(200);
    let answer = app.try_passkey(&thief_s, &Ceremony::default()).await;
    answer.problem(401, "invalid_credentials");
    let hers = app.sign_in_by(&owner_s).await;
    assert_eq!(app.passkeys(&hers).await.len(), 1);
    // The count went down with it.
    for _ in 0..19 {
        app.register_passkey(&hers).await;
    }
    let full = app.ask_passkey("passkeys/register/options", Some(&hers));
    full.send().await.problem(409, "conflict");
    let identity = json!({ "email": ada.email });
    app.try_sign_in(identity, NEW_PASSWORD).await.expect(200);
}
