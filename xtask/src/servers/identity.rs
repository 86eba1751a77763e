//! Who runs the servers: ourselves, or an unprivileged user when we are root.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use nix::unistd::{User, geteuid};
use std::os::unix::process::CommandExt;

/// Users that root hands the servers to, the first that exists.
const UNPRIVILEGED_USERS: [&str; 2] = ["postgres", "nobody"];

/// The user as which Postgres and Redis run.
///
/// Postgres refuses to run as root, and a Redis of root's would write root's
/// files for whoever can talk to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerUser {
    /// The caller is an ordinary user, and so are the servers.
    Caller,
    /// The caller is root; the servers get these ids.
    Unprivileged {
        /// User id.
        uid: u32,
        /// Primary group id.
        gid: u32,
    },
}

impl ServerUser {
    /// Decides by who we are.
    ///
    /// # Errors
    /// When we are root and the machine has neither `postgres` nor `nobody`.
    pub fn current() -> Result<Self> {
        if !geteuid().is_root() {
            return Ok(Self::Caller);
        }
        for name in UNPRIVILEGED_USERS {
            if let Some(user) = User::from_name(name).context("cannot read the list of users")? {
                return Ok(Self::Unprivileged {
                    uid: user.uid.as_raw(),
                    gid: user.gid.as_raw(),
                });
            }
        }
        bail!(
            "running as root, and none of the users {UNPRIVILEGED_USERS:?} exists to run Postgres"
        )
    }

    /// Makes `command` run as this user.
    pub fn apply(self, command: &mut Command) {
        match self {
            Self::Caller => {}
            Self::Unprivileged { uid, gid } => {
                command.uid(uid).gid(gid);
            }
        }
    }

    /// Gives `path` to this user.
    ///
    /// # Errors
    /// When the owner cannot be changed.
    pub fn own(self, path: &Path) -> Result<()> {
        match self {
            Self::Caller => Ok(()),
            Self::Unprivileged { uid, gid } => std::os::unix::fs::chown(path, Some(uid), Some(gid))
                .with_context(|| format!("cannot give {} to the server user", path.display())),
        }
    }

    /// Whether this user may work in `folder`: a home of root's that others
    /// cannot enter hides every clone inside it.
    ///
    /// # Errors
    /// When the question cannot be asked (no `/bin/sh`).
    pub fn can_enter(self, folder: &Path) -> Result<bool> {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "cd \"$1\"", "sh"]).arg(folder);
        command
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        self.apply(&mut command);
        Ok(command
            .status()
            .context("cannot run /bin/sh as the server user")?
            .success())
    }
}
