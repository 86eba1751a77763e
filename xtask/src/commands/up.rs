//! `up`: everything in the foreground until Ctrl-C.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::Args;
use xtask::interrupt;
use xtask::servers::until;

use crate::cargo::Profile;
use crate::environment::{SERVERS, given};
use crate::stack::{Plan, Stack};
use crate::terminal::{note, paint};

/// A limit so that nothing waits for ever; nobody keeps it up that long.
const UP_LIMIT: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// What `up` takes.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Worker processes.
    #[arg(long, default_value_t = 2)]
    workers: usize,
}

/// Starts everything, prints the addresses and stays until Ctrl-C.
///
/// # Errors
/// When something does not start, or ends by itself.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    note("starting; DATABASE_URL, REDIS_URL and SMTP_URL replace the private servers where set");
    say_overrides(true);
    let mut stack = Stack::start(Plan {
        profile: Profile::Dev,
        build: true,
        workers: arguments.workers,
        show_logs: true,
        given: &SERVERS,
    })?;
    print_addresses(&stack);
    stay(&mut stack)?;
    note("stopping");
    stack.stop()?;
    Ok(ExitCode::SUCCESS)
}

/// Says which servers of the caller's are used instead of private ones.
pub(crate) fn say_overrides(external_smtp: bool) {
    for name in SERVERS.iter().filter(|name| given(name).is_some()) {
        if *name != "SMTP_URL" || external_smtp {
            note(&format!(
                "{name} is set: using that server instead of a private one"
            ));
        }
    }
}

/// Prints where everything is.
pub(crate) fn print_addresses(stack: &Stack) {
    let line = |what: &str, where_: &str| eprintln!("  {what:<10} {}", paint("1", where_));
    eprintln!();
    line("API", stack.api_url());
    line("Dashboard", stack.api_url());
    line("API page", &format!("{}/docs", stack.api_url()));
    if let Some(url) = stack.mailbox_url() {
        line("Mailbox", url);
    }
    eprintln!("  A token:   cargo xtask token --role admin");
    eprintln!("  A login:   cargo xtask user --role admin --email you@example.com");
    eprintln!("  Ctrl-C stops everything.\n");
}

/// Waits for Ctrl-C.
///
/// # Errors
/// When one of our processes ends by itself.
pub(crate) fn stay(stack: &mut Stack) -> Result<()> {
    let ended = until("still running", UP_LIMIT, || stack.casualty());
    match ended {
        Ok((name, status, tail)) => bail!("{name} ended by itself ({status})\n{tail}"),
        Err(_) if interrupt::requested() => Ok(()),
        Err(error) => Err(error),
    }
}
