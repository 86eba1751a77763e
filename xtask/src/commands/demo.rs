//! `demo`: a campaign from HTTP to a mailbox, on private servers.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use super::up::{print_addresses, say_overrides, stay};
use crate::cargo::{self, Profile};
use crate::environment::{self, SERVERS};
use crate::people;
use crate::stack::{Plan, Stack, ours};
use crate::terminal::note;

/// What `demo` takes.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Stops everything when the summary is printed.
    #[arg(long)]
    exit: bool,
    /// Creators to seed.
    #[arg(long, default_value_t = 1000)]
    creators: u32,
    /// Worker processes.
    #[arg(long, default_value_t = 2)]
    workers: usize,
    /// Sends through SMTP_URL instead of the private mail sink.
    #[arg(long)]
    allow_external_smtp: bool,
}

/// Runs the demo; its exit code is that of the run's own count.
///
/// # Errors
/// When something does not start.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    note("starting the demo: a release build first, then private servers");
    say_overrides(arguments.allow_external_smtp);
    if !arguments.allow_external_smtp {
        environment::say_ignored(
            &["SMTP_URL"],
            "the demo mails only its own sink without --allow-external-smtp",
        );
    }
    let mut stack = Stack::start(Plan {
        profile: Profile::Release,
        build: true,
        workers: arguments.workers,
        show_logs: false,
        given: if arguments.allow_external_smtp {
            &SERVERS
        } else {
            &SERVERS[..2]
        },
    })?;

    let mut lab = ours(Profile::Release, "lab", stack.variables())?;
    lab.arg("demo")
        .arg("--creators")
        .arg(arguments.creators.to_string());
    if arguments.allow_external_smtp {
        lab.arg("--allow-external-smtp");
    }
    lab.env("API_URL", stack.api_url());
    let status = cargo::run(&mut lab)?;
    if let Some((name, status, tail)) = stack.casualty()? {
        note(&format!("{name} ended during the demo ({status})\n{tail}"));
    }

    if !arguments.exit {
        print_addresses(&stack);
        print_people(&stack);
        stay(&mut stack)?;
    }
    stack.stop()?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Makes an admin and somebody who may only look, and prints how they log in. A database of the caller's may have them
/// already; their passwords are not ours to change.
fn print_people(stack: &Stack) {
    for role in ["admin", "analyst"] {
        match people::add(stack, Profile::Release, role) {
            Ok(person) => note(&format!(
                "log in to {} as {} with {}",
                stack.api_url(),
                person.email,
                person.password
            )),
            Err(error) => note(&format!("nobody was added: {error:#}")),
        }
    }
}
