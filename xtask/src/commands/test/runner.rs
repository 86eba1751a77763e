//! Running the tests and reading how many passed from what the runner prints:
//! cargo-nextest where it is installed, else cargo's own.

use std::num::NonZero;
use std::process::{Command, ExitCode, ExitStatus};
use std::thread::available_parallelism;

use anyhow::{Result, bail};
use xtask::servers::{Postgres, on_path};

use crate::cargo::{self, Profile, Stream};
use crate::environment::{Variables, forget_servers};
use crate::stack::ours;
use crate::steps::Verdict;

/// Which tests, and with what environment.
#[derive(Debug)]
pub(super) struct TestRun {
    /// Only tests whose path contains this.
    pub(super) module: Option<String>,
    /// Addresses of the private servers, and what else the tests are given.
    pub(super) variables: Variables,
}

/// What a runner counted, and whether it ended well.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    passed: u32,
    failed: u32,
    broken: bool,
}

/// Tests that mostly wait, and that run beside the others; `.config/nextest.toml` says which.
const PATIENT: usize = 2;
/// The database that Postgres copies when it makes another.
const TEMPLATE: &str = "template1";

impl TestRun {
    /// Builds the tests, and gives the server a template with our tables, which
    /// spares each test's database all migrations.
    ///
    /// # Errors
    /// When something does not compile, or a migration fails.
    pub(super) fn prepare(&self, postgres: &Postgres) -> Result<()> {
        let (mut build, _) = self.runner();
        build.arg("--no-run");
        build.envs(self.variables.iter().map(|(name, value)| (name, value)));
        cargo::require(&mut build, "building the tests")?;
        let mut variables = self.variables.clone();
        variables.push(("DATABASE_URL".to_owned(), postgres.url_of(TEMPLATE)));
        let mut template = ours(Profile::Dev, "lab", &variables)?;
        cargo::require(template.arg("template"), "making the tests' template")
    }

    /// What runs the tests, and whether it is nextest.
    fn runner(&self) -> (Command, bool) {
        let nextest = on_path("cargo-nextest").is_some();
        let mut command = cargo::command(if nextest { "nextest" } else { "test" });
        if nextest {
            command.arg("run");
        } else {
            command.args(["--lib", "--bins", "--tests"]);
        }
        command.arg("--workspace");
        forget_servers(&mut command);
        (command, nextest)
    }

    /// Unit and integration tests.
    ///
    /// # Errors
    /// When the runner cannot be started, the user interrupted, or no test's
    /// path contains the module.
    pub(super) fn tests(&self) -> Result<Counts> {
        let (mut command, nextest) = self.runner();
        command.arg("--no-fail-fast").args(&self.module);
        let counts = if nextest {
            // Asked for below, where the message is ours.
            command.arg("--no-tests=pass");
            // Those that mostly wait do not count.
            command.arg(format!("--test-threads={}", cores() + PATIENT));
            self.count(command, Stream::Err, Counts::add_nextest_line)?
        } else {
            self.count(command, Stream::Out, Counts::add_cargo_line)?
        };
        match &self.module {
            Some(module) if !counts.broken && counts.passed + counts.failed == 0 => {
                bail!("no test's path contains \"{module}\"")
            }
            Some(_) | None => Ok(counts),
        }
    }

    /// The examples in the documentation, which nextest does not run.
    ///
    /// # Errors
    /// When the runner cannot be started or the user interrupted.
    pub(super) fn documentation_examples(&self) -> Result<Counts> {
        let mut command = cargo::command("test");
        command.args(["--workspace", "--doc", "--no-fail-fast"]);
        command.env("RUSTDOCFLAGS", "-D warnings");
        self.count(command, Stream::Out, Counts::add_cargo_line)
    }

    fn count(
        &self,
        mut command: Command,
        stream: Stream,
        add: fn(&mut Counts, &str),
    ) -> Result<Counts> {
        forget_servers(&mut command);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        let mut counts = Counts::default();
        let status = cargo::lines(&mut command, stream, |line| {
            stream.show(line);
            add(&mut counts, &without_colour(line));
        })?;
        counts.broken = !status.success();
        Ok(counts.with_exit(status))
    }
}

