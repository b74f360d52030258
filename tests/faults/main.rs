//! What breaks around the service, and what it does then: the fault matrix, row by row.
//!
//! Faults are made on the wire, by the proxies of `latchkey_tests::Faults` between the functions
//! and what stands in for AWS, so the SDK with its timeouts and retries is under test too. A
//! killed service has a runtime of its own, which ends with everything in it.
//!
//! | row | where it is tested, or why not |
//! | --- | --- |
//! | D1 throttling | [`store`]: a fifth, and all |
//! | D2 hot key | [`store`]: many at once on one account; the per-account limits are in `tests/api` |
//! | D3 errors | [`store`]: once, and always |
//! | D4 latency | [`store`]: 50 ms, and 30 s |
//! | D5 lost before | [`crashes`], each call of each request |
//! | D6 answer lost | [`crashes`], each call of each request; [`store`] for tries of codes |
//! | D7 conflicts | [`store`] |
//! | D8 crash | [`crashes`], before and after each call of each request |
//! | D9 stale reads | every read of a base table asks for the consistent one; the emulator has no other |
//! | D10 TTL early, late | [`store`] |
//! | D11 too many, too large | `tests/api/sessions` (sessions), `tests/api/edge/bodies` (sizes), `profiles::MAX_ENDED_BESIDE` |
//! | D12 gone | [`store`]: refused, and silent |
//! | R1 refused | `tests/api/logout`: sign-in, refresh and checks go on; `shared/tests/cache/faults` |
//! | R2 flushed | [`cache`], in mid-run |
//! | R3 replica | `shared/tests/cache`: one that missed a mark is not trusted; an error is never an answer |
//! | R4 slow, cut | `shared/tests/cache/faults`: frozen, held up, abandoned replies |
//! | R5 garbage | `shared/tests/cache/redis_only`: what we did not write is an error |
//! | R6 no expiry | `shared/tests/cache/redis_only`: everything has an expiry; each call is one script |
//! | R7 stale | nothing of a user is cached but deny marks, which a later version always overrules: `shared/tests/cache/conformance` |
//! | M1 SES away | [`messages`] |
//! | M2 taken in silence | [`messages`] |
//! | M3 refused, bounced | `infra/local/tests/sending/mail` |
//! | M4 quota | to `courier` it is M1; caps of our own: `infra/local/tests/sending` |
//! | M5 template | mails are checked when they are compiled, words when the service starts: `shared/src/mail/tests` |
//! | M6 SNS limit | `infra/local/tests/sending/sms` |
//! | M7 backlog | [`messages`]: what has expired is not sent; the caps of `MailBudget` shape the rest |
//! | M8 order of mails | `tests/api/verify_link`, `tests/api/otp`, `tests/api/forgot_password` |
//! | E1 duplicates | `infra/local/tests/courier`: five at once |
//! | E2 order | `infra/local/tests/courier`; deny marks: `shared/tests/cache/conformance` |
//! | E3 poison | `infra/local/tests/courier`, `infra/local/src/stream` |
//! | E4 partial answer | `infra/local/src/stream/batches` |
//! | E5 longer than visible | the claim of a mail outlives the longest run: `infra/local/tests/courier` |
//! | E6 backlog | the stream keeps a day, and is read on from where it was: `infra/local/tests/stack` |
//! | L1 cut off | [`store`]: 503 by our own deadline; [`crashes`] where there is none |
//! | L2 frozen | `shared/tests/cache/faults`: a dead connection is replaced; time is asked for in each request |
//! | L3 panic | `CatchPanicLayer` in `shared/src/http/edge`; not from outside, since no request makes one |
//! | L4 memory | the cost of Argon2 is checked at the start: `shared/src/password_hash`; memory is the template's |
//! | T1 clocks of others | no time of a client's is ever read |
//! | T2 our clock steps back | [`clock`]: five minutes. A new password or an end of all sessions from before the step keeps new sign-ins of that account out until the clock is past it again |
//! | T3 two clocks apart | as T2: of two functions the one is ahead of the other as a clock is of itself before it steps back |
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
mod messages;
mod panics;
mod skew;
mod stale;
mod store;
mod sweep;
mod tables;
