//! `POST /api/auth/sign-up`

use latchkey_tests::{App, PASSWORD};
use serde_json::json;

#[tokio::test]
async fn a_sign_up_waits_for_the_code_that_is_mailed() {
    let app = App::start().await;
    let body = json!({
        "name": "Ada Lovelace",
        "email": "Ada@Example.com",
        "password": PASSWORD,
        "username": "ada",
        "phoneNumber": "+46701740605",
    });
    let answer = app.post("/api/auth/sign-up", &body).send().await.json(202);
    let challenge = &answer["verification"];
    assert_eq!(challenge["channel"], "email");
    assert_eq!(challenge["resendAfter"], 60);
    assert!(!challenge["sentTo"].to_string().contains("Ada@"));

    let mails = app.mails_to("Ada@example.com").await;
    let [mail] = &mails[..] else {
        panic!("{mails:?}");
    };
    assert_eq!(mail.template, "verify_email");

    let verify = json!({
        "code": mail.code(),
        "userId": answer["userId"],
        "tokenId": challenge["tokenId"],
        "email": "ada@EXAMPLE.com",
    });
    let verified = app
        .post("/api/auth/verify/email", &verify)
        .send()
        .await
        .json(200);
    let user = &verified["user"];
    assert_eq!(user["id"], answer["userId"]);
    assert_eq!(user["name"], "Ada Lovelace");
    assert_eq!(user["email"], "Ada@example.com");
    assert_eq!(user["emailVerified"], true);
    assert_eq!(user["username"], "ada");
    assert_eq!(user["phoneNumber"], "+46701740605");
    assert_eq!(user["phoneVerified"], false);
    assert_eq!(user["status"], "active");
    assert_eq!(user["roles"], json!(["user"]));
    assert_eq!(user["plan"], "free");
    assert_eq!(user["mfaEnabled"], false);
}
