//! What lists of creators are asked for.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{CreatorId, CreatorStatus, FACTS_MAX, FieldCondition, Tier};
use crate::kernel::{FieldError, words};

/// Characters of a search text at the most.
pub const SEARCH_TEXT_MAX_CHARS: usize = 100;
/// Words of a search text at the most.
pub const SEARCH_WORDS_MAX: usize = 8;
/// The fewest characters in which trigrams find a word.
pub(in crate::creators) const TRIGRAM_MIN_CHARS: usize = 3;
/// Clusters that a filter names at the most.
const CLUSTERS_MAX: usize = 50;

words!(
    /// What a list is sorted by.
    SortKey {
        /// Since when we know them.
        Created => "created",
        /// The name others read.
        Name => "name",
        /// When they were last seen; who never was comes as if that was longest ago.
        LastActive => "lastActive",
        /// How far they have come.
        Tier => "tier",
    }
);

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort {
    /// By what.
    pub key: SortKey,
    /// The greatest first.
    pub descending: bool,
}

impl Default for Sort {
    /// The newest first.
    fn default() -> Self {
        Self {
            key: SortKey::Created,
            descending: true,
        }
    }
}

impl std::fmt::Display for Sort {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", if self.descending { "-" } else { "" }, self.key)
    }
}

impl std::str::FromStr for Sort {
    type Err = crate::kernel::UnknownWord;

    /// A key, with `-` before it for the greatest first.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let descending = text.starts_with('-');
        Ok(Self {
            key: text.strip_prefix('-').unwrap_or(text).parse()?,
            descending,
        })
    }
}

/// Which creators; what is empty or none does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct CreatorFilter {
    /// Words that all have to be found in names, aliases or handles, those with an `@` in addresses too for those who may;
    /// or an id.
    pub q: Option<String>,
    /// How the legal name begins.
    pub legal_name: Option<String>,
    /// On one of these clusters.
    pub clusters: Vec<String>,
    /// In one of these states.
    pub statuses: Vec<CreatorStatus>,
    /// In one of these tiers.
    pub tiers: Vec<Tier>,
    /// Looked after by this member of staff.
    pub owner: Option<String>,
    /// Known since then or later.
    pub created_after: Option<DateTime<Utc>>,
    /// Known since before then.
    pub created_before: Option<DateTime<Utc>>,
    /// Seen then or later.
    pub active_after: Option<DateTime<Utc>>,
    /// Last seen before then; who was never seen is not among them.
    pub active_before: Option<DateTime<Utc>>,
    /// With all of these tags.
    pub tags: Vec<String>,
    /// With values of custom fields that meet all of these.
    pub fields: Vec<FieldCondition>,
    /// Only archived ones, instead of only the others.
    pub archived: bool,
}

impl CreatorFilter {
    /// Checks what types cannot.
    ///
    /// # Errors
    /// With each wrong field, named as the query parameter is.
    pub fn check(&self) -> Result<(), Vec<FieldError>> {
        let mut wrong = Vec::new();
        for (name, text) in [
            ("q", &self.q),
            ("legalName", &self.legal_name),
            ("owner", &self.owner),
        ] {
            let Some(text) = text else { continue };
            if text.trim().is_empty()
                || text.chars().count() > SEARCH_TEXT_MAX_CHARS
                || text.chars().any(char::is_control)
            {
                wrong.push(FieldError::new(
                    name,
                    format!("use 1 to {SEARCH_TEXT_MAX_CHARS} characters"),
                ));
            }
        }
        if self.words().len() > SEARCH_WORDS_MAX {
            wrong.push(FieldError::new(
                "q",
                format!("use at most {SEARCH_WORDS_MAX} words"),
            ));
        }
        if self.clusters.len() > CLUSTERS_MAX {
            wrong.push(FieldError::new(
                "cluster",
                format!("name at most {CLUSTERS_MAX} clusters"),
            ));
        }
        for (name, count) in [("tag", self.tags.len()), ("custom", self.fields.len())] {
            if count > FACTS_MAX {
                let remedy = format!("name at most {FACTS_MAX}");
                wrong.push(FieldError::new(name, remedy));
            }
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }

    /// The words to be found.
    pub(in crate::creators) fn words(&self) -> Vec<&str> {
        self.q
            .as_deref()
            .unwrap_or_default()
            .split_whitespace()
            .collect()
    }

    /// Whether one of the words is looked for in e-mail addresses, too.
    pub(in crate::creators) fn asks_for_address(&self) -> bool {
        self.words().into_iter().any(is_of_address)
    }

    /// The creator that the text names, if it is an id.
    pub(in crate::creators) fn named(&self) -> Option<CreatorId> {
        self.q.as_deref().and_then(|text| text.trim().parse().ok())
    }

    /// Whether the filter says anything beyond which archive.
    pub fn narrows(&self) -> bool {
        *self
            != Self {
                archived: self.archived,
                ..Self::default()
            }
    }
}

/// Whether a word looks like a part of an e-mail address. What is shorter than three characters is only ever looked for
/// in names.
pub(in crate::creators) fn is_of_address(word: &str) -> bool {
    word.contains('@') && word.chars().count() >= TRIGRAM_MIN_CHARS
}

/// A creator in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreatorSummary {
    /// Who.
    pub id: CreatorId,
    /// Where.
    pub cluster: String,
    /// Their name on the cluster.
    pub username: String,
    /// The name others read.
    pub display_name: Option<String>,
    /// Where they stand.
    pub status: CreatorStatus,
    /// How far they have come.
    pub tier: Tier,
    /// Who of the staff looks after them.
    pub owner: Option<String>,
    /// When they were last seen.
    pub last_active_at: Option<DateTime<Utc>>,
    /// Since when they are archived.
    pub archived_at: Option<DateTime<Utc>>,
    /// Since when we know them.
    pub created_at: DateTime<Utc>,
    /// What lists are sorted by, in the order's own form.
    pub(in crate::creators) name_key: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_known_by_its_text() {
        for text in ["created", "-created", "name", "-lastActive", "tier"] {
            assert_eq!(text.parse::<Sort>().expect("an order").to_string(), text);
        }
        assert!("--name".parse::<Sort>().is_err());
        assert!("email".parse::<Sort>().is_err());
    }

    #[test]
    fn a_filter_with_too_much_in_it_is_refused_by_its_field() {
        let filter = CreatorFilter {
            q: Some("a b c d e f g h i".into()),
            legal_name: Some(" ".into()),
            owner: Some("x".repeat(101)),
            ..CreatorFilter::default()
        };
        let wrong = filter.check().expect_err("three wrong fields");
        let fields: Vec<_> = wrong.iter().map(|field| field.field.as_ref()).collect();
        assert_eq!(fields, ["legalName", "owner", "q"]);
    }
}
