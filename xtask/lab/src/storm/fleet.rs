//! The worker processes of a storm.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::signal::Signal;
use rand::rngs::StdRng;
use rand::seq::IteratorRandom;
use reqwest::Client;
use serde_json::Value;
use xtask::servers::{Output, Process, ProcessSpec, RunFolder};

use crate::programs::sibling;

/// How long a worker may take to say where its probe is.
const START_LIMIT: Duration = Duration::from_secs(30);
/// Longer than a worker's own grace for the jobs in its hands.
const DRAIN_LIMIT: Duration = Duration::from_secs(45);
/// How long a probe is waited for.
const PROBE_LIMIT: Duration = Duration::from_millis(500);

/// Workers that send.
pub(super) struct Fleet {
    workers: Vec<Member>,
    started: usize,
    program: PathBuf,
    variables: Vec<(String, String)>,
    client: Client,
    folder: RunFolder,
}

struct Member {
    process: Process,
    probe: String,
    stopped: bool,
}

impl Fleet {
    pub(super) fn new(folder: &RunFolder, variables: Vec<(String, String)>) -> Result<Self> {
        Ok(Self {
            workers: Vec::new(),
            started: 0,
            program: sibling("worker")?,
            variables,
            client: Client::builder().timeout(PROBE_LIMIT).build()?,
            folder: folder.clone(),
        })
    }

    /// One more.
    pub(super) fn start(&mut self) -> Result<()> {
        self.started += 1;
        let mut command = Command::new(&self.program);
        command
            .args(["--probe-addr", "127.0.0.1:0"])
            .env("NODE_ENV", "test")
            .env("SMTP_SESSIONS", "8")
            .env("EMAIL_FROM_ADDRESS", "noreply@creatorcrm.example")
            .env("RUST_LOG", "info,sqlx=warn")
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
        let spec = ProcessSpec {
            name: format!("worker-{}", self.started),
            command,
            output: Output::Quiet,
        };
        let mut process = Process::start(&self.folder, spec)?;
        let address = process.announced("probe on http://", START_LIMIT)?;
        self.workers.push(Member {
            process,
            probe: format!("http://{address}/health/ready"),
            stopped: false,
        });
        Ok(())
    }

    /// How many are not stopped.
    pub(super) fn going(&self) -> usize {
        self.workers.iter().filter(|worker| !worker.stopped).count()
    }

    /// One of those that are not stopped.
    pub(super) fn any(&self, rng: &mut StdRng) -> Option<i32> {
        self.workers
            .iter()
            .filter(|worker| !worker.stopped)
            .map(|worker| worker.process.pid())
            .choose(rng)
    }

    /// The one that leads, if one says so.
    pub(super) async fn leader(&self) -> Option<i32> {
        for worker in self.workers.iter().filter(|worker| !worker.stopped) {
            // one that does not answer does not say that it leads
            let Ok(answer) = self.client.get(&worker.probe).send().await else {
                continue;
            };
            let leads = answer.json::<Value>().await;
            if leads.is_ok_and(|body| body["leads"] == true) {
                return Some(worker.process.pid());
            }
        }
        None
    }

    /// SIGKILLs one.
    pub(super) fn kill(&mut self, pid: i32) -> Result<()> {
        let place = self.place(pid)?;
        self.workers.swap_remove(place).process.kill()?;
        Ok(())
    }

    /// SIGSTOPs one.
    pub(super) fn stop(&mut self, pid: i32) -> Result<()> {
        let place = self.place(pid)?;
        self.workers[place].stopped = true;
        self.workers[place].process.signal(Signal::SIGSTOP)
    }

    /// Lets a stopped one go on.
    pub(super) fn go_on(&mut self, pid: i32) -> Result<()> {
        let place = self.place(pid)?;
        self.workers[place].stopped = false;
        self.workers[place].process.signal(Signal::SIGCONT)
    }

    /// Asks one to drain, and waits until it has.
    pub(super) fn drain(&mut self, pid: i32) -> Result<()> {
        let place = self.place(pid)?;
        let mut worker = self.workers.swap_remove(place);
        let status = worker.process.stop(Signal::SIGTERM, DRAIN_LIMIT)?;
        anyhow::ensure!(
            status.success(),
            "a worker drained badly ({status}):\n{}",
            worker.process.tail()
        );
        Ok(())
    }

    /// Asks all to drain together, and waits until they have.
    pub(super) fn drain_all(&mut self) -> Result<()> {
        for worker in &mut self.workers {
            worker.process.signal(Signal::SIGTERM)?;
        }
        let pids: Vec<i32> = self.workers.iter().map(|w| w.process.pid()).collect();
        pids.into_iter().try_for_each(|pid| self.drain(pid))
    }

    /// The last lines of all, for the message of a failure.
    pub(super) fn tails(&self) -> String {
        let tail = |w: &Member| format!("{}:\n{}\n", w.process.name(), w.process.tail());
        self.workers.iter().map(tail).collect()
    }

    fn place(&self, pid: i32) -> Result<usize> {
        let place = self.workers.iter().position(|w| w.process.pid() == pid);
        place.context("no such worker")
    }
}
