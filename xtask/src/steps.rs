//! The steps of a check: a heading before, the time it took after, a list of
//! all at the end.

use std::time::{Duration, Instant};

use anyhow::Result;
use xtask::interrupt;

use crate::terminal::{self, duration, paint};

/// How a step ended, when it did not fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It looked and found nothing wrong.
    Passed,
    /// It did not look, and this is why.
    Skipped(String),
}

#[derive(Debug)]
struct Entry {
    title: &'static str,
    verdict: Option<Verdict>,
    time: Duration,
}

/// The steps of one run so far.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    entries: Vec<Entry>,
}

impl Steps {
    /// Runs one step; a failure is shown and remembered, and later steps run
    /// all the same, so that one run tells everything.
    ///
    /// # Errors
    /// Only when the user interrupted.
    pub(crate) fn run(
        &mut self,
        title: &'static str,
        step: impl FnOnce() -> Result<Verdict>,
    ) -> Result<()> {
        eprintln!("\n{}", paint("1;36", &format!("== {title}")));
        let start = Instant::now();
        let result = step();
        interrupt::check()?;
        let time = start.elapsed();
        let verdict = match result {
            Ok(verdict) => Some(verdict),
            Err(error) => {
                terminal::error(&error);
                None
            }
        };
        let entry = Entry {
            title,
            verdict,
            time,
        };
        eprintln!("{}", entry.line());
        self.entries.push(entry);
        Ok(())
    }

    /// Whether every step passed or was skipped.
    pub(crate) fn all_passed(&self) -> bool {
        self.entries.iter().all(|entry| entry.verdict.is_some())
    }

    /// One line a step.
    pub(crate) fn print(&self) {
        eprintln!("\n{}", paint("1;36", "== Summary"));
        for entry in &self.entries {
            eprintln!("{}", entry.line());
        }
    }
}

impl Entry {
    fn line(&self) -> String {
        let (word, style, why) = match &self.verdict {
            Some(Verdict::Passed) => ("ok", "32", String::new()),
            Some(Verdict::Skipped(why)) => ("skipped", "33", format!(": {why}")),
            None => ("FAILED", "1;31", String::new()),
        };
        format!(
            "{} {} ({}){why}",
            paint(style, &format!("{word:>8}")),
            self.title,
            duration(self.time)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::bail;

    #[test]
    fn a_failed_step_does_not_hide_the_next_and_fails_the_run() {
        let mut steps = Steps::default();
        steps.run("broken", || bail!("no")).unwrap();
        assert!(!steps.all_passed());
        steps.run("fine", || Ok(Verdict::Passed)).unwrap();
        assert_eq!(steps.entries.len(), 2);
        assert!(!steps.all_passed());
    }

    #[test]
    fn a_skipped_step_says_why_and_does_not_fail_the_run() {
        let mut steps = Steps::default();
        steps
            .run("absent", || Ok(Verdict::Skipped("not here".into())))
            .unwrap();
        assert!(steps.all_passed());
        assert!(steps.entries[0].line().contains("not here"));
    }
}
