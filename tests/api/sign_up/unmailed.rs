//! Sign-ups whose mail is not sent, since the address has had enough of them.

use latchkey_shared::domain::token::Purpose;
use latchkey_shared::keys::Keyring;
use latchkey_tests::{App, PASSWORD, Pending};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

#[tokio::test]
async fn a_code_that_nobody_is_sent_is_never_right() {
    let data = tempfile::tempdir().unwrap();
    let app = App::kept(data.path(), &[]).await;
    let secret = std::fs::read_to_string(data.path().join("keys.json")).unwrap();
    let keys = Keyring::from_secret(&SecretString::from(secret)).unwrap();
    let code_of = |sign_up: &Pending| {
        let id = sign_up.token_id.parse().unwrap();
        keys.code(id, Purpose::VerifyEmail)
            .expose_secret()
            .to_owned()
    };
    for _ in 0..5 {
        let mailed = app.sign_up("ada@example.com").await;
        assert_eq!(app.code_of(&mailed).await, code_of(&mailed));
    }
    let unmailed = app.sign_up("ada@example.com").await;
    assert_eq!(app.mails_to("ada@example.com").await.len(), 5);
    let answer = app.try_code(&unmailed, &code_of(&unmailed)).await;
    assert_eq!(answer.problem(400, "code_invalid")["attemptsLeft"], 4);

    // Who waits for it asks again, and goes on with what comes.
    let again = app.post(
        "/api/auth/resend/verify/email",
        &json!({ "email": "ada@example.com" }),
    );
    let again = app.mailed(again.send().await, "ada@example.com", "verify_email");
    let again = again.await;
    let renewed = Pending {
        token_id: again.token_id.clone(),
        ..unmailed
    };
    app.try_code(&renewed, &again.code()).await.expect(200);
    assert!(app.opens("ada@example.com", PASSWORD).await);
}
