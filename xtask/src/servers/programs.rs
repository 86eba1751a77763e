//! Finding the programs we did not write.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

/// Oldest Postgres whose SQL the migrations are written for.
const POSTGRES_MIN: u32 = 15;
/// Oldest Redis with `BLMPOP`.
const REDIS_MIN: u32 = 7;
/// Oldest Node the browser tests run on.
const NODE_MIN: u32 = 18;
/// Where distributions hide the server programs of each Postgres version.
const POSTGRES_ROOTS: [&str; 3] = ["/usr/lib/postgresql", "/usr/local/opt", "/opt/homebrew/opt"];

/// A program from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// `postgres`, `initdb` and `createdb` of one version, 15 or later.
    Postgres,
    /// `redis-server` or `valkey-server`, 7 or later.
    Redis,
    /// `node`, 18 or later.
    Node,
    /// `npm`, any version.
    Npm,
    /// Chromium or Chrome, any version; `CHROME_PATH` names another one.
    Chromium,
    /// `docker-compose`, any version.
    DockerCompose,
    /// `python3`, 3.10 or later, with the module venv.
    Python,
    /// The library libfaketime, any version.
    Faketime,
}

impl Program {
    /// The Debian packages that bring it.
    #[must_use]
    pub fn debian_packages(self) -> &'static [&'static str] {
        match self {
            Self::Postgres => &["postgresql"],
            Self::Redis => &["redis-server"],
            Self::Node => &["nodejs"],
            Self::Npm => &["npm"],
            Self::Chromium => &["chromium"],
            Self::DockerCompose => &["docker-compose"],
            Self::Python => &["python3", "python3-venv"],
            Self::Faketime => &["libfaketime"],
        }
    }
}

/// A program that is not on this machine, or too old.
#[derive(Debug)]
pub struct MissingProgram(pub Program);

impl fmt::Display for MissingProgram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.0 {
            Program::Postgres => format!("Postgres {POSTGRES_MIN} or later"),
            Program::Redis => format!("redis-server {REDIS_MIN} or later"),
            Program::Node => format!("Node {NODE_MIN} or later"),
            Program::Npm => "npm".to_owned(),
            Program::Chromium => "Chromium (or CHROME_PATH, the path of one)".to_owned(),
            Program::DockerCompose => "docker-compose".to_owned(),
            Program::Python => "Python 3.10 or later with venv".to_owned(),
            Program::Faketime => "libfaketime".to_owned(),
        };
        let packages = self.0.debian_packages().join(" ");
        write!(
            f,
            "{what} was not found. On Debian or Ubuntu: sudo apt-get install {packages}"
        )
    }
}

impl std::error::Error for MissingProgram {}

/// The server programs of one Postgres version.
#[derive(Debug, Clone)]
pub struct PostgresPrograms {
    folder: PathBuf,
}

impl PostgresPrograms {
    /// The path of one of the programs, for example `initdb`.
    #[must_use]
    pub fn path(&self, program: &str) -> PathBuf {
        self.folder.join(program)
    }
}

/// Where `name` is found on `PATH`.
#[must_use]
pub fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// The newest Postgres on `PATH` or where distributions put it.
///
/// # Errors
/// [`MissingProgram`] when there is none new enough.
pub fn postgres_programs() -> Result<PostgresPrograms> {
    let on_path = on_path("postgres").and_then(|file| file.parent().map(Path::to_path_buf));
    on_path
        .into_iter()
        .chain(
            POSTGRES_ROOTS
                .iter()
                .flat_map(|root| bin_folders(Path::new(root))),
        )
        .filter(|folder| folder.join("initdb").is_file() && folder.join("postgres").is_file())
        .filter_map(|folder| Some((major_version(&folder.join("postgres")).ok()?, folder)))
        .filter(|(version, _)| *version >= POSTGRES_MIN)
        .max_by_key(|(version, _)| *version)
        .map(|(_, folder)| PostgresPrograms { folder })
        .ok_or_else(|| MissingProgram(Program::Postgres).into())
}

/// A Python that can make environments, which Debian packages apart from it.
fn python() -> Result<PathBuf> {
    let usable = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))";
    on_path("python3")
        .filter(|file| {
            let mut command = Command::new(file);
            let asked = command.args(["-c", usable]).stderr(Stdio::null());
            asked.status().is_ok_and(|status| status.success())
        })
        .ok_or_else(|| MissingProgram(Program::Python).into())
}

/// The one that `CHROME_PATH` names, or one on `PATH`. Its version is not asked for: that would start a browser.
fn chromium() -> Result<PathBuf> {
    let named = std::env::var_os("CHROME_PATH").map(PathBuf::from);
    let found = ["chromium", "chromium-browser", "google-chrome"]
        .into_iter()
        .filter_map(on_path);
    named
        .into_iter()
        .chain(found)
        .find(|file| file.is_file())
        .ok_or_else(|| MissingProgram(Program::Chromium).into())
}

/// Where distributions put libfaketime: in a folder named after the machine's architecture.
fn faketime() -> Result<PathBuf> {
    let file = |folder: PathBuf| folder.join("faketime/libfaketimeMT.so.1");
    std::fs::read_dir("/usr/lib")?
        .flatten()
        .map(|entry| file(entry.path()))
        .chain([file(PathBuf::from("/usr/lib"))])
        .find(|library| library.is_file())
        .ok_or_else(|| MissingProgram(Program::Faketime).into())
}

/// The path of `program` (for Postgres, of the server itself; of a library, of its file).
///
/// # Errors
/// [`MissingProgram`] when there is none, or none new enough.
pub fn program(program: Program) -> Result<PathBuf> {
    let (names, oldest): (&[&str], u32) = match program {
        Program::Postgres => return Ok(postgres_programs()?.path("postgres")),
        Program::Redis => (&["redis-server", "valkey-server"], REDIS_MIN),
        Program::Node => (&["node"], NODE_MIN),
        Program::Npm => (&["npm"], 0),
        Program::Chromium => return chromium(),
        Program::DockerCompose => (&["docker-compose"], 0),
        Program::Python => return python(),
        Program::Faketime => return faketime(),
    };
    names
        .iter()
        .filter_map(|name| on_path(name))
        .find(|file| major_version(file).is_ok_and(|version| version >= oldest))
        .ok_or_else(|| MissingProgram(program).into())
}

fn bin_folders(root: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(root) else {
        return Vec::new();
    };
    entries
        .flatten()
        .map(|entry| entry.path().join("bin"))
        .collect()
}

fn major_version(file: &Path) -> Result<u32> {
    let output = Command::new(file)
        .arg("--version")
        .output()
        .with_context(|| format!("cannot run {}", file.display()))?;
    first_number(&String::from_utf8_lossy(&output.stdout))
        .with_context(|| format!("{} does not tell its version", file.display()))
}

/// The first number in a sentence such as `postgres (PostgreSQL) 15.14`.
fn first_number(text: &str) -> Option<u32> {
    let digits = text.trim_start_matches(|c: char| !c.is_ascii_digit());
    let end = digits
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(digits.len());
    digits[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_what_programs_print() {
        assert_eq!(
            first_number("postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)"),
            Some(15)
        );
        assert_eq!(
            first_number("Redis server v=7.0.15 sha=00000000:0"),
            Some(7)
        );
        assert_eq!(first_number("v20.20.2"), Some(20));
        assert_eq!(first_number("no version here"), None);
    }

    #[test]
    fn a_missing_program_is_reported_with_what_to_type() {
        let text = MissingProgram(Program::Redis).to_string();
        assert!(text.contains("apt-get install redis-server"), "{text}");
    }
}
