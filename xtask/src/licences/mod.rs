//! Licences, banned crates and sources of the dependencies: by cargo-deny
//! where it is installed, else by the same rules read from `deny.toml`.

mod expression;
mod rules;

use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use xtask::servers::{on_path, repository_root};

use crate::{cargo, terminal};
use expression::allows;
use rules::Rules;

/// First minor version 0.x of cargo-deny that knows our `deny.toml`.
const CARGO_DENY_MIN: u32 = 16;
/// How cargo names the registry that everything has to come from.
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Checks every dependency.
///
/// # Errors
/// Naming each crate that breaks a rule, and the rule.
pub(crate) fn check() -> Result<()> {
    if on_path("cargo-deny").is_some() {
        let mut deny = cargo::command("deny");
        return cargo::require(
            deny.args(["check", "licenses", "bans", "sources"]),
            "cargo-deny",
        );
    }
    let path = repository_root().join("deny.toml");
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}", path.display()))?;
    let rules = Rules::parse(&text)?;
    let packages = packages(&rules.targets)?;
    let broken: Vec<String> = packages
        .iter()
        .filter_map(|package| complaint(&rules, package))
        .collect();
    if !broken.is_empty() {
        bail!(
            "{} dependencies break deny.toml:\n  {}",
            broken.len(),
            broken.join("\n  ")
        );
    }
    terminal::note(&format!(
        "{} dependencies keep to deny.toml",
        packages.len()
    ));
    Ok(())
}

/// Asks the list of known vulnerabilities, which cargo-deny knows how to read.
///
/// # Errors
/// When cargo-deny is missing, or knows something against a dependency.
pub(crate) fn advisories() -> Result<ExitCode> {
    if !has_cargo_deny() {
        bail!(
            "cargo-deny 0.{CARGO_DENY_MIN} or later was not found; install it with: \
             cargo install --locked cargo-deny"
        );
    }
    let mut deny = cargo::command("deny");
    cargo::require(deny.args(["check", "advisories"]), "cargo-deny")?;
    Ok(ExitCode::SUCCESS)
}

/// Whether a cargo-deny is there that reads the `deny.toml` of today.
fn has_cargo_deny() -> bool {
    on_path("cargo-deny")
        .and_then(|program| Command::new(program).arg("--version").output().ok())
        .and_then(|output| minor_version(&String::from_utf8_lossy(&output.stdout)))
        .is_some_and(|minor| minor >= CARGO_DENY_MIN)
}

/// 18 of `cargo-deny 0.18.3`; a 1.0 one day is later than all of them.
fn minor_version(text: &str) -> Option<u32> {
    let mut numbers = text.trim().rsplit(' ').next()?.split('.').map(str::parse);
    match (numbers.next()?, numbers.next()?) {
        (Ok(0), Ok(minor)) => Some(minor),
        (Ok(_), Ok(_)) => Some(u32::MAX),
        _ => None,
    }
}

/// What a dependency is and where it comes from.
#[derive(Debug)]
struct Package {
    name: String,
    version: String,
    licence: Option<String>,
    source: String,
}

/// Every dependency that is not ours, for the targets we ship.
fn packages(targets: &[String]) -> Result<Vec<Package>> {
    let mut command: Command = cargo::command("metadata");
    command.args(["--format-version", "1", "--locked"]);
    for target in targets {
        command.args(["--filter-platform", target]);
    }
    let output = command.output().context("cannot run cargo metadata")?;
    if !output.status.success() {
        bail!(
            "cargo metadata: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let used: std::collections::HashSet<&str> = metadata["resolve"]["nodes"]
        .as_array()
        .context("cargo metadata tells no dependencies")?
        .iter()
        .filter_map(|node| node["id"].as_str())
        .collect();
    let listed = metadata["packages"]
        .as_array()
        .context("cargo metadata tells no packages")?;
    Ok(listed
        .iter()
        .filter(|package| package["id"].as_str().is_some_and(|id| used.contains(id)))
        .filter_map(|package| {
            let text = |field: &str| package[field].as_str().map(str::to_owned);
            // Ours have no source.
            let source = text("source")?;
            Some(Package {
                name: text("name")?,
                version: text("version")?,
                licence: text("license"),
                source,
            })
        })
        .collect())
}

fn complaint(rules: &Rules, package: &Package) -> Option<String> {
    let Package {
        name,
        version,
        licence,
        source,
    } = package;
    let what = if rules.banned.contains(name) {
        "is banned".to_owned()
    } else if source != CRATES_IO {
        format!("comes from {source}")
    } else {
        match licence {
            None => "names no licence".to_owned(),
            Some(licence) if !allows(&rules.licences, licence) => {
                format!("has the licence {licence}")
            }
            Some(_) => return None,
        }
    };
    Some(format!("{name} {version} {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> Rules {
        Rules::parse(include_str!("../../../deny.toml")).unwrap()
    }

    fn package(name: &str, licence: Option<&str>, source: &str) -> Package {
        let licence = licence.map(str::to_owned);
        Package {
            name: name.into(),
            version: "1.0.0".into(),
            licence,
            source: source.into(),
        }
    }

    #[test]
    fn what_keeps_to_the_rules_is_passed_over() {
        assert_eq!(
            complaint(
                &rules(),
                &package("serde", Some("MIT OR Apache-2.0"), CRATES_IO)
            ),
            None
        );
    }

    #[test]
    fn versions_of_cargo_deny_are_told_apart() {
        assert_eq!(minor_version("cargo-deny 0.14.2\n"), Some(14));
        assert_eq!(minor_version("cargo-deny 1.0.0"), Some(u32::MAX));
        assert_eq!(minor_version("something else"), None);
    }

    #[test]
    fn each_broken_rule_is_named() {
        let cases = [
            (
                package("openssl", Some("Apache-2.0"), CRATES_IO),
                "is banned",
            ),
            (
                package("x", Some("MIT"), "git+https://example.com/x"),
                "comes from git",
            ),
            (
                package("x", Some("GPL-3.0-only"), CRATES_IO),
                "has the licence GPL-3.0-only",
            ),
            (package("x", None, CRATES_IO), "names no licence"),
        ];
        for (package, expected) in cases {
            let found = complaint(&rules(), &package).unwrap();
            assert!(found.contains(expected), "{found}");
        }
    }
}
