//! Mails as people see them: in a browser of a phone's size, light and dark.

use latchkey_shared::domain::locale::Language;
use latchkey_shared::env::Env;
use latchkey_shared::mail::{Mail, Message, ResetPassword, Site};
use latchkey_tests::{App, Chromium, Scheme};
use secrecy::SecretString;
use serde_json::{Value, json};

/// The width of the phone, in CSS pixels.
const WIDTH: f64 = 390.0;
/// Text against its background, at least (WCAG 2.2, 1.4.3).
const CONTRAST: f64 = 4.5;
/// What a finger hits, at least, in CSS pixels (WCAG 2.2, 2.5.5).
const TARGET: f64 = 44.0;

/// Every element that has text of its own, with where it is and how it stands out.
const TEXTS: &str = r"(() => {
    const channels = (color) => {
        const found = color.match(/^rgba?\((\d+), (\d+), (\d+)(?:, ([\d.]+))?\)$/);
        if (!found) throw new Error(`no such colour: ${color}`);
        return { rgb: found.slice(1, 4).map(Number), alpha: Number(found[4] ?? 1) };
    };
    const linear = (c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    const luminance = (rgb) => {
        const [r, g, b] = rgb.map(linear);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = (element) => {
        for (; element; element = element.parentElement) {
            const { rgb, alpha } = channels(getComputedStyle(element).backgroundColor);
            if (alpha === 1) return rgb;
            if (alpha !== 0) throw new Error('a background that shines through');
        }
        throw new Error('text on nothing');
    };
    const hasText = (element) => [...element.childNodes]
        .some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
    return [...document.body.querySelectorAll('*')].filter(hasText)
        .filter((element) => element.checkVisibility() && element.localName !== 'script')
        .map((element) => {
            const style = getComputedStyle(element);
            const color = channels(style.color);
            if (color.alpha !== 1) throw new Error('text that shines through');
            const [dark, light] = [luminance(color.rgb), luminance(behind(element))]
                .sort((a, b) => a - b);
            const box = element.getBoundingClientRect();
            return {
                text: element.textContent.trim(),
                left: box.left,
                right: box.right,
                contrast: (light + 0.05) / (dark + 0.05),
                size: parseFloat(style.fontSize),
            };
        });
})()";

/// What there is of one element, which it brings into view first.
fn element(selector: &str) -> String {
    format!(
        "(() => {{
            const element = document.querySelector('{selector}');
            element.scrollIntoView({{ block: 'center' }});
            const box = element.getBoundingClientRect();
            const seen = [0.1, 0.5, 0.9].every((part) => element.contains(document.elementFromPoint(
                box.left + box.width * part, box.top + box.height / 2)));
            const clipped = element.scrollWidth > element.clientWidth + 1
                && element.clientWidth > 0;
            return {{ text: element.textContent, width: box.width, height: box.height, seen, clipped }};
        }})()"
    )
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

/// Claims that the page that is open can be read on the phone.
async fn claim_readable(chromium: &mut Chromium) {
    let width = "[innerWidth, document.documentElement.scrollWidth, visualViewport.scale]";
    let width = chromium.evaluate(width).await;
    assert_eq!(width, json!([390, 390, 1]), "wider than the phone");
    let texts = chromium.evaluate(TEXTS).await;
    let texts = texts.as_array().unwrap();
    assert!(texts.len() >= 3, "{texts:?}");
    for text in texts {
        assert!(number(&text["left"]) >= 0.0, "{text}");
        assert!(number(&text["right"]) <= WIDTH, "{text}");
        assert!(number(&text["contrast"]) >= CONTRAST, "{text}");
        assert!(number(&text["size"]) >= 13.0, "{text}");
    }
}

/// Claims that a picture is as light or dark as what was preferred.
async fn claim_scheme(chromium: &mut Chromium, png: &[u8], scheme: Scheme) {
    let lightness = chromium.lightness(png).await;
    let fits = match scheme {
        Scheme::Light => lightness > 0.8,
        Scheme::Dark => lightness < 0.2,
    };
    assert!(fits, "{scheme:?}, but of lightness {lightness}");
}

