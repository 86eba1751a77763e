//! Payment files, as our code writes them, checked by programs that are not ours.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Result;
use xtask::servers::repository_root;

use crate::cargo;
use crate::python;
use crate::steps::Verdict;

/// Packages of the Python environment; those of the fuzzer are among them, as there is one environment.
const REQUIREMENTS: &str = "xtask/fuzz/requirements.txt";
/// What checks the files.
const CHECK: &str = "xtask/payment_files/check.py";

/// Writes a file of each format into `folder` and has them checked.
///
/// # Errors
/// If one is not as it must be, with what is wrong.
pub(crate) fn check(folder: &Path) -> Result<Verdict> {
    let files = folder.join("payment-files");
    let mut write = cargo::command("run");
    write
        .args([
            "--quiet",
            "--package",
            "shared",
            "--example",
            "payment_files",
            "--",
        ])
        .arg(&files);
    cargo::require(&mut write, "writing payment files")?;
    let mut check = Command::new(python::tool("python", Path::new(REQUIREMENTS))?);
    check
        .arg(repository_root().join(CHECK))
        .arg(&files)
        .stdin(Stdio::null());
    cargo::require(&mut check, "payment files")?;
    Ok(Verdict::Passed)
}
