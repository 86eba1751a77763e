//! A child process in a group of its own: prefixed logs, a remembered tail for
//! error messages, signals, and a stop that does not take no for an answer.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, IsTerminal, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::leftovers;
use super::run_folder::RunFolder;
use super::wait::{until, within};

/// Lines remembered from the start of the output, where programs announce
/// their addresses.
const HEAD_LINES: usize = 200;
/// Lines remembered from the end of the output, where programs say why they
/// gave up.
const TAIL_LINES: usize = 40;
/// Time to go after SIGTERM when a handle is simply dropped.
const DROP_GRACE: Duration = Duration::from_secs(5);
/// Time for the kernel to end a process after SIGKILL.
const KILL_LIMIT: Duration = Duration::from_secs(10);

/// Colours of the log prefixes, told apart on dark and light backgrounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// ANSI 31.
    Red,
    /// ANSI 32.
    Green,
    /// ANSI 33.
    Yellow,
    /// ANSI 34.
    Blue,
    /// ANSI 35.
    Magenta,
    /// ANSI 36.
    Cyan,
}

impl Colour {
    fn code(self) -> u8 {
        match self {
            Self::Red => 31,
            Self::Green => 32,
            Self::Yellow => 33,
            Self::Blue => 34,
            Self::Magenta => 35,
            Self::Cyan => 36,
        }
    }
}

/// What happens to the lines a process prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Remembered for error messages, not shown.
    Quiet,
    /// Shown on standard error behind the process's name in this colour.
    Prefixed(Colour),
}

/// What to start, and how.
#[derive(Debug)]
pub struct ProcessSpec {
    /// Name in logs and messages.
    pub name: String,
    /// Program, arguments and environment; input and output are set by us.
    pub command: Command,
    /// Where its lines go.
    pub output: Output,
}

/// A running (or ended) child; dropping it stops it.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    pid: Pid,
    lines: Arc<Mutex<Lines>>,
    folder: RunFolder,
}

#[derive(Debug, Default)]
struct Lines {
    /// Streams that have not reached their end.
    open: usize,
    head: Vec<String>,
    tail: VecDeque<String>,
}

impl Process {
    /// Starts the child in a process group of its own, so that Ctrl-C reaches
    /// only us and children are stopped in the order we choose.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn start(folder: &RunFolder, spec: ProcessSpec) -> Result<Self> {
        let ProcessSpec {
            name,
            mut command,
            output,
        } = spec;
        if !shows_colours() {
            // Loggers colour a pipe as they would a terminal unless told.
            command.env("NO_COLOR", "1");
        }
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {name} ({:?})", command.get_program()))?;
        let pid = Pid::from_raw(child.id().cast_signed());
        let lines = Arc::default();
        if let Some(stdout) = child.stdout.take() {
            follow(stdout, &name, output, Arc::clone(&lines));
        }
        if let Some(stderr) = child.stderr.take() {
            follow(stderr, &name, output, Arc::clone(&lines));
        }
        let process = Self {
            name,
            child,
            pid,
            lines,
            folder: folder.clone(),
        };
        // Last, because from here on an error drops, and so ends, the child.
        leftovers::record(folder.path(), pid)?;
        Ok(process)
    }

    /// The name it was started under.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its process id, which is also the id of its group.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.pid.as_raw()
    }

    /// How it ended, or `None` while it runs.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.child
            .try_wait()
            .with_context(|| format!("cannot ask for {}", self.name))
    }

    /// Sends `signal` to the whole group; nothing happens if it has ended.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn signal(&mut self, signal: Signal) -> Result<()> {
        // Asked first, because the id of a reaped child may be reused.
        if self.ended()?.is_some() {
            return Ok(());
        }
        match killpg(self.pid, signal) {
            Ok(()) | Err(Errno::ESRCH) => Ok(()),
            Err(error) => {
                Err(error).with_context(|| format!("cannot send {signal} to {}", self.name))
            }
        }
    }

    /// Sends `signal`, waits up to `grace` for the end, then SIGKILLs.
    ///
    /// # Errors
    /// When it cannot be signalled, or outlives SIGKILL.
    pub fn stop(&mut self, signal: Signal, grace: Duration) -> Result<ExitStatus> {
        self.signal(signal)?;
        // A process under SIGSTOP would sleep through the request.
        self.signal(Signal::SIGCONT)?;
        match self.end_within(grace) {
            Some(status) => Ok(status),
            None => self.kill(),
        }
    }

    /// SIGKILLs the group and waits for the end.
    ///
    /// # Errors
    /// When it cannot be signalled or does not end.
    pub fn kill(&mut self) -> Result<ExitStatus> {
        self.signal(Signal::SIGKILL)?;
        self.end_within(KILL_LIMIT)
            .with_context(|| format!("{} (process {}) survives SIGKILL", self.name, self.pid))
    }

    /// Waits until it has printed a line that contains `marker`; answers what
    /// follows the marker up to the next blank or quote.
    ///
    /// # Errors
    /// When it ends first (with the last lines it printed), when nothing came
    /// within `limit`, or on Ctrl-C.
    pub fn announced(&mut self, marker: &str, limit: Duration) -> Result<String> {
        let what = format!("{} did not say \"{marker}\"", self.name);
        until(&what, limit, || {
            if let Some(value) = self.lines().after(marker) {
                return Ok(Some(value));
            }
            self.still_talks()?;
            Ok(None)
        })
    }

    /// The first line it printed, waiting for it up to `limit`.
    ///
    /// # Errors
    /// As [`Process::announced`].
    pub fn first_line(&mut self, limit: Duration) -> Result<String> {
        let what = format!("{} printed nothing", self.name);
        until(&what, limit, || {
            if let Some(line) = self.lines().head.first() {
                return Ok(Some(line.clone()));
            }
            self.still_talks()?;
            Ok(None)
        })
    }

    /// The last lines it printed, for error messages.
    #[must_use]
    pub fn tail(&self) -> String {
        Vec::from(self.lines().tail.clone()).join("\n")
    }

    /// Fails once the process has ended and everything it said was read.
    fn still_talks(&mut self) -> Result<()> {
        match self.ended()? {
            Some(status) if self.lines().open == 0 => {
                bail!("{} ended ({status}) at start\n{}", self.name, self.tail())
            }
            Some(_) | None => Ok(()),
        }
    }

    fn end_within(&mut self, limit: Duration) -> Option<ExitStatus> {
        let status = within(limit, || self.child.try_wait().ok().flatten())?;
        leftovers::forget(self.folder.path(), self.pid);
        Some(status)
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        locked(&self.lines)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Err(error) = self.stop(Signal::SIGTERM, DROP_GRACE) {
            eprintln!("xtask: {error:#}");
        }
    }
}

