//! What the alarms wait for.

use std::io;
use std::sync::{Arc, Mutex};

use latchkey_courier::{State, Texted};
use latchkey_shared::domain::id::EventId;
use latchkey_shared::mail_budget::MailBudget;
use latchkey_shared::random::SystemEntropy;

use crate::{platform, start, text};

/// What is logged on this thread, as functions write it.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn open() -> (impl tracing::Subscriber + Send + Sync, impl Fn() -> String) {
        let log = Self::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .json()
            .flatten_event(true)
            .with_max_level(tracing::Level::INFO)
            .with_writer(move || writer.clone())
            .finish();
        let written = move || String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        (subscriber, written)
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn what_the_alarms_wait_for_is_in_the_log_and_nobodys_address_is() {
    let (log, written) = Log::open();
    let _guard = tracing::subscriber::set_default(log);
    let stack = start(&[]).await;
    let settings = [("SMS_PER_HOUR", "1"), ("MAILS_PER_HOUR", "1")];
    let (platform, _) = platform(&stack, &settings).await;
    let courier = State::open(&platform).await.unwrap();
    let cache = platform.cache().await.unwrap();
    let mails = MailBudget::open(&platform.env, cache, platform.keys.clone()).unwrap();
    let mail = async || {
        let event = EventId::new(jiff::Timestamp::UNIX_EPOCH, &SystemEntropy::default());
        let to = "ada@example.com".parse().unwrap();
        mails.spend(&to, "test", event).await
    };
    let lines = |what: &str| written().lines().filter(|line| line.contains(what)).count();

    // The SMS that uses up the budget is the last that comes here: requests are refused from then
    // on. So it has to ring.
    assert_eq!(text(&courier, "one").await.unwrap(), Texted::Sent);
    assert_eq!(lines("sms.breaker_open"), 1);
    assert_eq!(text(&courier, "two").await.unwrap(), Texted::Capped);
    assert_eq!(lines("sms.breaker_open"), 2);

    assert!(mail().await);
    assert_eq!(lines("mail.capped"), 0);
    assert!(!mail().await);
    assert_eq!(lines("mail.capped"), 1);

    let template = include_str!("../../../../template.yaml");
    for name in ["sms.breaker_open", "mail.capped", "mail.rejected"] {
        let pattern = format!("FilterPattern: '\"{name}\"'");
        assert!(template.contains(&pattern), "{pattern}");
    }
    for personal in ["4670", "ada@", "example.com"] {
        assert_eq!(lines(personal), 0, "{personal}");
    }
    stack.stop().await;
}
