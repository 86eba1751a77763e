//! The pages in a real browser, against a running fleet.

use std::process::Command;

use anyhow::Result;
use xtask::servers::{Program, program};

use crate::cargo::{self, Profile};
use crate::environment::forget_servers;
use crate::stack::{Plan, Stack};
use crate::steps::Verdict;
use crate::{install, node, people};

/// Who the tests log in as, by the role that they have.
const PEOPLE: [(&str, &str); 2] = [("ADMIN", "admin"), ("VIEWER", "marketing")];

/// Runs the tests of `dashboard/browser` on the programs that the other tests were built with.
///
/// # Errors
/// When something does not start, or a test fails.
pub(crate) fn run() -> Result<Verdict> {
    install::ensure(&[Program::Chromium])?;
    let folder = node::packages()?;
    let stack = Stack::start(Plan {
        profile: Profile::Dev,
        build: false,
        workers: 2,
        show_logs: false,
        given: &[],
    })?;
    let mut tests = Command::new(program(Program::Node)?);
    tests
        .current_dir(folder)
        .args(["--test", "--test-concurrency=1", "browser/"])
        .env("BASE_URL", stack.api_url())
        .env("CHROME_PATH", program(Program::Chromium)?);
    for (name, role) in PEOPLE {
        let person = people::add(&stack, Profile::Dev, role)?;
        tests.env(format!("{name}_EMAIL"), person.email);
        tests.env(format!("{name}_PASSWORD"), person.password);
    }
    forget_servers(&mut tests);
    cargo::require(&mut tests, "the browser tests")?;
    stack.stop()?;
    Ok(Verdict::Passed)
}
