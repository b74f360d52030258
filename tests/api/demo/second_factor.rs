//! An authenticator app, its recovery codes and a trusted device in the browser.

use aws_lc_rs::hmac::{HMAC_SHA1_FOR_LEGACY_USE_ONLY, Key, sign};
use latchkey_shared::clock::Clock;
use latchkey_tests::other_than;

use super::Visit;

const EMAIL: &str = "ada@example.com";
/// How long a code of an app is its code, in seconds.
const STEP: i64 = 30;

/// The code that an app shows at this second (RFC 6238, on RFC 4226).
fn app_code(secret: &str, second: i64) -> String {
    let mut key = Vec::new();
    let (mut bits, mut count) = (0_u32, 0);
    for letter in secret.bytes() {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            _ => letter - b'2' + 26,
        };
        bits = bits << 5 | u32::from(value);
        count += 5;
        if count >= 8 {
            count -= 8;
            key.push(u8::try_from(bits >> count & 0xff).unwrap());
        }
    }
    let key = Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, &key);
    let mac = sign(&key, &(second / STEP).to_be_bytes());
    let mac = mac.as_ref();
    let from = usize::from(mac[19] & 0xf);
    let number = u32::from_be_bytes(mac[from..from + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

impl Visit {
    /// What the app shows now, after its next step: a code works once.
    async fn next_code(&mut self, secret: &str) -> String {
        self.app.advance(STEP).await;
        app_code(secret, self.app.stack.clock().now().as_second())
    }

    /// The code of the newest mail of this template.
    async fn mailed(&self, template: &str) -> String {
        self.app.mail_to(EMAIL, template).await.code()
    }

    async fn give_code(&mut self, code: &str) {
        self.browser.fill("#second-factor [name=code]", code).await;
        self.browser.click("#second-factor button").await;
    }
}

#[tokio::test]
async fn a_browser_turns_an_app_on_and_signs_in_with_its_code_a_recovery_code_or_a_trusted_device()
{
    let Some(mut visit) = Visit::begin().await else {
        return;
    };
    let ada = visit.app.person(EMAIL).await;
    let elsewhere = visit.app.sign_in(&ada).await;
    visit.give_password(EMAIL).await;
    visit.browser.click("#sessions button").await;
    visit.browser.read("#notice", "Ended").await;
    let me = visit.app.get("/api/auth/user/me").bearer(&elsewhere.access);
    me.send().await.problem(401, "unauthenticated");

    visit.browser.click("#factors-available button").await;
    let picture = "document.getElementById('enable-qr')";
    let shown = format!("{picture}.complete && {picture}.naturalWidth > 0");
    visit.browser.until(&shown).await;
    visit.browser.screenshot("demo-second-factor").await;
    let secret = visit.browser.text("#enable-secret").await;
    let code = visit.next_code(&secret).await;
    visit.browser.fill("#enable [name=code]", &code).await;
    visit.browser.click("#enable button").await;
    visit
        .browser
        .read("#factors", "On: authenticator app")
        .await;
    let codes = visit.browser.text("#recovery-codes").await;
    let codes: Vec<&str> = codes.split_whitespace().collect();
    assert_eq!(codes.len(), 10);

    visit.sign_out().await;
    visit.give_password(EMAIL).await;
    let code = visit.next_code(&secret).await;
    visit.give_code(other_than(&code)).await;
    visit.browser.read("#problem", "code").await;
    visit.give_code(&code).await;
    visit.browser.read("#user-email", EMAIL).await;

    visit.sign_out().await;
    visit.give_password(EMAIL).await;
    visit
        .browser
        .click("#second-factor [name=trustDevice]")
        .await;
    visit.give_code(codes[0]).await;
    visit
        .browser
        .read("#factors", "Recovery codes left: 9")
        .await;

    // Sign-out leaves the trust in the device.
    visit.sign_out().await;
    visit.give_password(EMAIL).await;
    visit.browser.read("#user-email", EMAIL).await;

    visit.browser.fill("#disable [name=code]", codes[1]).await;
    visit.browser.click("#disable button").await;
    visit.browser.read("#factors", "None").await;

    // A session that was ended elsewhere is over at the next click.
    let elsewhere = visit.app.sign_in(&ada).await;
    let all = visit.app.delete("/api/auth/user/logout-all");
    all.bearer(&elsewhere.access).send().await.expect(204);
    visit.browser.click("#add-passkey").await;
    visit.browser.read("#notice", "over").await;

    visit.browser.claim_quiet().await;
}

#[tokio::test]
async fn a_browser_signs_in_with_codes_that_are_mailed() {
    let Some(mut visit) = Visit::begin().await else {
        return;
    };
    visit.app.person(EMAIL).await;
    visit.give_password(EMAIL).await;
    visit
        .browser
        .click("#factors-available button:nth-of-type(2)")
        .await;
    visit.browser.read("#enable-sent", "on its way").await;
    let code = visit.mailed("confirm_mfa_change").await;
    visit.browser.fill("#enable [name=code]", &code).await;
    visit.browser.click("#enable button").await;
    visit.browser.read("#factors", "On: code by email").await;

    // No two codes are mailed within a minute.
    visit.app.advance(2 * STEP).await;
    visit.sign_out().await;
    visit.give_password(EMAIL).await;
    visit.browser.read("#notice", "on its way").await;
    let code = visit.mailed("sign_in_code").await;
    visit.give_code(&code).await;
    visit.browser.read("#user-email", EMAIL).await;

    visit.app.advance(2 * STEP).await;
    visit.browser.click("#disable-send button").await;
    visit.browser.read("#notice", "on its way").await;
    let code = visit.mailed("confirm_mfa_change").await;
    visit.browser.fill("#disable [name=code]", &code).await;
    visit.browser.click("#disable button:not([type])").await;
    visit.browser.read("#factors", "None").await;

    visit.browser.claim_quiet().await;
}