/// Claims all that holds of a mail with a code and a link, and keeps a picture of it.
async fn claim_mail(chromium: &mut Chromium, name: &str, scheme: Scheme, says: &[&str]) {
    claim_readable(chromium).await;
    let code = chromium.evaluate(&element(".code")).await;
    let text = code["text"].as_str().unwrap();
    assert!(text.len() == 6 && text.bytes().all(|b| b.is_ascii_digit()));
    let button = chromium.evaluate(&element(".button")).await;
    assert!(number(&button["height"]) >= TARGET, "{button}");
    for part in [code, button] {
        assert_eq!(part["seen"], true, "{name}: {part}");
        assert_eq!(part["clipped"], false, "{name}: {part}");
        assert!(number(&part["width"]) > 100.0, "{name}: {part}");
    }
    let shown = chromium.evaluate("document.body.innerText").await;
    for words in says {
        assert!(shown.as_str().unwrap().contains(words), "{name}: {shown}");
    }
    let png = chromium
        .screenshot(&format!("{name}-{}", scheme.name()))
        .await;
    claim_scheme(chromium, &png, scheme).await;
}

fn reset_password(language: Language) -> Message {
    let env = Env::default()
        .with("APP_NAME", "Latchkey")
        .with("PUBLIC_URL", "https://auth.a-rather-long-name.example.com");
    let mail = ResetPassword {
        code: SecretString::from("012345"),
        link: SecretString::from("h".repeat(120)),
    };
    mail.write(&Site::open(&env).unwrap(), language).unwrap()
}

#[tokio::test]
async fn mails_can_be_read_on_a_phone_light_and_dark() {
    let Some(mut chromium) = Chromium::start().await else {
        return;
    };
    let app = App::start().await;
    let pending = app.sign_up("ada@example.com").await;
    let verify = app.mail_to(&pending.email, "verify_email").await;
    let url = format!("{}/dev/inbox/{}", app.url(), verify.id);

    for scheme in [Scheme::Light, Scheme::Dark] {
        chromium.be_a_phone(scheme).await;
        chromium.open(&url).await;
        let says = ["Confirm your email address", &verify.code()];
        claim_mail(&mut chromium, "verify_email", scheme, &says).await;

        for (language, lang, says) in [
            (Language::English, "en", "Or open this link"),
            (Language::German, "de", "Neues Passwort festlegen"),
        ] {
            chromium.show(&reset_password(language).html).await;
            let shown = chromium.evaluate("document.documentElement.lang").await;
            assert_eq!(shown, lang);
            let name = format!("reset_password-{lang}");
            claim_mail(&mut chromium, &name, scheme, &[says, "012345"]).await;
        }
    }
}

#[tokio::test]
async fn the_inbox_can_be_read_on_a_phone_light_and_dark() {
    let Some(mut chromium) = Chromium::start().await else {
        return;
    };
    let app = App::start().await;
    app.sign_up("a-very-long-local-part-of-an-address@a-long-domain.example.com")
        .await;
    for scheme in [Scheme::Light, Scheme::Dark] {
        chromium.be_a_phone(scheme).await;
        chromium.open(&format!("{}/dev/inbox", app.url())).await;
        claim_readable(&mut chromium).await;
        let frame = chromium.evaluate(&element("iframe")).await;
        assert_eq!(frame["seen"], true, "{frame}");
        assert!(number(&frame["width"]) > 300.0, "{frame}");
        let png = chromium
            .screenshot(&format!("inbox-{}", scheme.name()))
            .await;
        claim_scheme(&mut chromium, &png, scheme).await;
    }
}

#[tokio::test]
async fn the_html_of_a_mail_opens_alone_and_in_a_sandbox() {
    let app = App::start().await;
    let pending = app.sign_up("ada@example.com").await;
    let mail = app.mail_to(&pending.email, "verify_email").await;
    let path = format!("/dev/inbox/{}", mail.id);
    let answer = app.get(&path).send().await.expect(200);
    assert_eq!(answer.text, mail.html);
    assert_eq!(
        answer.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    let policy = answer.header("content-security-policy").unwrap();
    assert!(policy.starts_with("sandbox "), "{policy}");
    assert!(!policy.contains("script"), "{policy}");
    for unknown in ["00000000-0000-7000-8000-000000000000", "x"] {
        let path = format!("/dev/inbox/{unknown}");
        app.get(&path).send().await.problem(404, "not_found");
    }
}
