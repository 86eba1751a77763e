//! A private Postgres cluster.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sys::signal::Signal;

use super::ports::free_port;
use super::process::{Output, Process, ProcessSpec};
use super::programs::{PostgresPrograms, postgres_programs};
use super::run_folder::RunFolder;
use super::secret::secret_hex;
use super::wait::until;

/// Superuser of the cluster, and owner of everything in it.
const USER: &str = "creatorcrm";
/// The database that [`Postgres::url`] points to.
const DATABASE: &str = "creatorcrm";
/// Enough for an api, several workers and a test run with a pool per test.
const MAX_CONNECTIONS: u32 = 200;
/// How long a start may take, crash recovery included.
const START_LIMIT: Duration = Duration::from_secs(120);
/// How long a shutdown may take before SIGKILL.
const STOP_GRACE: Duration = Duration::from_secs(30);
/// Line of `postmaster.pid` (from 0) that says whether the server takes
/// connections.
const STATUS_LINE: usize = 7;

/// What the cluster does for the safety of its data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Postgres's defaults: a commit is on the disk when it answers.
    Safe,
    /// No waiting for the disk. A crash of the machine may destroy the
    /// cluster; a crash of Postgres alone loses nothing.
    Fast,
}

/// How a cluster is set up.
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    /// Safe or fast.
    pub durability: Durability,
    /// Lines for `postgresql.conf`, such as `("log_min_duration_statement", "100ms")`.
    pub settings: Vec<(String, String)>,
}

impl PostgresOptions {
    /// A cluster with no extra settings.
    #[must_use]
    pub fn new(durability: Durability) -> Self {
        Self {
            durability,
            settings: Vec::new(),
        }
    }

    /// Adds a setting; `value` is quoted for `postgresql.conf`.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// How Postgres is asked to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopMode {
    /// Sessions are ended, the rest is written down.
    Fast,
    /// Everything stops at once; the next start recovers from the log, as
    /// after a crash.
    Immediate,
}

/// A private cluster with one database; dropping it stops it.
#[derive(Debug)]
pub struct Postgres {
    programs: PostgresPrograms,
    folder: RunFolder,
    data: PathBuf,
    password: String,
    port: u16,
    process: Option<Process>,
}

impl Postgres {
    /// Makes a cluster in `folder`, starts it on a free port and creates its
    /// database.
    ///
    /// # Errors
    /// When Postgres is not installed or does not start; the message carries
    /// its last lines.
    pub fn start(folder: &RunFolder, options: PostgresOptions) -> Result<Self> {
        let programs = postgres_programs()?;
        let password = secret_hex(16)?;
        let data = folder.data_folder("postgres")?;
        init(&programs, folder, &data, &password)?;
        let mut postgres = Self {
            programs,
            folder: folder.clone(),
            data,
            password,
            port: free_port()?,
            process: None,
        };
        postgres.configure(&options)?;
        postgres.restart()?;
        postgres.create_database(DATABASE)?;
        Ok(postgres)
    }

