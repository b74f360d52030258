//! A passkey of the browser's own, from its making to its end.

use latchkey_tests::PASSWORD;
use serde_json::{Value, json};

use super::Visit;

const EMAIL: &str = "ada@example.com";
const HOUR: i64 = 3600;

/// Keeps how the page came by each passkey, and has the browser fill nothing in until it should:
/// it would as soon as it could, since its user takes whatever is offered.
const HOLD_AUTOFILL: &str = "(() => {
    const get = navigator.credentials.get.bind(navigator.credentials);
    window.mediations = [];
    navigator.credentials.get = async (options) => {
        const passkey = await get(options);
        window.mediations.push(options.mediation ?? 'optional');
        return passkey;
    };
    window.autofills = PublicKeyCredential.isConditionalMediationAvailable;
    PublicKeyCredential.isConditionalMediationAvailable = async () => false;
})()";
const ALLOW_AUTOFILL: &str =
    "PublicKeyCredential.isConditionalMediationAvailable = window.autofills";

impl Visit {
    async fn mediations(&mut self) -> Value {
        self.browser.evaluate("window.mediations").await
    }
}

#[tokio::test]
async fn a_browser_signs_up_makes_a_passkey_and_signs_in_with_it_by_button_and_by_autofill() {
    let Some(mut visit) = Visit::begin().await else {
        return;
    };

    // What is wrong with a field stands at the field.
    visit.sign_up(EMAIL, "password").await;
    visit
        .browser
        .see("#sign-up [name=password][aria-invalid] + .wrong")
        .await;
    visit.browser.screenshot("demo-sign-up").await;
    visit.sign_up(EMAIL, PASSWORD).await;
    visit.browser.see("#verify").await;
    let code = visit.app.mail_to(EMAIL, "verify_email").await.code();
    visit.browser.fill("#verify [name=code]", &code).await;
    visit.browser.click("#verify button").await;
    visit.browser.read("#notice", "is confirmed").await;

    visit.give_password(EMAIL).await;
    visit.browser.read("#user-email", EMAIL).await;
    visit.browser.click("#add-passkey").await;
    visit.browser.read("#passkeys", "last used: never").await;
    let kept = visit.browser.passkeys(&visit.authenticator).await;
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0]["rpId"], "localhost");
    assert_eq!(kept[0]["isResidentCredential"], true);
    visit.browser.evaluate(HOLD_AUTOFILL).await;

    visit.sign_out().await;
    visit.browser.click("#passkey-sign-in").await;
    visit.browser.read("#user-email", EMAIL).await;
    assert_eq!(visit.mediations().await, json!(["optional"]));

    // By conditional UI: nothing is clicked but what signs out.
    visit.browser.evaluate(ALLOW_AUTOFILL).await;
    visit.browser.click("#sign-out").await;
    visit.browser.until("window.mediations.length > 1").await;
    visit.browser.read("#user-email", EMAIL).await;
    let both = json!(["optional", "conditional"]);
    assert_eq!(visit.mediations().await, both);

    // The cookie is all that is left of a page that is opened anew.
    visit.browser.open(&visit.app.stack.demo_url()).await;
    visit.browser.read("#user-email", EMAIL).await;
    // An access token that has run out is renewed, and an old proof of who it is made again.
    visit.app.advance(HOUR).await;
    visit.browser.click("#passkeys button").await;
    visit.browser.see("#step-up-passkey").await;
    visit.browser.screenshot("demo-step-up").await;
    visit.browser.click("#step-up-passkey").await;
    visit.browser.read("#notice", "Removed").await;
    assert_eq!(visit.browser.text("#passkeys").await, "");

    visit.browser.claim_quiet().await;
}
