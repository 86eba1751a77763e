//! `test --watch`: the tests again after each change to the sources.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use anyhow::Result;
use xtask::interrupt;
use xtask::servers::{repository_root, until};

use super::runner::TestRun;
use crate::terminal;

/// Folders whose files are watched. Of the pages only what is written by hand.
const WATCHED: [&str; 8] = [
    "api",
    "dashboard/scripts",
    "dashboard/src",
    "dashboard/styles",
    "migrations",
    "shared",
    "worker",
    "xtask",
];
/// A limit so that nothing waits for ever; nobody watches that long.
const WATCH_LIMIT: Duration = Duration::from_secs(365 * 24 * 60 * 60);
/// Pause between two looks at the files.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// What the sources looked like: how many files, and the newest change.
type Look = (usize, Option<SystemTime>);

/// Runs the tests, then again after each change, until Ctrl-C.
///
/// # Errors
/// When the tests cannot be run at all.
pub(super) fn run(run: &TestRun) -> Result<ExitCode> {
    loop {
        // Taken before the run, so that a change during it is not missed.
        let seen = look();
        match run.tests() {
            Ok(counts) => counts.print(),
            Err(error) if !interrupt::requested() => terminal::error(&error),
            Err(_) => return Ok(ExitCode::SUCCESS),
        }
        terminal::note("waiting for a change; Ctrl-C ends");
        let mut next = std::time::Instant::now();
        let changed = until("no change", WATCH_LIMIT, || {
            if std::time::Instant::now() < next {
                return Ok(None);
            }
            next = std::time::Instant::now() + LOOK_EVERY;
            Ok((look() != seen).then_some(()))
        });
        if interrupt::requested() {
            return Ok(ExitCode::SUCCESS);
        }
        changed?;
    }
}

fn look() -> Look {
    let root = repository_root();
    let mut look = (0, None);
    for folder in WATCHED {
        add(&root.join(folder), &mut look);
    }
    look
}

/// A file that goes away while we look is simply not counted.
fn add(folder: &Path, look: &mut Look) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            add(&path, look);
        } else {
            look.0 += 1;
            look.1 = look.1.max(changed(&path));
        }
    }
}

fn changed(path: &PathBuf) -> Option<SystemTime> {
    fs::metadata(path).and_then(|data| data.modified()).ok()
}
