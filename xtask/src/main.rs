//! `cargo xtask`: runs, checks and measures the project.

mod cargo;
mod commands;
mod environment;
mod install;
mod licences;
mod node;
mod people;
mod python;
mod sql_cache;
mod stack;
mod steps;
mod terminal;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use xtask::interrupt;

use commands::{database, demo, fuzz, lab, test, up};

/// What a shell expects of a program ended by SIGINT (128 + 2).
const INTERRUPTED: u8 = 130;

/// Runs, checks and measures CreatorCRM with private servers of its own.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs Postgres, Redis, a mail sink, the api and workers until Ctrl-C.
    Up(up::Arguments),
    /// Seeds creators, launches a campaign over HTTP and shows what was sent.
    Demo(demo::Arguments),
    /// Checks everything, or runs the tests whose path contains MODULE.
    Test(test::Arguments),
    /// Builds the api and the worker for production.
    Build,
    /// Applies the migrations to DATABASE_URL, or to a running `up`.
    Migrate,
    /// Fills the database with made-up creators.
    Seed(database::SeedArguments),
    /// Prints a token for the API.
    Token(database::TokenArguments),
    /// Adds a user who may log in, and prints a password for them.
    User(database::UserArguments),
    /// Measures: `bench queue …`, `bench send …`, `bench creators …`.
    Bench(lab::Arguments),
    /// Runs a campaign while servers and workers are killed, then counts.
    Chaos(lab::ChaosArguments),
    /// Calls every route with what the OpenAPI document allows and forbids.
    Fuzz(fuzz::Arguments),
    /// Looks the dependencies up in the list of known vulnerabilities.
    Advisories,
    /// Writes .sqlx/ anew after a change to a query or a migration.
    Sqlx,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match interrupt::install().and_then(|()| run(arguments.command)) {
        Ok(code) => code,
        Err(_) if interrupt::requested() => {
            terminal::note("interrupted; everything was stopped");
            ExitCode::from(INTERRUPTED)
        }
        Err(error) => {
            terminal::error(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Up(arguments) => up::run(&arguments),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Test(arguments) => test::run(&arguments),
        Command::Build => {
            node::bundle_scripts()?;
            cargo::build(cargo::Profile::Release, &["api", "worker"])
        }
        Command::Migrate => database::migrate(),
        Command::Seed(arguments) => database::seed(&arguments),
        Command::Token(arguments) => database::token(&arguments),
        Command::User(arguments) => database::user(&arguments),
        Command::Bench(arguments) => lab::bench(&arguments),
        Command::Chaos(arguments) => lab::chaos(&arguments),
        Command::Fuzz(arguments) => fuzz::run(&arguments),
        Command::Advisories => licences::advisories(),
        Command::Sqlx => sql_cache::refresh(),
    }
}
