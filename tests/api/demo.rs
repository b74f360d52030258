//! `/demo` in a real browser, as somebody uses it who is new here.

mod passkeys;
mod second_factor;

use latchkey_tests::{App, Chromium, PASSWORD};
use serde_json::Value;

/// A browser with the page open and a passkey provider, and the service behind it.
struct Visit {
    app: App,
    browser: Chromium,
    authenticator: Value,
}

impl Visit {
    /// Nothing where there is no browser, which only may be so outside of CI.
    async fn begin() -> Option<Self> {
        let mut browser = Chromium::start().await?;
        let app = App::start().await;
        browser.watch_console().await;
        let authenticator = browser.add_authenticator().await;
        browser.open(&app.stack.demo_url()).await;
        browser.see("#sign-in").await;
        Some(Self {
            app,
            browser,
            authenticator,
        })
    }

    async fn sign_up(&mut self, email: &str, password: &str) {
        let fields = [("name", "Ada"), ("email", email), ("password", password)];
        for (field, text) in fields {
            let field = format!("#sign-up [name={field}]");
            self.browser.fill(&field, text).await;
        }
        self.browser.click("#sign-up button").await;
    }

    /// Gives name and password; what follows depends on the account.
    async fn give_password(&mut self, email: &str) {
        self.browser.fill("#sign-in [name=identifier]", email).await;
        self.browser
            .fill("#sign-in [name=password]", PASSWORD)
            .await;
        self.browser.click("#sign-in button").await;
    }

    async fn sign_out(&mut self) {
        self.browser.click("#sign-out").await;
        self.browser.see("#sign-in").await;
    }
}

#[tokio::test]
async fn the_page_is_bound_to_its_own_files_and_to_a_name() {
    let app = App::start().await;
    let page = app.get("/demo").send().await;
    let page = page.expect(307);
    assert_eq!(page.header("location"), Some(&*app.stack.demo_url()));

    let host = app.stack.demo_url();
    let host = host.strip_prefix("http://").unwrap();
    let (host, _) = host.split_once('/').unwrap();
    let page = app.get("/demo").header("host", host).send().await;
    let page = page.expect(200);
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; "), "{policy}");
    for loose in ["unsafe", "*", "http"] {
        assert!(!policy.contains(loose), "{policy}");
    }
    assert!(!page.text.contains("<style") && !page.text.contains(" style="));
    for (path, content_type) in [
        ("/demo/style.css", "text/css"),
        ("/demo/app.js", "text/javascript"),
    ] {
        assert!(page.text.contains(path));
        let file = app.get(path).send().await.expect(200);
        assert_eq!(file.header("content-type"), Some(content_type));
    }
}

#[tokio::test]
async fn the_browser_holds_the_page_to_its_policy_and_says_so() {
    let Some(mut visit) = Visit::begin().await else {
        return;
    };
    visit.browser.claim_quiet().await;
    let markup = "(() => {
        try { document.body.innerHTML = '<p>'; return 'taken'; } catch (error) { return error.name; }
    })()";
    assert_eq!(visit.browser.evaluate(markup).await, "TypeError");
    let picture = "new Promise((resolve) => {
        const picture = new Image();
        picture.onload = () => resolve('taken');
        picture.onerror = () => resolve('refused');
        picture.src = '/demo/picture.png';
    })";
    assert_eq!(visit.browser.evaluate(picture).await, "refused");
    let complaints = visit.browser.complaints().await;
    assert_eq!(complaints.len(), 2, "{complaints:?}");
}
