//! Environment variables: what is ignored, what is overridden, and how a
//! running `up` tells its addresses to the other commands.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use anyhow::{Context, Result};
use xtask::servers::RunFolder;

use crate::terminal;

/// Addresses of servers that `up` takes from the outside.
pub(crate) const SERVERS: [&str; 3] = ["DATABASE_URL", "REDIS_URL", "SMTP_URL"];
/// File of a run folder that holds the environment of a running `up`.
const SHARED_FILE: &str = "environment";

/// Variables for our own programs.
pub(crate) type Variables = Vec<(String, String)>;

/// A variable that is set and not empty.
pub(crate) fn given(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Says which server addresses of the caller's environment have no effect.
pub(crate) fn say_ignored(names: &[&str], why: &str) {
    for name in names.iter().filter(|name| given(name).is_some()) {
        terminal::warn(&format!("{name} is set and ignored: {why}"));
    }
}

/// Removes the caller's server addresses from a child's environment.
pub(crate) fn forget_servers(command: &mut Command) {
    for name in SERVERS {
        command.env_remove(name);
    }
}

/// Leaves `variables` where other commands find them while this run lives.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn share(folder: &RunFolder, variables: &Variables) -> Result<()> {
    let file = folder.path().join(SHARED_FILE);
    let text: String = variables
        .iter()
        .map(|(name, value)| format!("{name}={value}\n"))
        .collect();
    fs::write(&file, "").context("cannot share the environment")?;
    // Before anything secret is in it.
    fs::set_permissions(&file, Permissions::from_mode(0o600))?;
    fs::write(&file, text).context("cannot share the environment")
}

/// The variables that a running `up` shares, or none.
pub(crate) fn shared() -> Variables {
    RunFolder::living()
        .iter()
        .find_map(|run| fs::read_to_string(run.join(SHARED_FILE)).ok())
        .map(|text| {
            text.lines()
                .filter_map(|line| line.split_once('='))
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect()
        })
        .unwrap_or_default()
}
