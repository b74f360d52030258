//! What every cache has to do, and what Redis has to do besides.
//!
//! Each test over Redis starts a `redis-server` of its own.

// For Clippy, which else takes what stands outside of a test function for production code.
#![cfg(test)]

mod bridge;
mod certificates;
mod conformance;
mod cost;
mod faults;
mod fixture;
mod over_http;
mod over_tls;
mod proxy;
mod quotas;
mod redis_only;
mod scripted;
mod server;

/// Runs each test over each of these kinds of cache.
macro_rules! over {
    ([$($kind:ident),*] $tests:tt) => { $(over!(@ $kind $tests);)* };
    (@ $kind:ident { $($module:ident::$test:ident,)* }) => {
        mod $kind {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    if let Some(fixture) = crate::fixture::Fixture::$kind().await {
                        crate::$module::$test(&fixture).await;
                    }
                }
            )*
        }
    };
}

over!([memory, socket, tls, rest] {
    conformance::a_value_is_put_once_and_consumed_once,
    conformance::one_of_many_callers_puts_and_one_consumes,
    conformance::a_value_expires_by_our_clock,
    conformance::a_value_may_hold_anything,
    conformance::exactly_the_limit_is_admitted,
    conformance::a_window_starts_with_the_first_count_and_ends,
    conformance::a_limit_of_zero_tells_the_count_and_changes_nothing,
    conformance::a_key_of_another_use_is_an_error,
    conformance::the_latest_version_wins_in_every_order,
    conformance::of_equal_versions_the_denial_wins,
    conformance::marks_deny_one_session_or_all_up_to_a_moment,
    conformance::marks_and_tombstones_expire_by_our_clock,
    conformance::silence_is_trusted_after_a_token_life,
    quotas::a_burst_is_admitted_and_then_one_an_interval,
    quotas::all_quotas_count_or_none,
    quotas::of_many_at_once_exactly_the_burst_is_admitted,
    quotas::every_verdict_is_that_of_the_rule,
    quotas::a_period_has_its_number_and_then_ends,
    quotas::of_many_at_once_a_period_admits_exactly_its_number,
    quotas::by_a_clock_that_is_behind_no_more_is_spent_than_there_is,
    quotas::who_is_denied_spends_nothing,
    quotas::no_quota_at_all_admits,
    quotas::a_key_of_another_use_is_no_quota,
});

mod on_redis {
    over!([socket, rest] {
        redis_only::a_flushed_redis_is_not_trusted,
        redis_only::everything_else_has_an_expiry,
        redis_only::what_we_did_not_write_is_an_error,
        redis_only::a_forgotten_script_is_brought_again,
    });
}
