//! What breaks around the service, and what it does then: the fault matrix, row by row.
//!
//! Faults are made on the wire, by the proxies of `latchkey_tests::Faults` between the functions
//! and what stands in for AWS, so the SDK with its timeouts and retries is under test too. A
//! killed service has a runtime of its own, which ends with everything in it.
//!
//! | row | where it is tested, or why not |
//! | --- | --- |
//! | D1 throttling | [`store`]: `a_fifth_of_all_calls_throttled_is_not_noticed`, `what_is_always_refused_is_said_to_be_unavailable_and_changes_nothing` |
//! | D2 hot key | [`store`]: `many_at_once_on_one_account_all_get_through`; only that account is locked, and the count is exact: `one_account_s_lock_is_nobody_else_s`, `of_fifty_wrong_at_once_five_are_looked_at` |
//! | D3 errors | [`store`]: `one_error_is_not_noticed`, and always: as D1; of an unlock, [`unlock`]: `who_can_t_be_told_to_be_unlocked_stays_locked` |
//! | D4 latency | [`store`]: `a_slow_store_is_waited_for_and_a_standstill_is_not` |
//! | D5 lost before | [`crashes`] and [`accounts`], each call of each request |
//! | D6 answer lost | [`crashes`] and [`accounts`], each call of each request; tries of codes: `a_lost_answer_costs_no_try`; of passwords: `a_lost_answer_counts_no_password_twice` |
//! | D7 conflicts | [`store`]: `who_meets_a_transaction_comes_again` |
//! | D8 crash | [`crashes`] and [`accounts`], before and after each call of each request. Of a lock whose try dies between the count and its event, who comes next tells: `a_lock_whose_try_died_is_told_of_by_who_comes_next` |
//! | D9 stale reads | [`stale`]: `nothing_that_decides_is_read_from_a_replica_that_lags` |
//! | D10 TTL early, late | [`store`]: `rows_that_are_gone_early_open_nothing`, `rows_that_stay_too_long_open_nothing` |
//! | D11 too many, too large | `signing_in_often_at_once_never_leaves_more_sessions_than_allowed`, `more_sessions_than_one_transaction_takes_end_together`, `sixteen_kibibytes_are_taken_and_one_more_byte_is_not` |
//! | D12 gone | [`store`]: `without_dynamodb_signatures_are_checked_and_all_else_is_refused_in_a_second`, refused and silent |
//! | R1 refused, silent | [`cache`]: `a_redis_that_refuses_connections_is_left_alone_and_found_again`, with nobody's wait and no stampede; the wait before the breaker opens is 250 ms a call, not 50 |
//! | R2 flushed | [`cache`]: `a_flushed_redis_revives_nobody_and_signs_nobody_out`, in mid-run |
//! | R3 replica, full, loading | [`cache`]: `a_replica_without_a_master_lets_nobody_in_and_nobody_through`, `a_full_redis_lets_nobody_in_and_nobody_through`, `a_redis_that_is_still_loading_lets_nobody_in_and_nobody_through`; marks that a replica missed after they were acknowledged: R7 |
//! | R4 slow, cut | [`cache`]: `a_redis_that_says_nothing_is_left_alone_and_its_late_answers_are_nobody_s`; `of_what_was_cut_only_what_may_be_is_repeated` in mid-frame, `a_reply_that_comes_too_late_goes_to_nobody` |
//! | R5 garbage | [`cache`]: `garbage_under_any_key_opens_nothing`, each kind of key; the event is a warning in the log |
//! | R6 no expiry | [`cache`]: `every_entry_has_an_expiry_and_nobody_is_kept_out_by_one_that_lost_it`; each call is one script: `each_call_is_one_round_trip` |
//! | R7 stale | [`cache`]: `without_its_mark_nothing_sensitive_is_open_to_who_is_out`. The rest follows within a minute where an account is shut out, not 30 s; a session that ended, by the end of its access token |
//! | M1 SES away | [`messages`]: `a_mail_waits_until_ses_is_back`, `no_mail_goes_out_with_a_dead_link` |
//! | M2 taken in silence | [`messages`]: `a_mail_that_ses_took_without_a_word_comes_twice_at_most_and_says_the_same` |
//! | M3 refused, bounced | [`messages`]: `a_mail_that_ses_refuses_for_good_holds_up_nobody`; flagged: `an_address_that_bounced_or_complained_gets_no_second_mail`. The user is not told by another channel: most have none |
//! | M4 quota | [`messages`]: `without_a_quota_sign_in_goes_on_and_the_mails_come_later`; caps of our own: `mails_over_a_cap_are_dropped_and_hold_up_nothing`. There is one provider |
//! | M5 template | no mail can fail to be written: templates are compiled, and `the_html_is_in_the_language_that_it_says` writes each in each language, which have the same words by `the_catalogues_have_the_same_messages_with_the_same_variables`; another language: `a_sign_up_takes_the_language_of_the_browser` |
//! | M6 SNS limit | [`messages`]: `an_sms_that_sns_refuses_is_not_taken_as_sent`, `a_spent_sms_budget_is_told_and_a_mail_does_instead`; `what_the_alarms_wait_for_is_in_the_log_and_nobodys_address_is`. What a carrier rejects SNS tells nobody who asked it |
//! | M7 backlog | [`messages`]: `of_what_has_piled_up_the_living_goes_out_and_the_newest_works`; the caps of `MailBudget` shape the rest |
//! | M8 order of mails | [`messages`]: `an_older_code_that_comes_after_a_newer_one_changes_nothing`; with tries in common: `two_codes_by_turns_give_no_more_tries`; elsewhere the newest alone: `the_newest_code_wins`, `only_the_newest_code_is_good` |
//! | E1 duplicates | `an_event_that_comes_five_times_at_once_sends_one_mail` |
//! | E2 order | `events_in_the_wrong_order_and_half_a_batch_again_send_each_mail_once`; deny marks: `the_latest_version_wins_in_every_order` |
//! | E3 poison | `a_record_that_cannot_be_read_fails_alone`, `an_event_that_always_fails_becomes_a_dead_letter_and_the_rest_goes_on`; the alarm is the template's. AWS has no redrive for a stream's dead letters, which name the place in the stream |
//! | E4 partial answer | `a_number_that_was_not_sent_fails_the_whole_batch`, `a_partial_answer_is_tried_again_until_it_is_whole` |
//! | E5 longer than visible | the claim of a mail outlives the longest run: `a_delivery_is_claimed_by_one_until_it_lapses_is_given_back_or_done` |
//! | E6 backlog | the stream keeps a day, and is read on from where it was: `a_restart_goes_on_after_the_last_event_done`; the alarm of its lag is the template's |
//! | L1 cut off | [`store`]: 503 by our own deadline, as D4; [`crashes`] where there is none |
//! | L2 frozen | [`frozen`]: `the_first_requests_after_a_freeze_succeed_and_know_the_time`, `what_a_freeze_interrupts_is_finished_after_it` |
//! | L3 panic | [`panics`]: `a_panic_anywhere_is_a_500_and_the_next_request_is_fine`, `a_request_that_panics_halfway_leaves_nothing_half_done`; in the thread that hashes: `a_panic_while_hashing_is_an_error_and_the_next_hash_is_fine`. Clippy knows that there are no tasks which nobody waits for |
//! | L4 memory | [`panics`]: `a_function_whose_hashes_do_not_fit_does_not_start` |
//! | T1 clocks of others | [`skew`]: `the_time_that_a_client_tells_is_nothing_to_us`; between instances: `a_token_of_one_instance_is_good_at_the_other_and_a_lost_answer_is_no_theft`. Nobody signs in by another provider as yet |
//! | T2 our clock steps back | [`clock`]: `a_clock_that_steps_back_revives_nothing`, five minutes. A session that begins then begins after the last end of all of them |
//! | T3 two clocks apart | [`skew`]: `a_minute_apart_nobody_is_signed_out_by_the_one_behind`, `a_lock_of_one_instance_holds_at_the_other_and_ends_within_the_skew`. To the one that is ahead by more than the half minute of the contract a lost answer is theft: it can't tell its clock from time that has passed |
//!
//! [`load`] runs many clients at once while one of a hundred calls fails.

