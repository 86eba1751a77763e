//! The lists of `deny.toml` that our own check needs. A reader for the few
//! shapes that file uses, because a whole TOML parser would be the largest
//! dependency of this program.

use anyhow::{Result, bail};

/// What `deny.toml` allows.
#[derive(Debug)]
pub(super) struct Rules {
    /// SPDX ids.
    pub(super) licences: Vec<String>,
    /// Names of crates.
    pub(super) banned: Vec<String>,
    /// Target triples.
    pub(super) targets: Vec<String>,
}

impl Rules {
    /// Reads the text of `deny.toml`.
    ///
    /// # Errors
    /// When one of the lists is missing or empty: a check without rules would
    /// find everything in order.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let list = |section: &str, key: &str| {
            let found = list(text, section, key);
            if found.is_empty() {
                bail!("deny.toml has no list \"{key}\" in [{section}]");
            }
            Ok(found)
        };
        let banned = list("bans", "deny")?;
        Ok(Self {
            licences: list("licenses", "allow")?
                .iter()
                .filter_map(|item| quoted(item))
                .collect(),
            targets: list("graph", "targets")?
                .iter()
                .filter_map(|item| quoted(item))
                .collect(),
            banned: banned
                .iter()
                .filter_map(|item| quoted(item.split_once("crate = ")?.1))
                .collect(),
        })
    }
}

/// The items of `key = [ … ]` in `[section]`, as text: quoted strings or
/// inline tables, one a line or all on the line of the key.
fn list(text: &str, section: &str, key: &str) -> Vec<String> {
    let heading = format!("[{section}]");
    let opening = format!("{key} = [");
    let mut lines = text
        .lines()
        .map(str::trim)
        .skip_while(|line| *line != heading)
        .skip(1);
    let Some(first) = lines
        .by_ref()
        .take_while(|line| !line.starts_with('['))
        .find_map(|line| line.strip_prefix(&opening))
    else {
        return Vec::new();
    };
    if let Some(items) = first.strip_suffix(']') {
        return items
            .split(',')
            .map(|item| item.trim().to_owned())
            .collect();
    }
    lines
        .take_while(|line| *line != "]")
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(str::to_owned)
        .collect()
}

/// The first quoted string of `item`.
fn quoted(item: &str) -> Option<String> {
    item.split('"').nth(1).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_in_both_shapes() {
        let text = "[graph]\ntargets = [\"a\", \"b\"]\n\n[licenses]\n# why\nallow = [\n    \"MIT\",\n    # old\n    \"ISC\",\n]\n\
                    [bans]\ndeny = [\n    { crate = \"openssl\", reason = \"x\" },\n]\n";
        let rules = Rules::parse(text).unwrap();
        assert_eq!(rules.targets, ["a", "b"]);
        assert_eq!(rules.licences, ["MIT", "ISC"]);
        assert_eq!(rules.banned, ["openssl"]);
    }

    #[test]
    fn a_missing_list_is_an_error_and_not_an_empty_rule() {
        let error =
            Rules::parse("[graph]\ntargets = [\"a\"]\n[licenses]\n[bans]\nallow = [\"MIT\"]\n");
        assert!(error.is_err());
    }
}
