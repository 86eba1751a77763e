//! Ctrl-C, SIGTERM and SIGHUP become a flag that every wait looks at.
//!
//! Leaving by an ordinary error lets destructors stop the servers and remove
//! their data, which an exit from inside a signal handler would not.

use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result, bail};

/// Requests after which the program gives up being polite.
const REQUESTS_BEFORE_ABORT: u32 = 3;
/// What a shell expects of a program ended by SIGINT (128 + 2).
const INTERRUPTED_EXIT_CODE: i32 = 130;

static REQUESTS: AtomicU32 = AtomicU32::new(0);

/// Installs the handler for this process; call once, at the start of `main`.
///
/// The third signal ends the process at once: whatever it left behind is
/// removed by the next run (see [`crate::servers::RunFolder`]).
///
/// # Errors
/// When a handler is installed already.
pub fn install() -> Result<()> {
    ctrlc::set_handler(|| {
        if REQUESTS.fetch_add(1, Ordering::SeqCst) + 1 >= REQUESTS_BEFORE_ABORT {
            std::process::exit(INTERRUPTED_EXIT_CODE);
        }
    })
    .context("cannot install the handler for Ctrl-C")
}

/// Whether the user asked to stop.
#[must_use]
pub fn requested() -> bool {
    REQUESTS.load(Ordering::SeqCst) > 0
}

/// Fails once the user asked to stop; long waits call it on every turn.
///
/// # Errors
/// "interrupted", when [`requested`] is true.
pub fn check() -> Result<()> {
    if requested() {
        bail!("interrupted");
    }
    Ok(())
}
