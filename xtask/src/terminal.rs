//! What the runner says, all on standard error: standard output belongs to
//! what it runs.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

const SPINNER_TICK: Duration = Duration::from_millis(120);

/// Whether colours and moving things are welcome.
pub(crate) fn is_interactive() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

/// A line about what is going on.
pub(crate) fn note(text: &str) {
    eprintln!("{} {text}", paint("36", "xtask:"));
}

/// A line that should not be overlooked.
pub(crate) fn warn(text: &str) {
    eprintln!("{} {text}", paint("33", "xtask:"));
}

/// The error and its causes.
pub(crate) fn error(error: &anyhow::Error) {
    eprintln!("{} {error:#}", paint("31", "xtask:"));
}

/// `text` in an ANSI style, where that is welcome.
pub(crate) fn paint(style: &str, text: &str) -> String {
    if is_interactive() {
        format!("\x1b[{style}m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}

/// Shows that something takes its time; on a pipe, says it once.
pub(crate) fn busy<T>(text: &str, work: impl FnOnce() -> T) -> T {
    if !is_interactive() {
        note(text);
        return work();
    }
    let spinner = ProgressBar::new_spinner().with_message(text.to_owned());
    if let Ok(style) = ProgressStyle::with_template("{spinner:.cyan} {msg} {elapsed:.dim}") {
        spinner.set_style(style);
    }
    spinner.enable_steady_tick(SPINNER_TICK);
    let result = work();
    spinner.finish_and_clear();
    result
}

/// Seconds for people: `3.4 s`, `2 min 05 s`.
pub(crate) fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    if seconds < 60 {
        format!("{:.1} s", time.as_secs_f64())
    } else {
        format!("{} min {:02} s", seconds / 60, seconds % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well_at_every_size() {
        assert_eq!(duration(Duration::from_millis(3_420)), "3.4 s");
        assert_eq!(duration(Duration::from_secs(125)), "2 min 05 s");
    }
}
