//! `cargo dev`: the whole service in one process.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use latchkey_local::{OVERRIDABLE, Options, Stack, StackError};
use latchkey_shared::env::Env;
use latchkey_shared::telemetry;
use secrecy::SecretString;
use tokio::signal::unix::{SignalKind, signal};

/// What is logged where `RUST_LOG` says nothing: one line a request, and what went wrong.
const LOG_LEVEL: &str = "warn,latchkey=info";

/// Runs the whole of Latchkey on this machine: API, tables, mail, events.
#[derive(Debug, Parser)]
#[command(name = "dev")]
struct Arguments {
    /// Port of the API on 127.0.0.1; 0 takes any that is free.
    #[arg(long, default_value_t = 9000)]
    port: u16,
    /// Directory where everything is kept.
    #[arg(
        long,
        value_name = "DIR",
        default_value = ".local",
        conflicts_with = "memory"
    )]
    data: PathBuf,
    /// Keep nothing: all is gone when the process ends.
    #[arg(long)]
    memory: bool,
    /// Redis to use instead of the process's own memory: `redis://…` or `rediss://…`.
    #[arg(long, value_name = "URL")]
    redis: Option<SecretString>,
}

/// Why the process ended.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Stack(#[from] StackError),
    #[error("the process's signals or output failed")]
    Io(#[from] io::Error),
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let env = Env::from_process();
    let level = env.optional("RUST_LOG").unwrap_or(LOG_LEVEL).to_owned();
    telemetry::init(&env.clone().with("RUST_LOG", level), true);
    match run(arguments, &env).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            explain(&failure);
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments, env: &Env) -> Result<(), Failure> {
    // Before anything is announced: who stops us may do so as soon as they read the address.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let settings = OVERRIDABLE.iter().filter_map(|name| {
        let value = env.optional(name)?;
        Some(((*name).to_owned(), value.to_owned()))
    });
    let stack = Stack::start(Options {
        port: arguments.port,
        data: (!arguments.memory).then_some(arguments.data),
        redis_url: arguments.redis,
        settings: settings.collect(),
        detour: None,
        hurried: false,
    })
    .await?;
    announce(&stack)?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    stack.stop().await;
    Ok(())
}

/// Says where everything is. The last line is for programs, which wait for it.
fn announce(stack: &Stack) -> io::Result<()> {
    let url = stack.url();
    let endpoints = stack.endpoints();
    let mut out = io::stdout().lock();
    writeln!(out, "API          {url}/api/auth")?;
    writeln!(out, "demo         {}", stack.demo_url())?;
    writeln!(out, "inbox        {url}/dev/inbox")?;
    writeln!(out, "clock        {url}/dev/clock")?;
    writeln!(out, "dead letters {url}/dev/dead-letters")?;
    writeln!(out, "DynamoDB     {}", endpoints.dynamodb)?;
    writeln!(out, "SES, secrets {}", endpoints.capture)?;
    writeln!(out, "listening on {url}")?;
    out.flush()
}

/// Writes the failure and its causes for the person at the terminal.
fn explain(failure: &Failure) {
    let mut text = format!("error: {failure}");
    let mut cause = std::error::Error::source(failure);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    // Nobody is left to be told if this fails.
    let _ = writeln!(io::stderr(), "{text}");
}
