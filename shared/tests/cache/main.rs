//! What every cache has to do, and what Redis has to do besides.
//!
//! The Redis half runs against `LATCHKEY_TEST_REDIS_URL`, whose databases 1 to 15 it empties, or else
//! against a `redis-server` that it starts itself.

// For Clippy, which else takes what stands outside of a test function for production code.
#![cfg(test)]

mod conformance;
mod faults;
mod fixture;
mod proxy;
mod redis_only;
mod server;

/// Runs each test over every cache. The number is the test's database on a Redis that it shares.
macro_rules! conformance {
    ($($test:ident = $database:literal,)*) => {
        mod memory {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    crate::conformance::$test(&crate::fixture::Fixture::memory()).await;
                }
            )*
        }

        mod redis {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    if let Some(fixture) = crate::fixture::Fixture::redis($database) {
                        crate::conformance::$test(&fixture).await;
                    }
                }
            )*
        }
    };
}

conformance! {
    a_value_is_put_once_and_consumed_once = 1,
    one_of_many_callers_puts_and_one_consumes = 2,
    a_value_expires_by_our_clock = 3,
    a_value_may_hold_anything = 4,
    exactly_the_limit_is_admitted = 5,
    a_window_starts_with_the_first_count_and_ends = 6,
    a_key_of_another_use_is_an_error = 7,
    the_latest_version_wins_in_every_order = 8,
    of_equal_versions_the_denial_wins = 9,
    marks_deny_one_session_or_all_up_to_a_moment = 10,
    marks_and_tombstones_expire_by_our_clock = 11,
    silence_is_trusted_after_a_token_life = 12,
}
