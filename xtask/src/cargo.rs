//! Running cargo and other programs in the foreground.
//!
//! Every command of a run uses the same profile, features and flags, so that
//! all share one set of build artefacts. That is also why no other linker is
//! asked for: flags would fork the cache between `cargo xtask` and a plain
//! `cargo test`, and the toolchain already links with LLD.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use xtask::interrupt;
use xtask::servers::{repository_root, until, within};

use crate::terminal;

/// How long a program may take to stop after Ctrl-C.
const INTERRUPT_GRACE: Duration = Duration::from_secs(15);
/// Longer than any program here runs; a limit so that nothing waits for ever.
const FOREGROUND_LIMIT: Duration = Duration::from_secs(24 * 60 * 60);

/// Which build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Quick to compile; shared with the tests.
    Dev,
    /// What production runs; what demo and benchmarks measure.
    Release,
}

/// Which of a program's streams is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    Out,
    Err,
}

impl Stream {
    /// Writes to our own stream of that kind.
    pub(crate) fn show(self, text: &str) {
        // A closed terminal must not end the run.
        let _ = match self {
            Self::Out => std::io::stdout().write_all(text.as_bytes()),
            Self::Err => std::io::stderr().write_all(text.as_bytes()),
        };
    }
}

/// `cargo SUBCOMMAND` at the root of the repository.
pub(crate) fn command(subcommand: &str) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.arg(subcommand).current_dir(repository_root());
    // `cargo run` describes *this* package to us in variables that build
    // scripts watch; passed on, they would rebuild half the dependencies.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if [
            "CARGO_PKG_",
            "CARGO_MANIFEST_",
            "CARGO_BIN_",
            "CARGO_CRATE_",
            "CARGO_PRIMARY_",
        ]
        .iter()
        .any(|prefix| text.starts_with(prefix))
        {
            command.env_remove(name);
        }
    }
    if terminal::is_interactive() {
        command.env("CARGO_TERM_COLOR", "always");
    }
    command
}

/// The packages of the programs that run together in `demo`, `bench` and `chaos`. Whoever builds one of them for production
/// builds all: with other packages Cargo picks other features, and compiles most of it once more.
pub(crate) const FLEET: [&str; 4] = ["api", "worker", "sink", "lab"];

/// Builds the binaries of `packages`; an empty list means the whole workspace.
pub(crate) fn build(profile: Profile, packages: &[&str]) -> Result<ExitCode> {
    let mut command = command("build");
    command.arg("--bins");
    if packages.is_empty() {
        command.arg("--workspace");
    }
    for package in packages {
        command.args(["--package", package]);
    }
    if profile == Profile::Release {
        command.arg("--release");
    }
    require(&mut command, "the build")?;
    Ok(ExitCode::SUCCESS)
}

/// Path of a built binary of ours.
///
/// # Errors
/// When the build did not bring it.
pub(crate) fn binary(profile: Profile, name: &str) -> Result<PathBuf> {
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| repository_root().join("target"), PathBuf::from);
    let folder = match profile {
        Profile::Dev => "debug",
        Profile::Release => "release",
    };
    let path = target.join(folder).join(name);
    if !path.is_file() {
        bail!("the build brought no program {}", path.display());
    }
    Ok(path)
}

/// Runs a program on our terminal and answers how it ended.
///
/// # Errors
/// When it cannot be started, or the user interrupted.
pub(crate) fn run(command: &mut Command) -> Result<ExitStatus> {
    let child = command
        .stdin(Stdio::null())
        .spawn()
        .with_context(|| starting(command))?;
    finish(child)
}

/// [`run`], failing unless it succeeds.
///
/// # Errors
/// As [`run`]; or "`what` failed".
pub(crate) fn require(command: &mut Command, what: &str) -> Result<()> {
    let status = run(command)?;
    if !status.success() {
        bail!("{what} failed ({status})");
    }
    Ok(())
}

/// [`run`], handing `take` every line of one stream instead of showing it.
///
/// # Errors
/// As [`run`].
pub(crate) fn lines(
    command: &mut Command,
    stream: Stream,
    take: impl FnMut(&str) + Send,
) -> Result<ExitStatus> {
    command.stdin(Stdio::null());
    match stream {
        Stream::Out => command.stdout(Stdio::piped()),
        Stream::Err => command.stderr(Stdio::piped()),
    };
    let mut child = command.spawn().with_context(|| starting(command))?;
    let pipe: Option<Box<dyn Read + Send>> = match stream {
        Stream::Out => child.stdout.take().map(|pipe| Box::new(pipe) as _),
        Stream::Err => child.stderr.take().map(|pipe| Box::new(pipe) as _),
    };
    let pipe = pipe.context("a piped stream is missing")?;
    std::thread::scope(|scope| {
        scope.spawn(move || read_lines(pipe, take));
        finish(child)
    })
}

fn read_lines(pipe: impl Read, mut take: impl FnMut(&str)) {
    let mut reader = BufReader::new(pipe);
    let mut line = Vec::new();
    while reader
        .read_until(b'\n', &mut line)
        .is_ok_and(|read| read > 0)
    {
        take(&String::from_utf8_lossy(&line));
        line.clear();
    }
}

/// Waits for the end. On a terminal Ctrl-C reaches the child by itself; a
/// signal sent to us alone is handed on.
fn finish(mut child: Child) -> Result<ExitStatus> {
    let waited = until("the program does not end", FOREGROUND_LIMIT, || {
        Ok(child.try_wait()?)
    });
    if waited.is_err() && interrupt::requested() {
        // It may have ended in this moment; then there is nobody to tell.
        let _ = kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGTERM);
        if within(INTERRUPT_GRACE, || child.try_wait().ok().flatten()).is_none() {
            child.kill()?;
            child.wait()?;
        }
    }
    waited
}

fn starting(command: &Command) -> String {
    format!("cannot start {}", command.get_program().to_string_lossy())
}