    /// Port on 127.0.0.1; the same for the life of the handle.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Connection URL of the superuser to the cluster's own database.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_of(DATABASE)
    }

    /// Connection URL of the superuser to another database of the cluster.
    #[must_use]
    pub fn url_of(&self, database: &str) -> String {
        format!(
            "postgres://{USER}:{}@127.0.0.1:{}/{database}",
            self.password, self.port
        )
    }

    /// Creates an empty database.
    ///
    /// # Errors
    /// When it exists already or the server is away.
    pub fn create_database(&self, name: &str) -> Result<()> {
        let output = Command::new(self.programs.path("createdb"))
            .args([
                "--host=127.0.0.1",
                "--no-password",
                "--maintenance-db=postgres",
                // the other template may have been given tables
                "--template=template0",
            ])
            .arg(format!("--port={}", self.port))
            .arg(format!("--username={USER}"))
            .arg(name)
            .env("PGPASSWORD", &self.password)
            .output()
            .context("cannot run createdb")?;
        if !output.status.success() {
            bail!(
                "createdb {name}: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        Ok(())
    }

    /// Starts the server after a stop or a kill, on the port it had; does
    /// nothing while it runs. Returns once connections are taken, so after the
    /// recovery from a crash.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn restart(&mut self) -> Result<()> {
        if let Some(process) = &mut self.process
            && process.ended()?.is_none()
        {
            return Ok(());
        }
        // After SIGKILL the old server's backends may hold its shared memory a
        // moment longer, and until then a new server refuses to start.
        let process = until("Postgres does not start", START_LIMIT, || {
            match self.launch() {
                Ok(process) => Ok(Some(process)),
                Err(error) if error.to_string().contains("shared memory block") => Ok(None),
                Err(error) => Err(error),
            }
        })?;
        self.process = Some(process);
        Ok(())
    }

    /// Stops the server as asked; the data stays for [`Postgres::restart`].
    ///
    /// # Errors
    /// When it does not stop.
    pub fn stop(&mut self, mode: StopMode) -> Result<()> {
        let signal = match mode {
            StopMode::Fast => Signal::SIGINT,
            StopMode::Immediate => Signal::SIGQUIT,
        };
        if let Some(mut process) = self.process.take() {
            process.stop(signal, STOP_GRACE)?;
        }
        Ok(())
    }

    /// SIGKILLs the parent server process, whose children then end by
    /// themselves.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn kill(&mut self) -> Result<()> {
        if let Some(mut process) = self.process.take() {
            process.kill()?;
        }
        Ok(())
    }

    fn launch(&self) -> Result<Process> {
        let mut command = Command::new(self.programs.path("postgres"));
        command.arg("-D").arg(&self.data).current_dir(&self.data);
        self.folder.user().apply(&mut command);
        let spec = ProcessSpec {
            name: "postgres".into(),
            command,
            output: Output::Quiet,
        };
        let mut process = Process::start(&self.folder, spec)?;
        until(
            "Postgres takes no connections",
            START_LIMIT,
            || match process.ended()? {
                Some(status) => bail!("Postgres ended ({status})\n{}", process.tail()),
                None => Ok(self.is_ready(&process).then_some(())),
            },
        )?;
        Ok(process)
    }

    fn is_ready(&self, process: &Process) -> bool {
        let Ok(text) = fs::read_to_string(self.data.join("postmaster.pid")) else {
            return false;
        };
        let mut lines = text.lines();
        let ours = lines.next() == Some(process.pid().to_string().as_str());
        ours && lines
            .nth(STATUS_LINE - 1)
            .is_some_and(|status| status.trim() == "ready")
    }

    fn configure(&self, options: &PostgresOptions) -> Result<()> {
        let mut lines = vec![
            ("listen_addresses".to_owned(), "127.0.0.1".to_owned()),
            ("port".to_owned(), self.port.to_string()),
            // Socket paths have a length limit that a deep clone exceeds.
            ("unix_socket_directories".to_owned(), String::new()),
            ("max_connections".to_owned(), MAX_CONNECTIONS.to_string()),
        ];
        if options.durability == Durability::Fast {
            for name in ["fsync", "full_page_writes", "jit"] {
                lines.push((name.to_owned(), "off".to_owned()));
            }
        }
        lines.extend(options.settings.iter().cloned());
        let text: String = lines
            .iter()
            .map(|(name, value)| format!("{name} = '{}'\n", value.replace('\'', "''")))
            .collect();
        // Read after postgresql.conf, whose settings it overrides.
        let file = self.data.join("postgresql.auto.conf");
        fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // The data is about to be removed, so there is nothing to write down.
        if let Err(error) = self.stop(StopMode::Immediate) {
            eprintln!("xtask: {error:#}");
        }
    }
}

fn init(
    programs: &PostgresPrograms,
    folder: &RunFolder,
    data: &Path,
    password: &str,
) -> Result<()> {
    let password_file = folder.data_folder("password")?.join("password");
    fs::write(&password_file, password)?;
    folder.user().own(&password_file)?;
    let mut command = Command::new(programs.path("initdb"));
    command
        .args([
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
        ])
        .arg(format!("--username={USER}"))
        .arg("--pwfile")
        .arg(&password_file)
        .arg("--pgdata")
        .arg(data)
        .current_dir(data);
    folder.user().apply(&mut command);
    let output = command.output().context("cannot run initdb")?;
    if !output.status.success() {
        bail!("initdb: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    fs::remove_file(&password_file)?;
    Ok(())
}
