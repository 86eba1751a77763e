//! The words of the filter bar: `kind:campaign.send state:dead args.campaignId:campaign_1 "connection refused"`.
//!
//! A word is `name:value`; a value with spaces or quotes stands in double quotes, in which `\` makes the next character
//! plain. A word without a name is looked for in error texts.

use std::fmt::Write;

use chrono::{DateTime, Utc};
use shared::queue::search::JobFilter;

/// Words of a filter at the most.
pub const TERMS_MAX: usize = 20;

/// One word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// Its name; `error` where none was written.
    pub name: String,
    /// What it must be.
    pub value: String,
}

/// Names that the bar knows, beside `args.NAME`.
pub const NAMES: [&str; 12] = [
    "state",
    "kind",
    "queue",
    "tag",
    "group",
    "creator",
    "error",
    "fingerprint",
    "after",
    "before",
    "batch",
    "parent",
];

/// The words of `text`, at most [`TERMS_MAX`]; what is beyond is left out.
pub fn parse(text: &str) -> Vec<Term> {
    let mut chars = text.chars().peekable();
    let mut terms = Vec::new();
    while terms.len() < TERMS_MAX {
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        if chars.peek().is_none() {
            break;
        }
        terms.extend(next_term(&mut chars));
    }
    terms
}

fn next_term(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<Term> {
    let (mut name, mut value, mut quoted) = (None, String::new(), false);
    while let Some(c) = chars.next_if(|c| quoted || !c.is_whitespace()) {
        match c {
            '"' => quoted = !quoted,
            '\\' if quoted => value.extend(chars.next()),
            ':' if !quoted && name.is_none() && is_name(&value) => {
                name = Some(std::mem::take(&mut value))
            }
            c => value.push(c),
        }
    }
    let name = name.unwrap_or_else(|| "error".to_owned());
    (!value.is_empty()).then_some(Term { name, value })
}

fn is_name(text: &str) -> bool {
    NAMES.contains(&text)
        || text
            .strip_prefix("args.")
            .is_some_and(|name| !name.is_empty())
}

/// A word as it is written: `tag:"two words"`.
pub fn term(name: &str, value: &str) -> String {
    let plain = !value.is_empty()
        && value
            .chars()
            .all(|c| !c.is_whitespace() && !matches!(c, '"' | '\\'));
    if plain && (name != "error" || !value.contains(':')) {
        return format!("{name}:{value}");
    }
    let mut text = format!("{name}:\"");
    for c in value.chars() {
        if matches!(c, '"' | '\\') {
            text.push('\\');
        }
        text.push(c);
    }
    text.push('"');
    text
}

/// Words as they are written.
pub fn write<'a>(terms: impl IntoIterator<Item = &'a Term>) -> String {
    let mut text = String::new();
    for each in terms {
        let space = if text.is_empty() { "" } else { " " };
        // writing to a string cannot fail
        let _ = write!(text, "{space}{}", term(&each.name, &each.value));
    }
    text
}

/// A filter as the words that mean it.
pub fn words_of(filter: &JobFilter) -> String {
    let states: Vec<&str> = filter.states.iter().map(|state| state.as_str()).collect();
    let moment = |at: Option<DateTime<Utc>>| at.map(|at| at.to_rfc3339());
    let named = [
        ("state", (!states.is_empty()).then(|| states.join(","))),
        ("kind", filter.kind.clone()),
        ("queue", filter.queue.clone()),
        ("tag", filter.tag.clone()),
        ("group", filter.group.clone()),
        ("creator", filter.creator.clone()),
        ("error", filter.error.clone()),
        ("fingerprint", filter.fingerprint.clone()),
        ("after", moment(filter.created_after)),
        ("before", moment(filter.created_before)),
        ("batch", filter.batch.map(|id| id.to_string())),
        ("parent", filter.parent.map(|id| id.to_string())),
    ];
    let args = filter
        .args
        .iter()
        .map(|(name, value)| term(&format!("args.{name}"), value));
    let named = named
        .into_iter()
        .filter_map(|(name, value)| Some(term(name, &value?)));
    named.chain(args).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use shared::queue::search::JobStatus;

    use super::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        parse(text)
            .into_iter()
            .map(|term| (term.name, term.value))
            .collect()
    }

    fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
            .collect()
    }

    #[test]
    fn words_have_names_and_values() {
        let found =
            pairs(r#"kind:campaign.send  args.campaignId:campaign_1 tag:"two words" state:dead"#);
        let wanted = [
            ("kind", "campaign.send"),
            ("args.campaignId", "campaign_1"),
            ("tag", "two words"),
            ("state", "dead"),
        ];
        assert_eq!(found, owned(&wanted));
    }

    #[test]
    fn what_has_no_name_is_an_error_text() {
        let found = pairs(r#"refused "no route: 10.0.0.1:25" http://x"#);
        let wanted = [
            ("error", "refused"),
            ("error", "no route: 10.0.0.1:25"),
            ("error", "http://x"),
        ];
        assert_eq!(found, owned(&wanted));
        assert_eq!(pairs("  tag: "), []);
    }

    #[test]
    fn what_is_written_reads_back() {
        for value in [
            "plain",
            "two words",
            "a \"quoted\" \\ one",
            "http://x:1",
            "ä:ö",
        ] {
            for name in ["tag", "error", "args.x"] {
                let text = term(name, value);
                assert_eq!(pairs(&text), owned(&[(name, value)]), "{text}");
            }
        }
    }

    #[test]
    fn a_filter_reads_as_the_words_that_mean_it() {
        let filter = JobFilter {
            states: vec![JobStatus::Dead, JobStatus::Retryable],
            kind: Some("campaign.send".to_owned()),
            error: Some("no route: x".to_owned()),
            args: vec![("campaignId".to_owned(), "campaign_1".to_owned())],
            ..JobFilter::default()
        };
        let text = words_of(&filter);
        assert_eq!(
            text,
            r#"state:dead,retryable kind:campaign.send error:"no route: x" args.campaignId:campaign_1"#
        );
        assert_eq!(parse(&text).len(), 4);
    }

    #[test]
    fn words_are_bounded() {
        assert_eq!(parse(&"a ".repeat(1000)).len(), TERMS_MAX);
    }
}