// For Clippy, which else takes what stands outside of a test function for production code.
#![cfg(test)]

mod accounts;
mod cache;
mod clock;
mod crashes;
mod frozen;
mod load;
mod locks;
mod messages;
mod panics;
mod skew;
mod stale;
mod store;
mod sweep;
mod tables;
mod unlock;

use std::fs;
use std::path::Path;

/// Every test that the table names is there.
#[test]
fn the_table_names_tests_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut sources = String::new();
    for part in ["tests", "shared", "infra", "functions"] {
        read_sources(&root.join(part), &mut sources);
    }
    let table = include_str!("main.rs").lines();
    let rows: Vec<&str> = table.filter(|line| line.starts_with("//! | ")).collect();
    // The head and the line under it are no rows.
    assert_eq!(rows.len(), 40 + 2);
    let mut named = 0;
    for row in rows {
        for name in row.split('`').filter(|name| name.matches('_').count() >= 3) {
            named += 1;
            let test = format!("fn {name}(");
            assert!(sources.contains(&test), "{name}");
        }
    }
    assert!(named > 50, "{named}");
}

fn read_sources(directory: &Path, sources: &mut String) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let is_source = path.extension().is_some_and(|extension| extension == "rs");
        if path.is_dir() && !path.ends_with("node_modules") {
            read_sources(&path, sources);
        } else if is_source {
            sources.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}
