//! Bringing missing programs from Debian's packages, where we may.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, bail};
use nix::unistd::geteuid;
use xtask::servers::{MissingProgram, Program, on_path, program};

use crate::terminal;

/// Debian asks this script before a package starts its service.
const POLICY: &str = "/usr/sbin/policy-rc.d";
const SAVED_POLICY: &str = "/usr/sbin/policy-rc.d.before-xtask";
/// "Action forbidden by policy".
const REFUSAL: &str = "#!/bin/sh\nexit 101\n";
/// Read by Debian's Postgres packages, which else create a cluster at once.
const CLUSTER_FOLDER: &str = "/etc/postgresql-common/createcluster.d";
const CLUSTER_FILE: &str = "/etc/postgresql-common/createcluster.d/xtask.conf";
const NO_CLUSTER: &str = "create_main_cluster = false\n";
/// What Debian would start at the next boot.
const SERVICES: [(Program, &str); 2] = [
    (Program::Postgres, "postgresql.service"),
    (Program::Redis, "redis-server.service"),
];

/// Makes sure that `wanted` are there, installing what is missing when we are
/// root or may become it without a password.
///
/// # Errors
/// What to type, when we may not install or installing did not help.
pub(crate) fn ensure(wanted: &[Program]) -> Result<()> {
    let missing: Vec<Program> = wanted
        .iter()
        .copied()
        .filter(|&wanted| program(wanted).is_err())
        .collect();
    let Some(&first) = missing.first() else {
        return Ok(());
    };
    let Some(root) = Root::find() else {
        for &program in &missing {
            terminal::warn(&MissingProgram(program).to_string());
        }
        return Err(MissingProgram(first).into());
    };
    let packages: Vec<&str> = missing
        .iter()
        .flat_map(|program| program.debian_packages())
        .copied()
        .collect();
    terminal::busy(
        &format!("installing {} with apt-get", packages.join(", ")),
        || install(&root, &missing, &packages),
    )?;
    for program_wanted in missing {
        program(program_wanted)?;
    }
    Ok(())
}

fn install(root: &Root, missing: &[Program], packages: &[&str]) -> Result<()> {
    root.run(&["apt-get", "update", "-q"])?;
    let quiet = Quiet::impose(root)?;
    let mut arguments = vec!["apt-get", "install", "-q", "-y", "--no-install-recommends"];
    arguments.extend(packages);
    let installed = root.run(&arguments);
    drop(quiet);
    installed?;
    if Path::new("/run/systemd/system").is_dir() {
        for (_, service) in SERVICES
            .iter()
            .filter(|(program, _)| missing.contains(program))
        {
            root.run(&["systemctl", "disable", service])?;
        }
    }
    Ok(())
}

/// The right to install packages.
struct Root {
    prefix: &'static [&'static str],
}

impl Root {
    fn find() -> Option<Self> {
        on_path("apt-get")?;
        if geteuid().is_root() {
            return Some(Self { prefix: &[] });
        }
        let asked = Command::new("sudo")
            .args(["-n", "true"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        asked.is_ok_and(|status| status.success()).then_some(Self {
            prefix: &["sudo", "-n"],
        })
    }

    fn run(&self, arguments: &[&str]) -> Result<Output> {
        let mut words = self
            .prefix
            .iter()
            .chain(&["env", "DEBIAN_FRONTEND=noninteractive"]);
        let mut command = Command::new(words.next().copied().unwrap_or("env"));
        command.args(words).args(arguments).stdin(Stdio::null());
        let output = command
            .output()
            .with_context(|| format!("cannot run {}", arguments[0]))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            bail!("{} failed: {said}", arguments.join(" "));
        }
        Ok(output)
    }

    fn write(&self, path: &str, text: &str, mode: &str) -> Result<()> {
        let draft = Draft::new(text)?;
        let source = draft.0.to_string_lossy();
        self.run(&["install", "-D", "-m", mode, &source, path])
            .map(drop)
    }
}

/// A temporary file of ours, to be installed by root.
struct Draft(PathBuf);

impl Draft {
    fn new(text: &str) -> Result<Self> {
        let name = format!("creatorcrm-{}", xtask::servers::secret_hex(8)?);
        let path = std::env::temp_dir().join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // A file of a few bytes in the temporary folder; nothing depends on it.
        let _ = fs::remove_file(&self.0);
    }
}

/// While it lives, packages start no service and make no cluster; afterwards
/// the machine's own rules are back.
struct Quiet<'a> {
    root: &'a Root,
    had_policy: bool,
    had_cluster_folder: bool,
}

impl<'a> Quiet<'a> {
    fn impose(root: &'a Root) -> Result<Self> {
        let had_policy = Path::new(POLICY).exists();
        let had_cluster_folder = Path::new(CLUSTER_FOLDER).exists();
        if had_policy {
            root.run(&["mv", POLICY, SAVED_POLICY])?;
        }
        let quiet = Self {
            root,
            had_policy,
            had_cluster_folder,
        };
        root.write(POLICY, REFUSAL, "0755")?;
        root.write(CLUSTER_FILE, NO_CLUSTER, "0644")?;
        Ok(quiet)
    }

    fn lift(&self) -> Result<()> {
        self.root.run(&["rm", "-f", POLICY, CLUSTER_FILE])?;
        if self.had_policy {
            self.root.run(&["mv", SAVED_POLICY, POLICY])?;
        }
        if !self.had_cluster_folder {
            // Stays when the package has put files of its own there.
            self.root
                .run(&["rmdir", "--ignore-fail-on-non-empty", CLUSTER_FOLDER])?;
        }
        Ok(())
    }
}

impl Drop for Quiet<'_> {
    fn drop(&mut self) {
        if let Err(error) = self.lift() {
            terminal::error(&error.context(format!("please look at {POLICY}")));
        }
    }
}
