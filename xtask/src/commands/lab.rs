//! `bench` and `chaos`: the programs of `xtask/lab`.

use std::process::{Command, ExitCode};

use anyhow::Result;
use clap::Args;
use xtask::servers::{Durability, Program, RunFolder, Sink, SinkOptions, repository_root};

use crate::cargo::{self, FLEET, Profile};
use crate::environment::{SERVERS, Variables, forget_servers, say_ignored};
use crate::stack::Servers;
use crate::{install, terminal};

/// Tells the fault tests to run in their long forms.
const LONG_DRILLS: &str = "LONG_DRILLS";

/// Passed on as they are.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Arguments of the program; `--help` shows them.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

/// `bench …`: builds for production, starts private servers with Postgres's
/// own, safe settings, and measures.
///
/// # Errors
/// When the build fails, or a server does not start.
pub(crate) fn bench(arguments: &Arguments) -> Result<ExitCode> {
    prepare("bench")?;
    let folder = RunFolder::create()?;
    let servers = Servers::start(&folder, Durability::Safe)?;
    let sink = Sink::start(
        &folder,
        &cargo::binary(Profile::Release, "sink")?,
        SinkOptions::default(),
    )?;
    let mut variables = servers.variables();
    variables.push(("SMTP_URL".to_owned(), sink.smtp_url().to_owned()));
    variables.push(("SINK_URL".to_owned(), sink.http_url().to_owned()));
    run("bench", arguments, &variables)
}

/// What `chaos` takes.
#[derive(Debug, Args)]
pub(crate) struct ChaosArguments {
    /// Runs the long forms of the fault tests instead of the campaign.
    #[arg(long)]
    drills: bool,
    #[command(flatten)]
    campaign: Arguments,
}

/// `chaos …`: a campaign while workers, the leader, Redis and Postgres are
/// killed and stopped, or each fault by itself for a long time. The programs
/// start the servers that they break.
///
/// # Errors
/// When the build fails or a server is missing.
pub(crate) fn chaos(arguments: &ChaosArguments) -> Result<ExitCode> {
    if arguments.drills {
        return drills();
    }
    prepare("chaos")?;
    run("chaos", &arguments.campaign, &Vec::new())
}

fn drills() -> Result<ExitCode> {
    say_ignored(&SERVERS, "only private servers are broken");
    install::ensure(&[Program::Postgres, Program::Redis, Program::Faketime])?;
    let faults = |subcommand: &str| {
        let mut cargo = cargo::command(subcommand);
        cargo.args(["--release", "--test", "faults"]);
        // the same packages for both, or Cargo picks other features and compiles most of it twice
        for package in FLEET {
            cargo.args(["--package", package]);
        }
        cargo
    };
    cargo::require(faults("build").arg("--bins"), "the build")?;
    let mut tests = faults("test");
    tests
        .args(["--", "--test-threads", "1"])
        .env(LONG_DRILLS, "1");
    forget_servers(&mut tests);
    let status = cargo::run(&mut tests)?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn prepare(what: &str) -> Result<()> {
    terminal::note(&format!(
        "{what}: a release build first, then private servers"
    ));
    say_ignored(&SERVERS, "only private servers are measured and broken");
    install::ensure(&[Program::Postgres, Program::Redis])?;
    cargo::build(Profile::Release, &FLEET)?;
    Ok(())
}

fn run(subcommand: &str, arguments: &Arguments, variables: &Variables) -> Result<ExitCode> {
    let mut lab = Command::new(cargo::binary(Profile::Release, "lab")?);
    lab.current_dir(repository_root())
        .arg(subcommand)
        .args(&arguments.rest);
    forget_servers(&mut lab);
    lab.envs(variables.iter().map(|(name, value)| (name, value)));
    let status = cargo::run(&mut lab)?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
