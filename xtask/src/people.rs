//! People who may log in to a stack of ours.

use std::io::Write;
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use xtask::servers::secret_hex;

use crate::cargo::Profile;
use crate::stack::{Stack, ours};

/// Somebody who was just added.
#[derive(Debug)]
pub(crate) struct Person {
    pub(crate) email: String,
    pub(crate) password: String,
}

/// Adds somebody with this role and a password that was just made up.
///
/// # Errors
/// When they cannot be added, for example because they are there already.
pub(crate) fn add(stack: &Stack, profile: Profile, role: &str) -> Result<Person> {
    let person = Person {
        email: format!("{role}@creatorcrm.example"),
        password: secret_hex(8)?,
    };
    let mut child = ours(profile, "api", stack.variables())?
        .args(["user-add", "--email", &person.email, "--role", role])
        .arg("--password-stdin")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .context("cannot run api user-add")?;
    let mut input = child.stdin.take().context("api user-add takes no input")?;
    writeln!(input, "{}", person.password)?;
    drop(input);
    let status = child.wait()?;
    if !status.success() {
        bail!("api user-add for {} failed ({status})", person.email);
    }
    Ok(person)
}
