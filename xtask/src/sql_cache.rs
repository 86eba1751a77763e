//! The committed `.sqlx/` folder: what Postgres says about each query of the
//! code. Made anew against a migrated scratch database, compared or replaced.
//!
//! The migrations are applied with `psql`, not with our api program: that
//! program does not compile while `.sqlx/` is wrong, which is when it matters.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use xtask::servers::{
    Durability, Postgres, PostgresOptions, Program, RunFolder, postgres_programs, repository_root,
    secret_hex,
};

use crate::cargo::{self, Stream};
use crate::{install, terminal};

const SCRATCH_DATABASE: &str = "sql_check";
/// First line of a migration that cannot run inside a transaction.
const NO_TRANSACTION: &str = "-- no-transaction";

/// File name to content of one state of the folder.
type Cache = BTreeMap<String, String>;

/// `cargo xtask sqlx`: writes `.sqlx/` anew.
///
/// # Errors
/// When a migration or a query is wrong.
pub(crate) fn refresh() -> Result<ExitCode> {
    terminal::note("describing every query against a scratch database");
    install::ensure(&[Program::Postgres])?;
    let folder = RunFolder::create()?;
    let postgres = Postgres::start(&folder, PostgresOptions::new(Durability::Fast))?;
    let fresh = folder.path().join("sqlx");
    // SQL lives only there, and the other crates may not compile just now.
    let selection = ["--package", "shared", "--all-targets"];
    let mut check = live_clippy(&postgres, &fresh, &selection)?;
    warnings(&mut check)?;

    let committed = repository_root().join(".sqlx");
    let (before, after) = (read(&committed)?, read(&fresh)?);
    fs::create_dir_all(&committed)?;
    for name in before.keys().filter(|name| !after.contains_key(*name)) {
        fs::remove_file(committed.join(name))?;
    }
    for (name, text) in &after {
        fs::write(committed.join(name), text)?;
    }
    match differences(&before, &after) {
        changes if changes.is_empty() => terminal::note(".sqlx/ was up to date"),
        changes => terminal::note(&format!(
            "{} files of .sqlx/ changed; commit them",
            changes.len()
        )),
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs clippy over everything, the queries checked by `postgres` itself, and
/// compares what it says with `.sqlx/`. One pass does both, because both have
/// to expand every macro of `shared`.
///
/// # Errors
/// On any warning, a wrong query, or a `.sqlx/` that is out of date.
pub(crate) fn lint_and_compare(postgres: &Postgres, folder: &RunFolder) -> Result<()> {
    let fresh = folder.path().join("sqlx");
    let mut check = live_clippy(postgres, &fresh, &["--workspace", "--all-targets"])?;
    let warnings = warnings(&mut check)?;
    let changes = differences(&read(&repository_root().join(".sqlx"))?, &read(&fresh)?);
    if !changes.is_empty() {
        bail!(
            ".sqlx/ is out of date; run `cargo xtask sqlx` and commit it:\n  {}",
            changes.join("\n  ")
        );
    }
    if warnings > 0 {
        bail!("{warnings} warnings; every one counts");
    }
    Ok(())
}

/// Shows and counts what clippy complains of. Were warnings errors to clippy,
/// the first crate that has one would hide those of all others.
fn warnings(check: &mut Command) -> Result<usize> {
    let mut warnings = BTreeSet::new();
    let status = cargo::lines(check, Stream::Out, |line| {
        if let Some(warning) = rendered(line)
            && warnings.insert(warning.clone())
        {
            Stream::Err.show(&warning);
        }
    })?;
    if !status.success() {
        bail!("clippy failed ({status})");
    }
    Ok(warnings.len())
}

/// The text of an error or warning of the compiler among cargo's messages; a
/// message without a place in the code only sums up, unless it is an error.
fn rendered(line: &str) -> Option<String> {
    let cargo: Value = serde_json::from_str(line).ok()?;
    let message = &cargo["message"];
    let has_place = message["spans"]
        .as_array()
        .is_some_and(|spans| !spans.is_empty());
    let tells = has_place || message["level"] == "error";
    message["rendered"]
        .as_str()
        .filter(|_| tells)
        .map(str::to_owned)
}

/// Clippy with a live database, writing what it learns into `fresh`.
fn live_clippy(postgres: &Postgres, fresh: &Path, selection: &[&str]) -> Result<Command> {
    fs::create_dir(fresh).with_context(|| format!("cannot create {}", fresh.display()))?;
    postgres.create_database(SCRATCH_DATABASE)?;
    let url = postgres.url_of(SCRATCH_DATABASE);
    apply_migrations(&url)?;

    let mut command = cargo::command("clippy");
    let format = if terminal::is_interactive() {
        "json-diagnostic-rendered-ansi"
    } else {
        "json"
    };
    command
        .args(selection)
        .args(["--message-format", format, "--"]);
    // Cargo would skip a crate that has not changed, and its queries with it.
    // Clippy's own arguments count as a change, for our crates only.
    command.arg(format!("--cfg=sql_check_{}", secret_hex(8)?));
    command
        .env("SQLX_OFFLINE", "false")
        .env("SQLX_OFFLINE_DIR", fresh)
        .env("DATABASE_URL", url);
    Ok(command)
}

fn apply_migrations(url: &str) -> Result<()> {
    let psql = postgres_programs()?.path("psql");
    for file in migrations()? {
        let text = fs::read_to_string(&file)?;
        let mut command = Command::new(&psql);
        command.args(["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1"]);
        if !text.starts_with(NO_TRANSACTION) {
            command.arg("--single-transaction");
        }
        let output = command
            .arg(url)
            .arg("--file")
            .arg(&file)
            .output()
            .with_context(|| format!("cannot run {}", psql.display()))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            bail!("{} fails: {said}", file.display());
        }
    }
    Ok(())
}

/// The migrations in the order of their numbers.
fn migrations() -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(repository_root().join("migrations"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "sql") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn read(folder: &Path) -> Result<Cache> {
    let mut cache = Cache::new();
    if !folder.is_dir() {
        return Ok(cache);
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with("query-") {
            cache.insert(name, fs::read_to_string(entry.path())?);
        }
    }
    Ok(cache)
}

/// One sentence for each file that is missing, left over or different.
fn differences(committed: &Cache, fresh: &Cache) -> Vec<String> {
    let new = fresh
        .iter()
        .filter_map(|(name, text)| match committed.get(name) {
            None => Some(format!("{name} is missing: {}", statement(text))),
            Some(other) if other.trim_end() != text.trim_end() => {
                Some(format!("{name} differs: {}", statement(text)))
            }
            Some(_) => None,
        });
    let old = committed
        .iter()
        .filter(|(name, _)| !fresh.contains_key(*name))
        .map(|(name, text)| format!("{name} belongs to no query: {}", statement(text)));
    new.chain(old).collect()
}

/// The beginning of the statement a file is about.
fn statement(text: &str) -> String {
    const SHOWN: usize = 80;
    let query = serde_json::from_str::<Value>(text)
        .ok()
        .and_then(|value| value["query"].as_str().map(str::to_owned))
        .unwrap_or_default();
    let words: Vec<&str> = query.split_whitespace().collect();
    words.join(" ").chars().take(SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(files: &[(&str, &str)]) -> Cache {
        files
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
            .collect()
    }

    #[test]
    fn only_messages_that_point_at_code_are_shown_and_counted() {
        let warning =
            r#"{"reason":"compiler-message","message":{"rendered":"warning: x","spans":[{}]}}"#;
        let sum = r#"{"reason":"compiler-message","message":{"rendered":"1 warning emitted","spans":[]}}"#;
        assert_eq!(rendered(warning).as_deref(), Some("warning: x"));
        assert_eq!(rendered(sum), None);
        assert_eq!(rendered(r#"{"reason":"compiler-artifact"}"#), None);
    }

    #[test]
    fn equal_folders_have_no_differences() {
        let one = cache(&[("query-1.json", "{}\n")]);
        assert!(differences(&one, &cache(&[("query-1.json", "{}")])).is_empty());
    }

    #[test]
    fn missing_changed_and_left_over_files_are_named_with_their_statement() {
        let committed = cache(&[
            ("query-1.json", r#"{"query":"select 1"}"#),
            ("query-3.json", "{}"),
        ]);
        let fresh = cache(&[
            (
                "query-1.json",
                r#"{"query":"select\n  1", "nullable":[true]}"#,
            ),
            ("query-2.json", r#"{"query":"select 2"}"#),
        ]);
        let found = differences(&committed, &fresh);
        assert_eq!(found[0], "query-1.json differs: select 1");
        assert_eq!(found[1], "query-2.json is missing: select 2");
        assert!(found[2].starts_with("query-3.json belongs to no query"));
        assert_eq!(found.len(), 3);
    }
}
