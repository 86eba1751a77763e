//! The other programs of the workspace.

use std::path::PathBuf;

use anyhow::{Context, Result};

/// A program of the same build as this one.
///
/// # Errors
/// If it was not built.
pub fn sibling(name: &str) -> Result<PathBuf> {
    let this = std::env::current_exe()?;
    // tests lie one folder deeper than programs
    let found = this
        .ancestors()
        .skip(1)
        .take(2)
        .map(|folder| folder.join(name))
        .find(|program| program.is_file());
    found.with_context(|| {
        format!(
            "there is no program {name} beside {}: build the workspace first",
            this.display()
        )
    })
}
