//! The processes of a run, written down so that another run can end them.
//!
//! A record is a file named after the process id, holding the moment that
//! process started: an id alone could belong to somebody else by now.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::wait::within;

/// How long leftovers may take to go after SIGQUIT, and again after SIGKILL.
const QUIT_GRACE: Duration = Duration::from_secs(5);

/// Where the run folder `run` keeps its records.
pub(super) fn records(run: &Path) -> PathBuf {
    run.join("processes")
}

/// Writes down that `pid` belongs to `run`; where the system does not tell
/// when a process started, nothing is written and nothing is ever killed.
pub(super) fn record(run: &Path, pid: Pid) -> Result<()> {
    if let Some(started) = start_time(pid) {
        fs::write(records(run).join(pid.to_string()), started)
            .context("cannot write down a process")?;
    }
    Ok(())
}

/// Forgets `pid`, which has ended.
pub(super) fn forget(run: &Path, pid: Pid) {
    // A record that outlives its process is harmless: the start time differs.
    let _ = fs::remove_file(records(run).join(pid.to_string()));
}

/// Ends every recorded process that still runs.
///
/// SIGQUIT first: it is Postgres's immediate shutdown, in which the parent
/// takes its children and its shared memory along. Nobody else has anything
/// to put in order.
pub(super) fn stop_recorded(run: &Path) -> Result<()> {
    let mut left = recorded(run)?;
    for process in &left {
        send(process.pid, Signal::SIGQUIT)?;
        // A stopped process acts on a signal only once it is continued.
        send(process.pid, Signal::SIGCONT)?;
    }
    if all_gone(&mut left) {
        return Ok(());
    }
    for process in &left {
        send(process.pid, Signal::SIGKILL)?;
    }
    if !all_gone(&mut left) {
        bail!("{} processes of a killed run survive SIGKILL", left.len());
    }
    Ok(())
}

/// A process as it was written down.
struct Recorded {
    pid: Pid,
    started: String,
}

impl Recorded {
    fn is_running(&self) -> bool {
        start_time(self.pid).is_some_and(|started| started == self.started)
    }
}

/// Waits for the end of `processes`, dropping those that have ended.
fn all_gone(processes: &mut Vec<Recorded>) -> bool {
    let gone = within(QUIT_GRACE, || {
        processes.retain(Recorded::is_running);
        processes.is_empty().then_some(())
    });
    gone.is_some()
}

/// The recorded processes that still run.
fn recorded(run: &Path) -> Result<Vec<Recorded>> {
    let Ok(entries) = fs::read_dir(records(run)) else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        if let Ok(pid) = entry.file_name().to_string_lossy().parse() {
            let started = fs::read_to_string(entry.path())?;
            found.push(Recorded {
                pid: Pid::from_raw(pid),
                started,
            });
        }
    }
    found.retain(Recorded::is_running);
    Ok(found)
}

fn send(pid: Pid, signal: Signal) -> Result<()> {
    match kill(pid, signal) {
        Ok(()) | Err(Errno::ESRCH) => Ok(()),
        Err(error) => Err(error).with_context(|| format!("cannot send {signal} to process {pid}")),
    }
}

/// When the kernel says that `pid` started, in ticks since boot; `None` when
/// there is no such process, only its zombie, or no `/proc`.
fn start_time(pid: Pid) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the program's name in parentheses and may itself
    // hold spaces and parentheses; the state follows the last one.
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    let state = fields.next()?;
    if state == "Z" {
        return None;
    }
    fields.nth(18).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn a_recorded_process_is_ended_and_a_reused_id_is_not() {
        let run = std::env::temp_dir().join(format!("creatorcrm-leftovers-{}", std::process::id()));
        fs::create_dir_all(records(&run)).unwrap();
        let mut ours = Command::new("sleep").arg("600").spawn().unwrap();
        let mut foreign = Command::new("sleep").arg("600").spawn().unwrap();
        let pid = |child: &std::process::Child| Pid::from_raw(child.id().cast_signed());
        record(&run, pid(&ours)).unwrap();
        fs::write(records(&run).join(foreign.id().to_string()), "1").unwrap();

        stop_recorded(&run).unwrap();
        assert!(!ours.wait().unwrap().success());
        assert!(foreign.try_wait().unwrap().is_none());

        foreign.kill().unwrap();
        foreign.wait().unwrap();
        fs::remove_dir_all(run).unwrap();
    }
}
