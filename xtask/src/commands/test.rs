//! `test`: everything that has to hold before a change lands.

mod coverage;
mod runner;
mod watch;

use std::process::{Command, ExitCode, Stdio};

use anyhow::Result;
use clap::Args;
use xtask::servers::{Durability, Program, RunFolder, program, repository_root};

use crate::environment::{SERVERS, say_ignored};
use crate::stack::Servers;
use crate::steps::{Steps, Verdict};
use crate::{cargo, install, licences, node, sql_cache, terminal};
use coverage::Coverage;
use runner::{Counts, TestRun};

/// Names of the specification that are not the name of our slice.
const MODULE_NAMES: [(&str, &str); 4] = [
    ("creator-management", "creators"),
    ("earnings-tracker", "earnings"),
    ("compliance-monitor", "compliance"),
    ("campaign-manager", "campaigns"),
];

/// What `test` takes.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Runs only the tests whose path contains this, for example `campaigns`.
    module: Option<String>,
    /// Measures which lines the tests reach.
    #[arg(long)]
    coverage: bool,
    /// Runs the tests again after each change to the sources.
    #[arg(long, conflicts_with = "coverage")]
    watch: bool,
}

/// Runs the checks, or only tests when a module, coverage or watching is
/// asked for.
///
/// # Errors
/// When the private servers do not start, or on Ctrl-C.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    terminal::note("checking on private servers");
    say_ignored(&SERVERS, "tests use private servers only");
    install::ensure(&[Program::Postgres, Program::Redis, Program::Faketime])?;
    let folder = RunFolder::create()?;
    let servers = Servers::start(&folder, Durability::Fast)?;
    let mut run = TestRun {
        module: arguments.module.as_deref().map(slice_name),
        variables: servers.variables(),
    };
    if arguments.watch {
        return watch::run(&run);
    }
    if arguments.coverage {
        let coverage = Coverage::prepare()?;
        run.variables.extend(coverage.variables());
        run.prepare(&servers.postgres)?;
        let counts = run.tests()?;
        coverage.report()?;
        counts.print();
        return Ok(counts.code());
    }
    if run.module.is_some() {
        run.prepare(&servers.postgres)?;
        let counts = run.tests()?;
        counts.print();
        return Ok(counts.code());
    }
    everything(&folder, &servers, &run)
}

fn everything(folder: &RunFolder, servers: &Servers, run: &TestRun) -> Result<ExitCode> {
    let mut steps = Steps::default();
    let mut counts = Counts::default();
    steps.run("Formatting", || {
        cargo::require(
            cargo::command("fmt").args(["--all", "--check"]),
            "cargo fmt --check",
        )?;
        Ok(Verdict::Passed)
    })?;
    steps.run("Licences, bans and sources", || {
        licences::check()?;
        Ok(Verdict::Passed)
    })?;
    steps.run("Scripts of the pages", || {
        node::bundle_scripts()?;
        Ok(Verdict::Passed)
    })?;
    steps.run("Lints, and every query against a migrated database", || {
        sql_cache::lint_and_compare(&servers.postgres, folder)?;
        Ok(Verdict::Passed)
    })?;
    steps.run("Tests", || {
        run.prepare(&servers.postgres)?;
        let found = run.tests()?;
        counts.add(found);
        found.verdict()
    })?;
    steps.run(
        "Payment files against their schema and another reader",
        || super::payment_files::check(folder.path()),
    )?;
    steps.run(
        "Every route against the OpenAPI document",
        super::fuzz::short,
    )?;
    steps.run("The pages in a browser", super::browser::run)?;
    steps.run("Documentation examples", || {
        let found = run.documentation_examples()?;
        counts.add(found);
        found.verdict()
    })?;
    steps.run("Documentation", || {
        let mut doc = cargo::command("doc");
        doc.args(["--workspace", "--no-deps", "--quiet"])
            .env("RUSTDOCFLAGS", "-D warnings");
        cargo::require(&mut doc, "cargo doc")?;
        Ok(Verdict::Passed)
    })?;
    steps.run("docker-compose.yml", compose)?;
    steps.print();
    counts.print();
    Ok(if steps.all_passed() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn compose() -> Result<Verdict> {
    if let Err(missing) = install::ensure(&[Program::DockerCompose]) {
        return Ok(Verdict::Skipped(missing.to_string()));
    }
    let mut command = Command::new(program(Program::DockerCompose)?);
    command
        .args(["config", "-q"])
        .current_dir(repository_root())
        .stdin(Stdio::null());
    cargo::require(&mut command, "docker-compose config -q")?;
    Ok(Verdict::Passed)
}

fn slice_name(module: &str) -> String {
    MODULE_NAMES
        .iter()
        .find(|(theirs, _)| *theirs == module)
        .map_or_else(|| module.replace('-', "_"), |(_, ours)| (*ours).to_owned())
}

#[cfg(test)]
mod tests {
    use super::slice_name;

    #[test]
    fn names_of_the_specification_find_our_slices() {
        assert_eq!(slice_name("creator-management"), "creators");
        assert_eq!(slice_name("analytics"), "analytics");
        assert_eq!(slice_name("dead-letters"), "dead_letters");
    }
}
