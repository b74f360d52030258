//! Every step of a reset out of order: nothing but the code or link that was mailed to an address
//! sets the password of the account that has it.

use latchkey_tests::{App, NEW_PASSWORD};
use serde_json::{Value, json};

use super::{by_link, claim_untouched, to};

const NOBODYS: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
const CODES: [&str; 3] = ["000000", "111111", "123456"];

fn set(email: &str, token_id: &str, code: &str) -> Value {
    json!({ "email": email, "password": NEW_PASSWORD, "tokenId": token_id, "code": code })
}

#[tokio::test]
async fn without_having_asked_nothing_is_set() {
    let app = App::start().await;
    let ada = app.person("ada@example.com").await;
    for code in CODES {
        for token_id in [NOBODYS, &ada.id] {
            app.forgot_password(&set(&ada.email, token_id, code))
                .await
                .problem(400, "code_expired");
        }
        app.forgot_password(&by_link(code, NEW_PASSWORD))
            .await
            .problem(400, "code_expired");
    }
    claim_untouched(&app, &ada.email).await;
}

#[tokio::test]
async fn what_another_asked_for_sets_nothing() {
    let app = App::start().await;
    let ada = app.person("ada@example.com").await;
    let eve = app.person("eve@example.com").await;
    // Both have asked, so that each half would have something to go with.
    let hers = app.mailed_reset(&ada.email).await;
    let mailed = app.mailed_reset(&eve.email).await;
    let decoy = json!({ "email": "nobody@example.com" });
    let decoy = app.forgot_password(&decoy).await.json(202);
    let decoy = decoy["tokenId"].as_str().unwrap();
    for (body, code) in [
        (
            set(&ada.email, &mailed.token_id, &mailed.code()),
            "code_expired",
        ),
        (
            set(&ada.email, &hers.token_id, &mailed.code()),
            "code_invalid",
        ),
        (set(&ada.email, decoy, &mailed.code()), "code_expired"),
        (
            set(&eve.email, &hers.token_id, &mailed.code()),
            "code_expired",
        ),
        (
            set(&eve.email, &hers.token_id, &hers.code()),
            "code_expired",
        ),
        (
            set("nobody@example.com", &hers.token_id, &hers.code()),
            "code_expired",
        ),
        (
            set("nobody@example.com", decoy, &hers.code()),
            "code_invalid",
        ),
        (set(&ada.email, NOBODYS, &hers.code()), "code_expired"),
        (set(&ada.email, &ada.id, &hers.code()), "code_expired"),
    ] {
        app.forgot_password(&body).await.problem(400, code);
    }
    claim_untouched(&app, &ada.email).await;
    claim_untouched(&app, &eve.email).await;
    // The right ones still are.
    app.forgot_password(&hers.with(to(&ada.email, NEW_PASSWORD)))
        .await
        .expect(200);
    claim_untouched(&app, &eve.email).await;
    app.forgot_password(&mailed.with(to(&eve.email, NEW_PASSWORD)))
        .await
        .expect(200);
}

#[tokio::test]
async fn one_half_does_not_serve_as_the_other() {
    let app = App::start().await;
    let ada = app.person("ada@example.com").await;
    let device = app.sign_in(&ada).await;
    let mailed = app.mailed_reset(&ada.email).await;
    let link = mailed.mail.link_token();
    let mut changed = link.clone();
    let last = if link.ends_with('A') { 'E' } else { 'A' };
    changed.pop();
    changed.push(last);
    for token in [
        "",
        "null",
        "%00",
        &mailed.code(),
        &mailed.token_id,
        &ada.id,
        &mailed.mail.link(),
        &device.access,
        &device.refresh,
        &changed,
        &link[1..],
        &link[..link.len() - 1],
        &format!("{link}A"),
        &format!(" {link}"),
        &link.to_lowercase(),
        &"A".repeat(10_000),
    ] {
        app.forgot_password(&by_link(token, NEW_PASSWORD))
            .await
            .problem(400, "code_expired");
    }
    let fields = app
        .forgot_password(&set(&ada.email, &mailed.token_id, &link))
        .await
        .bad_fields();
    assert_eq!(fields[0].0, "code");
    let fields = app
        .forgot_password(&set(&ada.email, &link, &mailed.code()))
        .await
        .bad_fields();
    assert_eq!(fields[0].0, "tokenId");
    claim_untouched(&app, &ada.email).await;
    app.forgot_password(&by_link(&link, NEW_PASSWORD))
        .await
        .expect(200);
}

#[tokio::test]
async fn a_sign_up_that_nobody_verified_can_not_be_opened_by_a_reset() {
    let app = App::start().await;
    let pending = app.sign_up("ada@example.com").await;
    let code = app.code_of(&pending).await;
    let asked = json!({ "email": pending.email });
    let decoy = app.forgot_password(&asked).await.json(202);
    let decoy = decoy["tokenId"].as_str().unwrap();
    app.forgot_password(&set(&pending.email, decoy, &code))
        .await
        .problem(400, "code_invalid");
    app.forgot_password(&set(&pending.email, &pending.token_id, &code))
        .await
        .problem(400, "code_expired");
    // Its own way is still open, with the password that it began with.
    app.try_code(&pending, &code).await.expect(200);
    claim_untouched(&app, &pending.email).await;
}

#[tokio::test]
async fn going_back_and_starting_again_leaves_each_step_good() {
    let app = App::start().await;
    let ada = app.person("ada@example.com").await;
    let first = app.mailed_reset(&ada.email).await;
    app.advance(60).await;
    let second = app.mailed_reset(&ada.email).await;
    // The code of one with the id of the other is no code at all.
    app.forgot_password(&first.with_code(&second.code(), to(&ada.email, NEW_PASSWORD)))
        .await
        .problem(400, "code_invalid");
    app.forgot_password(&second.with_code(&first.code(), to(&ada.email, NEW_PASSWORD)))
        .await
        .problem(400, "code_invalid");
    claim_untouched(&app, &ada.email).await;
    app.forgot_password(&first.with(to(&ada.email, NEW_PASSWORD)))
        .await
        .expect(200);
    assert!(app.opens(&ada.email, NEW_PASSWORD).await);
}
