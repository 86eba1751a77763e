//! `test --coverage`: which lines the tests reach, with the compiler's own
//! instrumentation and the toolchain's own tools.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use xtask::servers::{on_path, repository_root};

use crate::cargo;
use crate::environment::Variables;
use crate::terminal::{busy, note};

/// Around the compiler for our own crates only: dependencies are neither
/// measured nor built a second time.
const WRAPPER: &str = "#!/bin/sh\nexec \"$@\" -C instrument-coverage\n";
/// Files that are not the product.
const IGNORED: &str = r"(/\.cargo/|/rustc/|/tests/|/xtask/)";

/// One measurement: from [`Coverage::prepare`] over the tests to
/// [`Coverage::report`].
#[derive(Debug)]
pub(super) struct Coverage {
    folder: PathBuf,
    tools: PathBuf,
}

impl Coverage {
    /// Makes everything ready and forgets earlier measurements.
    ///
    /// # Errors
    /// When the toolchain's LLVM tools are missing and cannot be added.
    pub(super) fn prepare() -> Result<Self> {
        let tools = llvm_tools()?;
        let folder = repository_root().join("target/coverage");
        let coverage = Self { folder, tools };
        coverage.forget()?;
        let wrapper = coverage.wrapper();
        fs::write(&wrapper, WRAPPER).context("cannot write the compiler's wrapper")?;
        fs::set_permissions(&wrapper, Permissions::from_mode(0o755))?;
        Ok(coverage)
    }

    /// The environment in which tests are measured.
    pub(super) fn variables(&self) -> Variables {
        let text = |path: PathBuf| path.to_string_lossy().into_owned();
        vec![
            ("RUSTC_WORKSPACE_WRAPPER".to_owned(), text(self.wrapper())),
            (
                "LLVM_PROFILE_FILE".to_owned(),
                text(self.profiles().join("%p-%m.profraw")),
            ),
        ]
    }

    /// Prints a table and writes pages with every line.
    ///
    /// # Errors
    /// When no test left a trace, or a tool fails.
    pub(super) fn report(&self) -> Result<()> {
        let programs = self.programs()?;
        let merged = self.folder.join("merged.profdata");
        self.merge(&merged)?;
        let pages = self.folder.join("html");
        let mut show = self.cov("show", &merged, &programs);
        show.arg("--format=html").arg("--output-dir").arg(&pages);
        cargo::require(show.stdout(Stdio::null()), "llvm-cov show")?;
        cargo::require(
            &mut self.cov("report", &merged, &programs),
            "llvm-cov report",
        )?;
        note(&format!(
            "every line: {}",
            pages.join("index.html").display()
        ));
        Ok(())
    }

    fn wrapper(&self) -> PathBuf {
        self.folder.join("rustc")
    }

    fn profiles(&self) -> PathBuf {
        self.folder.join("profiles")
    }

    fn forget(&self) -> Result<()> {
        let profiles = self.profiles();
        if profiles.exists() {
            fs::remove_dir_all(&profiles)?;
        }
        fs::create_dir_all(&profiles)
            .with_context(|| format!("cannot create {}", profiles.display()))
    }

    /// Every program that may have left a trace: tests, and what they start.
    fn programs(&self) -> Result<Vec<PathBuf>> {
        let mut command = cargo::command("test");
        command.args([
            "--workspace",
            "--lib",
            "--bins",
            "--tests",
            "--no-run",
            "--quiet",
        ]);
        command
            .arg("--message-format=json")
            .stderr(Stdio::inherit());
        command.envs(self.variables());
        let output = command
            .output()
            .context("cannot ask cargo for the test programs")?;
        if !output.status.success() {
            bail!("cargo does not name the test programs");
        }
        let messages = String::from_utf8_lossy(&output.stdout).into_owned();
        Ok(messages
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .filter_map(|message| message["executable"].as_str().map(PathBuf::from))
            .collect())
    }

    fn merge(&self, merged: &Path) -> Result<()> {
        let mut list = String::new();
        for entry in fs::read_dir(self.profiles())? {
            list.push_str(&format!("{}\n", entry?.path().display()));
        }
        if list.is_empty() {
            bail!("no test left a trace");
        }
        // Hundreds of files do not fit on a command line.
        let files = self.folder.join("profiles.txt");
        fs::write(&files, list)?;
        let mut merge = Command::new(self.tools.join("llvm-profdata"));
        merge
            .args(["merge", "--sparse", "--failure-mode=all"])
            .arg("--input-files")
            .arg(&files);
        cargo::require(merge.arg("--output").arg(merged), "llvm-profdata")
    }

    fn cov(&self, what: &str, merged: &Path, programs: &[PathBuf]) -> Command {
        let mut command = Command::new(self.tools.join("llvm-cov"));
        command.arg(what).arg("--instr-profile").arg(merged);
        command.arg("--ignore-filename-regex").arg(IGNORED);
        for program in programs {
            command.arg("--object").arg(program);
        }
        command
    }
}

/// The folder of `llvm-cov` and `llvm-profdata` of this very toolchain: others
/// may not read what its compiler writes.
fn llvm_tools() -> Result<PathBuf> {
    let sysroot = rustc(&["--print", "sysroot"])?;
    let version = rustc(&["-vV"])?;
    let host = version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .context("rustc does not tell its host")?;
    let folder = Path::new(sysroot.trim())
        .join("lib/rustlib")
        .join(host)
        .join("bin");
    if !folder.join("llvm-cov").is_file() {
        if on_path("rustup").is_none() {
            bail!("the toolchain has no llvm-cov; add its component llvm-tools");
        }
        busy("adding the toolchain's llvm-tools", || {
            let mut add = Command::new("rustup");
            cargo::require(
                add.args(["component", "add", "llvm-tools"]),
                "rustup component add",
            )
        })?;
    }
    Ok(folder)
}

fn rustc(arguments: &[&str]) -> Result<String> {
    let program = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(program)
        .args(arguments)
        .output()
        .context("cannot run rustc")?;
    Ok(String::from_utf8(output.stdout)?)
}