impl Lines {
    fn push(&mut self, line: String) {
        if self.tail.len() == TAIL_LINES {
            self.tail.pop_front();
        }
        if self.head.len() < HEAD_LINES {
            self.head.push(line.clone());
        }
        self.tail.push_back(line);
    }

    fn after(&self, marker: &str) -> Option<String> {
        let rest = self.head.iter().find_map(|line| line.split_once(marker))?.1;
        let end = rest
            .find(|c: char| c.is_whitespace() || c.is_control() || c == '"')
            .unwrap_or(rest.len());
        Some(rest[..end].to_owned())
    }
}

/// Reads `stream` to its end on a thread of its own; the thread ends with the
/// last process that holds the other end of the pipe.
fn follow(
    stream: impl Read + Send + 'static,
    name: &str,
    output: Output,
    lines: Arc<Mutex<Lines>>,
) {
    let prefix = match output {
        Output::Quiet => None,
        Output::Prefixed(colour) if shows_colours() => {
            Some(format!("\x1b[{}m{name:>10} |\x1b[0m ", colour.code()))
        }
        Output::Prefixed(_) => Some(format!("{name:>10} | ")),
    };
    locked(&lines).open += 1;
    std::thread::spawn(move || {
        let mut reader = BufReader::new(stream);
        let mut raw = Vec::new();
        while reader
            .read_until(b'\n', &mut raw)
            .is_ok_and(|read| read > 0)
        {
            let line = String::from_utf8_lossy(&raw).trim_end().to_owned();
            if let Some(prefix) = &prefix {
                // A closed terminal must not end the run.
                let _ = writeln!(std::io::stderr().lock(), "{prefix}{line}");
            }
            locked(&lines).push(line);
            raw.clear();
        }
        locked(&lines).open -= 1;
    });
}

fn shows_colours() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

/// Lines are plain data, whole even if a thread panicked while it held them.
fn locked(lines: &Mutex<Lines>) -> MutexGuard<'_, Lines> {
    lines.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    fn shell(folder: &RunFolder, script: &str) -> Process {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        let spec = ProcessSpec {
            name: "shell".into(),
            command,
            output: Output::Quiet,
        };
        Process::start(folder, spec).unwrap()
    }

    #[test]
    fn an_announcement_is_found_among_other_lines() {
        let folder = RunFolder::create().unwrap();
        let mut process = shell(
            &folder,
            "echo hello; echo 'INFO listening on http://[::1]:1 now'; exec sleep 60",
        );
        assert_eq!(
            process.announced("listening on ", LIMIT).unwrap(),
            "http://[::1]:1"
        );
    }

    #[test]
    fn a_process_that_ends_early_is_reported_with_its_last_words() {
        let folder = RunFolder::create().unwrap();
        let mut process = shell(&folder, "echo no such luck >&2; exit 3");
        let error = process
            .announced("listening on ", LIMIT)
            .unwrap_err()
            .to_string();
        assert!(error.contains("exit status: 3"), "{error}");
    }

    #[test]
    fn stop_is_kind_first_and_firm_after_the_grace() {
        let folder = RunFolder::create().unwrap();
        let mut kind = shell(
            &folder,
            "trap 'exit 7' TERM; echo ready; while :; do sleep 0.01; done",
        );
        kind.announced("ready", LIMIT).unwrap();
        assert_eq!(kind.stop(Signal::SIGTERM, LIMIT).unwrap().code(), Some(7));

        let mut stubborn = shell(
            &folder,
            "trap '' TERM; echo ready; while :; do sleep 0.01; done",
        );
        stubborn.announced("ready", LIMIT).unwrap();
        let status = stubborn
            .stop(Signal::SIGTERM, Duration::from_millis(50))
            .unwrap();
        assert_eq!(status.code(), None);
    }
}
