//! What somebody does who uses a page: they look, click, type and have a passkey at hand.

use serde_json::{Value, json};

use super::Chromium;

/// How long the page may take to show something, in milliseconds.
const PATIENCE_MS: u32 = 30_000;

/// What the console says that it should not: exceptions, warnings, breaches of the content
/// security policy. That a request was refused is no fault of the page.
pub(super) fn complaint(message: &Value) -> Option<Value> {
    let said = &message["params"];
    match message["method"].as_str()? {
        "Runtime.exceptionThrown" => Some(said["exceptionDetails"].clone()),
        "Runtime.consoleAPICalled" => {
            let is_bad = ["error", "warning", "assert"]
                .iter()
                .any(|kind| said["type"] == *kind);
            is_bad.then(|| said.clone())
        }
        "Log.entryAdded" => {
            let entry = &said["entry"];
            let url = entry["url"].as_str().unwrap_or_default();
            let is_refusal = entry["source"] == "network" && url.contains("/api/");
            let is_bad = entry["level"] == "error" || entry["level"] == "warning";
            (is_bad && !is_refusal).then(|| entry.clone())
        }
        _ => None,
    }
}

/// A condition on the first element of this selector: that it can be seen and used.
fn usable(selector: &str) -> String {
    let selector = json!(selector);
    format!(
        "(() => {{
            const element = document.querySelector({selector});
            return Boolean(element?.checkVisibility() && !element.disabled);
        }})()"
    )
}

impl Chromium {
    /// From now on what the console complains of is kept.
    pub async fn watch_console(&mut self) {
        self.call("Runtime.enable", json!({})).await;
        self.call("Log.enable", json!({})).await;
    }

    /// What the console has complained of since it is watched.
    pub async fn complaints(&mut self) -> Vec<Value> {
        // What was said before this answer has come before it.
        self.evaluate("0").await;
        self.console.clone()
    }

    /// Claims that the console, since it is watched, has not complained.
    pub async fn claim_quiet(&mut self) {
        assert_eq!(self.complaints().await, Vec::<Value>::new());
    }

    /// Gives the user a passkey provider that is part of the device, and gives its id.
    pub async fn add_authenticator(&mut self) -> Value {
        self.call("WebAuthn.enable", json!({})).await;
        let options = json!({
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": true,
            "hasUserVerification": true,
            "isUserVerified": true,
            "automaticPresenceSimulation": true,
        });
        let options = json!({ "options": options });
        let mut added = self.call("WebAuthn.addVirtualAuthenticator", options).await;
        added["authenticatorId"].take()
    }

    /// The passkeys of an authenticator.
    pub async fn passkeys(&mut self, authenticator: &Value) -> Vec<Value> {
        let parameters = json!({ "authenticatorId": authenticator });
        let mut found = self.call("WebAuthn.getCredentials", parameters).await;
        match found["credentials"].take() {
            Value::Array(passkeys) => passkeys,
            other => unreachable!("{other}"),
        }
    }

    /// Waits until this JavaScript condition holds.
    pub async fn until(&mut self, condition: &str) {
        let met = self
            .evaluate(&format!(
                "new Promise((resolve) => {{
                    const look = () => {{
                        if (!({condition})) return;
                        observer.disconnect();
                        clearTimeout(late);
                        resolve(true);
                    }};
                    const observer = new MutationObserver(look);
                    observer.observe(document,
                        {{ subtree: true, childList: true, attributes: true, characterData: true }});
                    const late = setTimeout(() => resolve(document.body.innerText), {PATIENCE_MS});
                    look();
                }})"
            ))
            .await;
        assert_eq!(met, true, "{condition}");
    }

    /// Waits until the first element of this selector can be seen and used.
    pub async fn see(&mut self, selector: &str) {
        self.until(&usable(selector)).await;
    }

    /// Waits until the first element of this selector can be seen and says this.
    pub async fn read(&mut self, selector: &str, text: &str) {
        let condition = format!(
            "{} && document.querySelector({}).innerText.includes({})",
            usable(selector),
            json!(selector),
            json!(text)
        );
        self.until(&condition).await;
    }

    /// What the first element of this selector says.
    pub async fn text(&mut self, selector: &str) -> String {
        self.see(selector).await;
        let text = format!("document.querySelector({}).innerText", json!(selector));
        let text = self.evaluate(&text).await;
        text.as_str().expect("a text").to_owned()
    }

    /// Clicks in the middle of the first element of this selector, once it can be used.
    pub async fn click(&mut self, selector: &str) {
        self.see(selector).await;
        let place = format!(
            "(() => {{
                const element = document.querySelector({});
                element.scrollIntoView({{ block: 'center', behavior: 'instant' }});
                const box = element.getBoundingClientRect();
                const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
                return {{ x, y, hit: element.contains(document.elementFromPoint(x, y)) }};
            }})()",
            json!(selector)
        );
        let place = self.evaluate(&place).await;
        assert_eq!(place["hit"], true, "{selector} is behind something");
        for kind in ["mousePressed", "mouseReleased"] {
            let event = json!({
                "type": kind, "x": place["x"], "y": place["y"], "button": "left", "clickCount": 1,
            });
            self.call("Input.dispatchMouseEvent", event).await;
        }
    }

    /// Types this into the field of this selector, in the place of what is there.
    pub async fn fill(&mut self, selector: &str, text: &str) {
        self.click(selector).await;
        self.evaluate("document.activeElement.select()").await;
        self.call("Input.insertText", json!({ "text": text })).await;
    }
}
