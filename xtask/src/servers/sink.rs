//! The mail sink (`xtask/sink`) as a child process.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use super::process::{Output, Process, ProcessSpec};
use super::run_folder::RunFolder;

/// How long the sink may take to print its addresses.
const START_LIMIT: Duration = Duration::from_secs(10);

/// How the sink is started.
#[derive(Debug, Clone, Copy, Default)]
pub struct SinkOptions {
    /// Bound on messages whose bodies are kept; `None` leaves the sink's own.
    pub keep: Option<usize>,
}

/// A running mail sink; dropping it stops it and forgets its mail.
#[derive(Debug)]
pub struct Sink {
    process: Process,
    smtp_url: String,
    http_url: String,
}

impl Sink {
    /// Starts the sink program at `program` on free ports of 127.0.0.1.
    ///
    /// # Errors
    /// When it does not start or does not print its addresses.
    pub fn start(folder: &RunFolder, program: &Path, options: SinkOptions) -> Result<Self> {
        let mut command = Command::new(program);
        command.args(["--smtp", "127.0.0.1:0", "--http", "127.0.0.1:0"]);
        if let Some(keep) = options.keep {
            command.arg("--keep").arg(keep.to_string());
        }
        let spec = ProcessSpec {
            name: "sink".into(),
            command,
            output: Output::Quiet,
        };
        let mut process = Process::start(folder, spec)?;
        let line = process.first_line(START_LIMIT)?;
        let addresses: serde_json::Value = serde_json::from_str(&line)
            .with_context(|| format!("the sink printed \"{line}\" instead of its addresses"))?;
        let field = |name: &str| {
            addresses[name]
                .as_str()
                .with_context(|| format!("the sink's first line has no \"{name}\""))
                .map(str::to_owned)
        };
        let (smtp, http_url) = (field("smtp")?, field("http")?);
        Ok(Self {
            process,
            smtp_url: format!("smtp://{smtp}"),
            http_url,
        })
    }

    /// `smtp://127.0.0.1:port`.
    #[must_use]
    pub fn smtp_url(&self) -> &str {
        &self.smtp_url
    }

    /// `http://127.0.0.1:port`: the mailbox page, and the API under `/api`.
    #[must_use]
    pub fn http_url(&self) -> &str {
        &self.http_url
    }

    /// The process, for signals.
    #[must_use]
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }
}
