//! The dashboard's Node packages: what its scripts are bundled from, and what drives its pages in a browser.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use xtask::servers::{Program, program, repository_root};

use crate::{install, terminal};

/// The list that `node_modules` was made from, kept in it.
const MADE_FROM: &str = "node_modules/.made-from.json";
/// Where the dashboard crate looks for the scripts.
const BUNDLE: &str = "dist/app.js";

/// Bundles the scripts that the pages embed.
///
/// # Errors
/// When Node is missing, a package cannot be fetched or the bundler fails.
pub(crate) fn bundle_scripts() -> Result<()> {
    let folder = packages()?;
    let output = npm()?
        .args(["exec", "--no", "--", "esbuild", "scripts/app.js"])
        .args([
            "--bundle",
            "--minify",
            "--format=iife",
            "--target=es2022",
            "--legal-comments=inline",
        ])
        .output()
        .context("cannot run npm")?;
    if !output.status.success() {
        bail!(
            "esbuild: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    let bundle = folder.join(BUNDLE);
    // written only when it differs, so that nothing is compiled again for the same
    if fs::read(&bundle).ok().as_ref() != Some(&output.stdout) {
        fs::write(&bundle, &output.stdout)
            .with_context(|| format!("cannot write {}", bundle.display()))?;
    }
    Ok(())
}

/// The same where that is possible; without Node the pages can still be read, and say that they are without scripts.
///
/// # Errors
/// Only when the user interrupted.
pub(crate) fn bundle_scripts_or_say() -> Result<()> {
    if let Err(error) = bundle_scripts() {
        xtask::interrupt::check()?;
        terminal::warn(&format!("the pages will be without scripts: {error:#}"));
    }
    Ok(())
}

/// The dashboard's folder with its packages in place, exactly those of the lock file.
///
/// # Errors
/// When Node is missing or a package cannot be fetched.
pub(crate) fn packages() -> Result<PathBuf> {
    install::ensure(&[Program::Node, Program::Npm])?;
    let folder = folder();
    let wanted = fs::read_to_string(folder.join("package-lock.json"))
        .context("dashboard/package-lock.json")?;
    let made_from = folder.join(MADE_FROM);
    if fs::read_to_string(&made_from).is_ok_and(|made| made == wanted) {
        return Ok(folder);
    }
    terminal::busy("fetching the dashboard's Node packages", || {
        let output = npm()?
            // no package may run a program of its own: none of ours needs it
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .output()
            .context("cannot run npm")?;
        if !output.status.success() {
            bail!("npm ci: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(())
    })?;
    // last, so that a folder that was not finished is made anew
    fs::write(&made_from, wanted)
        .with_context(|| format!("cannot write {}", made_from.display()))?;
    Ok(folder)
}

fn folder() -> PathBuf {
    repository_root().join("dashboard")
}

fn npm() -> Result<Command> {
    let mut command = Command::new(program(Program::Npm)?);
    command.current_dir(folder()).stdin(Stdio::null());
    Ok(command)
}
