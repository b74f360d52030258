//! What a rate limit costs. Not a test: `cargo test --workspace --test cache -- --ignored --nocapture`.

use std::time::Duration;

use latchkey_shared::cache::{Key, Quota, Window};
use tokio::time::Instant;

use crate::fixture::Fixture;

const CALLS: u32 = 5_000;

#[tokio::test]
#[ignore = "prints a measurement"]
async fn of_three_quotas() {
    for (kind, fixture) in [
        ("memory", Fixture::memory().await),
        ("socket", Fixture::socket().await),
        ("tls", Fixture::tls().await),
        ("rest", Fixture::rest().await),
    ] {
        let Some(fixture) = fixture else {
            continue;
        };
        let keys = ["source", "address", "route"].map(|part| Key::new("test", &[part]));
        let quotas = [0, 1, 2].map(|n| Quota {
            key: &keys[n],
            burst: 1_000_000,
            window: Window::Rolling(Duration::from_hours(1)),
        });
        fixture.cache().admit(&quotas).await.unwrap();
        let begun = Instant::now();
        for _ in 0..CALLS {
            fixture.cache().admit(&quotas).await.unwrap();
        }
        eprintln!(
            "{kind}: {:?} a call, the way there included",
            begun.elapsed() / CALLS
        );
        if kind == "socket" {
            let stats = fixture.server().command(&["INFO", "commandstats"]);
            let stats = redis::from_redis_value::<String>(stats).unwrap();
            let script = stats.lines().find(|line| line.contains("evalsha"));
            eprintln!("in Redis itself: {}", script.unwrap_or_default());
        }
    }
}