fn cores() -> usize {
    available_parallelism().map_or(1, NonZero::get)
}

impl Counts {
    /// Adds what another runner counted.
    pub(super) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.broken |= other.broken;
    }

    /// The last line of a run, for people and programs.
    pub(super) fn print(self) {
        println!("{} passed, {} failed", self.passed, self.failed);
    }

    /// Exit code of a run that was nothing but these tests.
    pub(super) fn code(self) -> ExitCode {
        if self.broken {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        }
    }

    /// The verdict of a step that was these tests.
    ///
    /// # Errors
    /// When a test failed or the runner ended badly.
    pub(super) fn verdict(self) -> Result<Verdict> {
        match (self.broken, self.failed) {
            (false, _) => Ok(Verdict::Passed),
            (true, 0) => bail!("the tests could not be built or run"),
            (true, failed) => bail!("{failed} tests failed"),
        }
    }

    fn with_exit(mut self, status: ExitStatus) -> Self {
        self.broken = !status.success();
        self
    }

    /// `     Summary [   1.2s] 14 tests run: 13 passed (1 slow), 1 failed, 0 skipped`,
    /// where a test that timed out or could not start is listed by itself.
    fn add_nextest_line(&mut self, line: &str) {
        let Some(("Summary", rest)) = line.trim().split_once(' ') else {
            return;
        };
        let Some((_, result)) = rest.split_once("run: ") else {
            return;
        };
        for part in without_asides(result).split(',') {
            let mut words = part.split_whitespace();
            let number = words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
            match words.next() {
                Some("passed") => self.passed += number,
                Some("skipped") | None => {}
                Some(_) => self.failed += number,
            }
        }
    }

    /// `test result: FAILED. 13 passed; 1 failed; 0 ignored; …`
    fn add_cargo_line(&mut self, line: &str) {
        let Some((_, result)) = line
            .trim()
            .strip_prefix("test result: ")
            .and_then(|rest| rest.split_once(". "))
        else {
            return;
        };
        for part in result.split("; ") {
            match part
                .split_once(' ')
                .map(|(number, what)| (number.parse().unwrap_or(0), what))
            {
                Some((number, "passed")) => self.passed += number,
                Some((number, "failed")) => self.failed += number,
                Some(_) | None => {}
            }
        }
    }
}

/// `5 passed (1 slow, 2 flaky), 1 failed` without what is in parentheses.
fn without_asides(text: &str) -> String {
    text.split('(')
        .map(|part| part.split_once(')').map_or(part, |(_, after)| after))
        .collect()
}

/// The line without ANSI escapes, which runners put around numbers.
fn without_colour(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, escape)) = rest.split_once('\x1b') {
        plain.push_str(before);
        rest = escape.split_once('m').map_or("", |(_, after)| after);
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nextest_counts_are_read_with_every_way_to_fail() {
        let mut counts = Counts::default();
        counts.add_nextest_line(
            "     Summary [  11.8s] 9/10 tests run: 5 passed (1 slow, 2 flaky), 2 failed, 1 timed out, 1 exec failed, 3 skipped\n",
        );
        assert_eq!((counts.passed, counts.failed), (5, 4));
        counts.add_nextest_line("        PASS [   0.008s] ( 1/14) xtask a_summary\n");
        assert_eq!((counts.passed, counts.failed), (5, 4));
    }

    #[test]
    fn cargo_counts_are_added_up_over_programs() {
        let mut counts = Counts::default();
        counts.add_cargo_line(
            "test result: ok. 13 passed; 0 failed; 2 ignored; 0 measured; 0 filtered out\n",
        );
        counts.add_cargo_line("test result: FAILED. 1 passed; 3 failed; 0 ignored; 0 measured\n");
        counts.add_cargo_line("test a::b ... ok\n");
        assert_eq!((counts.passed, counts.failed), (14, 3));
    }

    #[test]
    fn colours_are_taken_off() {
        assert_eq!(without_colour("\x1b[32;1mSummary\x1b[0m 1"), "Summary 1");
    }
}
