//! No secret of a second factor is in a log, an event or a table.

use std::cell::RefCell;
use std::io;
use std::sync::Once;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::dynamic_filter_fn;
use tracing_subscriber::layer::SubscriberExt;

use super::*;
use crate::erasure::all_items;

thread_local! {
    /// What was logged on this thread since its test began to listen.
    static LOG: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// Writes to the log of its thread.
struct OwnLog;

impl io::Write for OwnLog {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.with_borrow_mut(|log| log.iter_mut().for_each(|log| log.extend(bytes)));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Listens to all that is logged on this thread, on which a test and its service run. One subscriber
/// is for all threads: tracing remembers of a line that nobody listens, if another thread has
/// none and comes first.
fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let listened = dynamic_filter_fn(|_, _| LOG.with_borrow(Option::is_some));
        let layer = tracing_subscriber::fmt::layer()
            .with_ansi(false)
            .with_writer(|| OwnLog)
            .with_filter(listened);
        let subscriber = tracing_subscriber::registry()
            .with(LevelFilter::DEBUG)
            .with(layer);
        tracing::subscriber::set_global_default(subscriber).unwrap();
    });
    LOG.set(Some(Vec::new()));
}

/// Uses every kind of secret there is, wrong and right. What must be found nowhere, by name.
async fn live(ada: &Ada) -> Vec<(String, String)> {
    let app = &ada.app;
    let mut secrets = Vec::new();
    let mut keep = |name: &str, secret: &str| secrets.push((name.to_owned(), secret.to_owned()));
    let device = ada.sign_in().await;
    let first = app.first_step(EMAIL).await;
    keep("a ticket", first["token"].as_str().unwrap());
    let unknown = "0123-4567-89AB-CDEF-GHJK-MNPQ";
    keep("a wrong recovery code", unknown);
    keep("a wrong recovery code", &unknown.replace('-', ""));
    let wrong = app.second_step(&first, &code(unknown)).send().await;
    wrong.problem(400, "code_invalid");
    let answer = app
        .second_step(&first, &code(&ada.recovery[0]))
        .send()
        .await;
    answer.expect(200);
    for one in &ada.recovery {
        keep("a recovery code", one);
        keep("a recovery code", &one.replace('-', ""));
    }
    app.enable_by_message(&device, "email", EMAIL, "confirm_mfa_change")
        .await;
    let first = app.first_step(EMAIL).await;
    let ask = json!({ "method": "email" });
    app.second_step(&first, &ask).send().await.expect(200);
    let mailed = app.mail_to(EMAIL, "sign_in_code").await.code();
    let fields = json!({ "code": mailed, "method": "email" });
    app.second_step(&first, &fields).send().await.expect(200);
    let proof = code(&ada.totp.next_code(app).await);
    let device = Device::from(&app.step_up(&device, &proof).await.json(200));
    let proof = code(&ada.totp.next_code(app).await);
    let renewed = app.renew_recovery_codes(&device, &proof).await.json(200);
    for one in renewed["recoveryCodes"].as_array().unwrap() {
        keep("a recovery code", one.as_str().unwrap());
        keep("a recovery code", &one.as_str().unwrap().replace('-', ""));
    }
    let begun = app.enable(&ada.device, &json!({ "method": "totp" })).await;
    begun.problem(403, "step_up_required");
    secrets
}

#[tokio::test]
async fn none_is_written_down() {
    listen();
    let (app, person, device) = app_with_ada().await;
    let begun = app.enable(&device, &json!({ "method": "totp" })).await;
    let begun = begun.json(200);
    let secret = begun["secret"].as_str().unwrap().to_owned();
    let totp = TotpApp::of(&begun);
    let body = json!({ "token": begun["token"], "code": totp.code(&app) });
    let enabled = app.enable(&device, &body).await.json(200);
    let recovery = enabled["recoveryCodes"].as_array().unwrap().iter();
    let recovery = recovery.map(|one| one.as_str().unwrap().to_owned());
    let ada = Ada {
        recovery: recovery.collect(),
        app,
        person,
        device,
        totp,
    };
    let mut secrets = live(&ada).await;
    secrets.push(("the secret of an app".to_owned(), secret.clone()));
    secrets.push((
        "the secret of an app".to_owned(),
        format!("secret={secret}"),
    ));
    ada.app.stack.settle().await;
    let items = all_items(&ada.app).await;
    let log = LOG.take().unwrap();
    let log = String::from_utf8_lossy(&log).into_owned();
    assert!(log.contains("second_factor.wrong"), "the log was kept");
    assert!(items.iter().any(|(_, item)| item.contains("factor#totp")));
    let events = ada
        .app
        .get("/api/auth/user/events")
        .bearer(&ada.device.access)
        .send()
        .await;
    for (name, secret) in secrets {
        assert!(!log.contains(&secret), "{name} in the log");
        assert!(!events.text.contains(&secret), "{name} in the events");
        for (table, item) in &items {
            assert!(!item.contains(&secret), "{name} in {table}: {item}");
        }
    }
    let inbox = ada.app.inbox().await;
    for one in &ada.recovery {
        assert!(!inbox.iter().any(|mail| mail.text.contains(one)));
    }
}
