//! `migrate`, `seed`, `token` and `user`: the api program's own commands, pointed at
//! what the caller named or else at a running `up`.

use std::process::{Command, ExitCode};

use anyhow::Result;
use clap::Args;

use crate::cargo::{self, Profile};
use crate::environment::{self, given};
use crate::stack::ours;
use crate::terminal::note;

/// What `seed` takes.
#[derive(Debug, Args)]
pub(crate) struct SeedArguments {
    /// Creators to make up.
    #[arg(long)]
    creators: u32,
    /// Where all chance comes from: the same number and the same day make the same rows.
    #[arg(long)]
    seed: Option<u64>,
    /// The day up to which two years are made up, as YYYY-MM-DD; today if not given.
    #[arg(long)]
    as_of: Option<String>,
    /// `core` or `everything`.
    #[arg(long)]
    detail: Option<String>,
    /// Build it with optimisations first, which pays from some hundred thousand creators on.
    #[arg(long)]
    release: bool,
}

/// What `token` takes.
#[derive(Debug, Args)]
pub(crate) struct TokenArguments {
    /// Role, for example `admin`.
    #[arg(long)]
    role: String,
    /// Whom the token speaks for.
    #[arg(long)]
    subject: Option<String>,
}

/// What `user` takes.
#[derive(Debug, Args)]
pub(crate) struct UserArguments {
    /// What they log in with.
    #[arg(long)]
    email: String,
    /// A role they have; repeat for several.
    #[arg(long = "role", required = true)]
    roles: Vec<String>,
    /// What they are called.
    #[arg(long)]
    name: Option<String>,
}

/// Applies the migrations.
///
/// # Errors
/// When no database is known, or a migration fails.
pub(crate) fn migrate() -> Result<ExitCode> {
    let mut command = api("DATABASE_URL", Profile::Dev)?;
    cargo::require(command.arg("migrate"), "the migration")?;
    Ok(ExitCode::SUCCESS)
}

/// Fills the database with made-up creators.
///
/// # Errors
/// When no database is known, or seeding fails.
pub(crate) fn seed(arguments: &SeedArguments) -> Result<ExitCode> {
    let profile = if arguments.release {
        Profile::Release
    } else {
        Profile::Dev
    };
    let mut command = api("DATABASE_URL", profile)?;
    command.args(["seed", "--creators", &arguments.creators.to_string()]);
    let options = [
        ("--seed", arguments.seed.map(|seed| seed.to_string())),
        ("--as-of", arguments.as_of.clone()),
        ("--detail", arguments.detail.clone()),
    ];
    for (name, value) in options {
        if let Some(value) = value {
            command.args([name, &value]);
        }
    }
    cargo::require(&mut command, "seeding")?;
    Ok(ExitCode::SUCCESS)
}

/// Prints a token.
///
/// # Errors
/// When no secret is known to sign it with.
pub(crate) fn token(arguments: &TokenArguments) -> Result<ExitCode> {
    let mut command = api("JWT_SECRET", Profile::Dev)?;
    command.arg("token").arg("--role").arg(&arguments.role);
    if let Some(subject) = &arguments.subject {
        command.arg("--subject").arg(subject);
    }
    cargo::require(&mut command, "making a token")?;
    Ok(ExitCode::SUCCESS)
}

/// Adds a user and prints a password for them.
///
/// # Errors
/// When no database is known, or the user cannot be added.
pub(crate) fn user(arguments: &UserArguments) -> Result<ExitCode> {
    let mut command = api("DATABASE_URL", Profile::Dev)?;
    command.arg("user-add").arg("--email").arg(&arguments.email);
    if let Some(name) = &arguments.name {
        command.arg("--name").arg(name);
    }
    for role in &arguments.roles {
        command.arg("--role").arg(role);
    }
    cargo::require(&mut command, "adding a user")?;
    Ok(ExitCode::SUCCESS)
}

/// The api program. What the caller's environment says wins, then a running
/// `up`, then what the program finds in `.env`.
fn api(needed: &str, profile: Profile) -> Result<Command> {
    let shared = if given(needed).is_some() {
        Vec::new()
    } else {
        environment::shared()
    };
    if !shared.is_empty() {
        note("using the running `cargo xtask up`");
    } else if given(needed).is_none() {
        note(&format!(
            "{needed} is not set and no `cargo xtask up` is running"
        ));
    }
    cargo::build(profile, &[])?;
    ours(profile, "api", &shared)
}
