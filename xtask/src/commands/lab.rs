//! `bench` and `chaos`: the programs of `xtask/lab`, which start private
//! servers themselves.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use xtask::servers::Program;

use crate::cargo::{self, Profile};
use crate::environment::{SERVERS, forget_servers, say_ignored};
use crate::stack::ours;
use crate::{install, terminal};

/// Passed on as they are.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Arguments of the program; `--help` shows them.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

/// Builds for production and runs `lab SUBCOMMAND …`.
///
/// # Errors
/// When the build fails or the program cannot be started.
pub(crate) fn run(subcommand: &str, arguments: &Arguments) -> Result<ExitCode> {
    terminal::note(&format!(
        "{subcommand}: a release build first, then private servers"
    ));
    say_ignored(&SERVERS, "only private servers are measured and broken");
    install::ensure(&[Program::Postgres, Program::Redis])?;
    cargo::build(Profile::Release, &["api", "worker", "sink", "lab"])?;
    let mut lab = ours(Profile::Release, "lab", &Vec::new())?;
    lab.arg(subcommand).args(&arguments.rest);
    forget_servers(&mut lab);
    let status = cargo::run(&mut lab)?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
