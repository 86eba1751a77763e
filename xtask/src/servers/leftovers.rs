//! The processes of a run, written down so that another run can end them.
//!
//! A record is a file named after the process id, holding the moment that
//! process started: an id alone could belong to somebody else by now.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::wait::within;

/// How long a leftover may take to go after SIGQUIT, before SIGKILL.
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
pub(super) fn stop_recorded(run: &Path) -> Result<()> {
    let Ok(entries) = fs::read_dir(records(run)) else {
        return Ok(());
    };
    for entry in entries {
        let entry = entry?;
        let Some(pid) = entry
            .file_name()
            .to_string_lossy()
            .parse()
            .ok()
            .map(Pid::from_raw)
        else {
            continue;
        };
        let recorded = fs::read_to_string(entry.path())?;
        if start_time(pid).is_some_and(|started| started == recorded) {
            end(pid, &recorded)?;
        }
    }
    Ok(())
}

/// SIGQUIT first: it is Postgres's immediate shutdown, in which the parent
/// takes its children along.
fn end(pid: Pid, started: &str) -> Result<()> {
    let gone = || {
        start_time(pid)
            .is_none_or(|now| now != started)
            .then_some(())
    };
    // A stopped process acts on a signal only once it is continued.
    for signal in [Signal::SIGQUIT, Signal::SIGCONT] {
        send(pid, signal)?;
    }
    if within(QUIT_GRACE, gone).is_none() {
        send(pid, Signal::SIGKILL)?;
        within(QUIT_GRACE, gone).with_context(|| format!("process {pid} survives SIGKILL"))?;
    }
    Ok(())
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
