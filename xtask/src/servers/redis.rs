//! A private Redis that keeps nothing on disk.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sys::signal::Signal;

use super::ports::free_port;
use super::process::{Output, Process, ProcessSpec};
use super::programs::{Program, program};
use super::run_folder::RunFolder;
use super::secret::secret_hex;
use super::wait::until;

/// How long a start may take.
const START_LIMIT: Duration = Duration::from_secs(30);
/// How long a stop may take before SIGKILL.
const STOP_GRACE: Duration = Duration::from_secs(10);
/// How long one question to the server may take.
const ASK_LIMIT: Duration = Duration::from_secs(2);

/// A private Redis; dropping it stops it.
#[derive(Debug)]
pub struct Redis {
    folder: RunFolder,
    program: PathBuf,
    config: PathBuf,
    password: String,
    port: u16,
    process: Option<Process>,
}

impl Redis {
    /// Starts a Redis on a free port.
    ///
    /// # Errors
    /// When Redis 7 is not installed or does not start.
    pub fn start(folder: &RunFolder) -> Result<Self> {
        let program = program(Program::Redis)?;
        let data = folder.data_folder("redis")?;
        let (port, password) = (free_port()?, secret_hex(16)?);
        let config = data.join("redis.conf");
        fs::write(
            &config,
            format!(
                "bind 127.0.0.1\nport {port}\nrequirepass {password}\ndir {}\nsave \"\"\n\
                 appendonly no\ndaemonize no\nsupervised no\n",
                data.display()
            ),
        )
        .with_context(|| format!("cannot write {}", config.display()))?;
        folder.user().own(&config)?;
        let mut redis = Self {
            folder: folder.clone(),
            program,
            config,
            password,
            port,
            process: None,
        };
        redis.restart()?;
        Ok(redis)
    }

    /// Port on 127.0.0.1; the same for the life of the handle.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Connection URL, database 0.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://:{}@127.0.0.1:{}/0", self.password, self.port)
    }

    /// Starts the server after a stop, empty, on the port it had; does nothing
    /// while it runs.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn restart(&mut self) -> Result<()> {
        if let Some(process) = &mut self.process
            && process.ended()?.is_none()
        {
            return Ok(());
        }
        let mut command = Command::new(&self.program);
        command.arg(&self.config).current_dir("/");
        self.folder.user().apply(&mut command);
        let spec = ProcessSpec {
            name: "redis".into(),
            command,
            output: Output::Quiet,
        };
        let mut process = Process::start(&self.folder, spec)?;
        until(
            "Redis takes no connections",
            START_LIMIT,
            || match process.ended()? {
                Some(status) => bail!("Redis ended ({status})\n{}", process.tail()),
                None => Ok(self
                    .ask("PING")
                    .ok()
                    .filter(|answer| answer == "+PONG")
                    .map(drop)),
            },
        )?;
        self.process = Some(process);
        Ok(())
    }

    /// Stops the server; what it held is gone.
    ///
    /// # Errors
    /// When it does not stop.
    pub fn stop(&mut self) -> Result<()> {
        if let Some(mut process) = self.process.take() {
            process.stop(Signal::SIGTERM, STOP_GRACE)?;
        }
        Ok(())
    }

    /// Empties the server, as a failover to an empty replica would.
    ///
    /// # Errors
    /// When it is away or refuses.
    pub fn flush(&self) -> Result<()> {
        match self.ask("FLUSHALL")?.as_str() {
            "+OK" => Ok(()),
            answer => bail!("Redis answered {answer} to FLUSHALL"),
        }
    }

    /// SIGSTOPs the server: connections stay open and nothing is answered.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn stall(&mut self) -> Result<()> {
        self.signal(Signal::SIGSTOP)
    }

    /// Lets a stalled server go on.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn resume(&mut self) -> Result<()> {
        self.signal(Signal::SIGCONT)
    }

    fn signal(&mut self, signal: Signal) -> Result<()> {
        self.process
            .as_mut()
            .map_or(Ok(()), |process| process.signal(signal))
    }

    /// Sends one command without arguments and answers the first line back.
    fn ask(&self, command: &str) -> Result<String> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let mut stream = TcpStream::connect_timeout(&address, ASK_LIMIT)?;
        stream.set_read_timeout(Some(ASK_LIMIT))?;
        write!(stream, "AUTH {}\r\n{command}\r\n", self.password)?;
        let mut lines = BufReader::new(stream).lines();
        match lines.next().transpose()?.as_deref() {
            Some("+OK") => {}
            other => bail!("Redis answered {other:?} to AUTH"),
        }
        lines.next().transpose()?.context("Redis hung up")
    }
}
