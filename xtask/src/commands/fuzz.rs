//! `fuzz`: schemathesis calls every route of the served OpenAPI document with
//! whatever the document allows and with what it forbids. No answer may be an
//! error of ours, or one that the document does not know.

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use clap::Args;
use xtask::servers::repository_root;

use crate::cargo::{self, Profile};
use crate::environment::{SERVERS, forget_servers, say_ignored};
use crate::python;
use crate::stack::{Plan, Stack, ours};
use crate::steps::Verdict;

/// Packages of the Python environment.
const REQUIREMENTS: &str = "xtask/fuzz/requirements.txt";
/// What is asserted of every answer. Whether a body that fits its schema must
/// be accepted is not: rules that no schema can say are refused with 422.
const CHECKS: [&str; 8] = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
    "ignored_auth",
];
/// Streams without an end cannot be waited for.
const ENDLESS: [&str; 1] = ["/api/events"];
/// Examples a route in the short form.
const SHORT_EXAMPLES: u32 = 10;
/// Creators in the database, so that lists are not empty.
const CREATORS: &str = "200";

/// What `fuzz` takes.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Minutes to go on.
    #[arg(long, default_value_t = 10)]
    minutes: u32,
    /// Repeats the examples of an earlier run.
    #[arg(long)]
    seed: Option<u64>,
}

/// How much is tried.
#[derive(Debug, Clone, Copy)]
enum Effort {
    Short,
    Long { minutes: u32, seed: Option<u64> },
}

/// Runs the long form.
///
/// # Errors
/// When something does not start, or an answer is not as it must be.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    say_ignored(&SERVERS, "only private servers are called");
    fuzz(Effort::Long {
        minutes: arguments.minutes,
        seed: arguments.seed,
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Runs the short form, always with the same examples, on the programs that the tests were built with.
///
/// # Errors
/// As [`run`].
pub(crate) fn short() -> Result<Verdict> {
    fuzz(Effort::Short)?;
    Ok(Verdict::Passed)
}

fn fuzz(effort: Effort) -> Result<()> {
    let program = python::tool("schemathesis", Path::new(REQUIREMENTS))?;
    let stack = Stack::start(Plan {
        profile: Profile::Dev,
        build: matches!(effort, Effort::Long { .. }),
        workers: 1,
        show_logs: false,
        given: &[],
    })?;
    let mut seed = ours(Profile::Dev, "api", stack.variables())?;
    cargo::require(seed.args(["seed", "--creators", CREATORS]), "seeding")?;
    let mut schemathesis = Command::new(program);
    schemathesis
        // where it leaves its notes
        .current_dir(repository_root().join(".local"))
        .arg("run")
        .arg(format!("{}/openapi.json", stack.api_url()))
        .args([
            "--header",
            &format!("Authorization: Bearer {}", token(&stack)?),
        ])
        .args(["--checks", &CHECKS.join(",")])
        .args(["--phases", "examples,coverage,fuzzing"])
        .args(["--generation-database", "none", "--continue-on-failure"])
        .args(["--warnings", "off"]);
    for path in ENDLESS {
        schemathesis.args(["--exclude-path", path]);
    }
    match effort {
        Effort::Short => {
            schemathesis.args(["--max-examples", &SHORT_EXAMPLES.to_string(), "--seed", "1"]);
        }
        Effort::Long { minutes, seed } => {
            schemathesis.args(["--max-time", &(u64::from(minutes) * 60).to_string()]);
            if let Some(seed) = seed {
                schemathesis.args(["--seed", &seed.to_string()]);
            }
        }
    }
    forget_servers(&mut schemathesis);
    cargo::require(&mut schemathesis, "schemathesis")?;
    stack.stop()
}

fn token(stack: &Stack) -> Result<String> {
    let output = ours(Profile::Dev, "api", stack.variables())?
        .args(["token", "--role", "admin"])
        .output()
        .context("cannot run api token")?;
    if !output.status.success() {
        bail!("api token: {}", String::from_utf8_lossy(&output.stderr));
    }
    let text = String::from_utf8(output.stdout)?;
    let line = text.lines().last().context("api token printed nothing")?;
    Ok(line.trim().to_owned())
}
