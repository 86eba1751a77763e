//! A wall clock that can be set, for worker processes: what a bad time server or a careless hand does to a machine.
//!
//! It is libfaketime, preloaded, which reads the offset from a file at every question. The monotonic clock is left
//! alone, as it is on a real machine.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use xtask::servers::{Program, RunFolder, program};

/// See the module.
#[derive(Debug)]
pub struct WallClock {
    library: PathBuf,
    file: PathBuf,
}

impl WallClock {
    /// A clock that is right.
    ///
    /// # Errors
    /// If libfaketime is not installed, or the file of the offset cannot be written.
    pub fn new(folder: &RunFolder) -> Result<Self> {
        let clock = Self {
            library: program(Program::Faketime)?,
            file: folder.data_folder("clock")?.join("offset"),
        };
        clock.set(0)?;
        Ok(clock)
    }

    /// What a process has to be started with to go by this clock.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        vec![
            ("LD_PRELOAD", self.library.display().to_string()),
            ("FAKETIME_TIMESTAMP_FILE", self.file.display().to_string()),
            ("FAKETIME_NO_CACHE", "1".to_owned()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ]
    }

    /// What a process that goes by this clock takes for the time, in seconds since 1970.
    ///
    /// # Errors
    /// If `date` cannot be run, or says something else.
    pub fn read(&self) -> Result<i64> {
        let output = Command::new("date")
            .arg("+%s")
            .envs(self.variables())
            .output()?;
        let text = String::from_utf8(output.stdout)?;
        text.trim().parse().context("date printed no number")
    }

    /// Sets the clock ahead of the true time by so many seconds, or behind it; it jumps at once.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn set(&self, ahead_s: i64) -> Result<()> {
        // renamed into place, so that nobody reads half of it
        let draft = self.file.with_extension("draft");
        fs::write(&draft, format!("{ahead_s:+}\n"))
            .and_then(|()| fs::rename(&draft, &self.file))
            .with_context(|| format!("cannot write {}", self.file.display()))
    }
}
