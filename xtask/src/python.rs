//! A Python environment of the repository's own, under `.local/python`, with
//! the packages of a committed list and nothing else.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use xtask::servers::{Program, program, repository_root};

use crate::{install, terminal};

/// The list an environment was made from, kept in it.
const MADE_FROM: &str = "made-from.txt";

/// The path of `name`, a program of the environment that holds the packages of
/// `requirements`; makes the environment where it is missing or was made from
/// another list.
///
/// # Errors
/// When Python is missing, or a package cannot be fetched; the message carries
/// what pip said.
pub(crate) fn tool(name: &str, requirements: &Path) -> Result<PathBuf> {
    let root = repository_root();
    let folder = root.join(".local/python");
    let wanted = fs::read_to_string(root.join(requirements))
        .with_context(|| format!("cannot read {}", requirements.display()))?;
    let made_from = folder.join(MADE_FROM);
    if fs::read_to_string(&made_from).is_ok_and(|made| made == wanted) {
        return Ok(folder.join("bin").join(name));
    }
    install::ensure(&[Program::Python])?;
    terminal::busy("making a Python environment in .local/python", || {
        run(Command::new(program(Program::Python)?)
            .args(["-m", "venv", "--clear"])
            .arg(&folder))?;
        run(Command::new(folder.join("bin/pip"))
            .args(["install", "--quiet", "--disable-pip-version-check", "-r"])
            .arg(root.join(requirements)))
    })?;
    // last, so that an environment that was not finished is made anew
    fs::write(&made_from, wanted)
        .with_context(|| format!("cannot write {}", made_from.display()))?;
    Ok(folder.join("bin").join(name))
}

fn run(command: &mut Command) -> Result<()> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {:?}", command.get_program()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        bail!("{:?} failed: {said}", command.get_program());
    }
    Ok(())
}
