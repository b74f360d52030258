//! Logs: JSON, one object a line, for `CloudWatch` and for `jq`.

use std::error::Error;
use std::io;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::writer::BoxMakeWriter;

use crate::env::Env;

/// An error with all that caused it, in one line: by what they say of themselves and never by
/// their `Debug`, which may hold a row or a secret.
pub fn chain(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line = format!("{line}: {error}");
        cause = error.source();
    }
    line
}

/// What logs whole rows at its lowest levels, and is kept from it whatever `RUST_LOG` says.
///
/// `webauthn-rs` calls every passkey that it refuses an error, which anybody could fill the log
/// with, and says what it was sent. What it found is in our own line.
const ROWS_IN_LOGS: &str = "aws_smithy_runtime=info,aws_smithy_http_client=info,dynoxide=info,\
                            webauthn_rs=off,webauthn_rs_core=off";

/// Starts logging at the level that `RUST_LOG` names, `info` by default. Functions log to
/// standard output, where Lambda reads; `infra/local` keeps that for its own words.
pub fn init(env: &Env, to_stderr: bool) {
    let level = env.optional("RUST_LOG").unwrap_or("info");
    let writer = if to_stderr {
        BoxMakeWriter::new(io::stderr)
    } else {
        BoxMakeWriter::new(io::stdout)
    };
    let result = tracing_subscriber::fmt()
        .json()
        .with_env_filter(EnvFilter::new(format!("{level},{ROWS_IN_LOGS}")))
        .with_writer(writer)
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .try_init();
    // A second call finds a subscriber there already, which is what it wanted.
    drop(result);
}
