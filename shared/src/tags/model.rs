//! Tags; pure.

use std::fmt;
use std::str::FromStr;

use crate::creators::CreatorId;

/// Characters of a tag at the most.
const TAG_MAX_CHARS: usize = 50;
/// Tags that a creator has at the most.
pub const TAGS_MAX: usize = 100;
/// Creators that one call tags at the most.
pub const SET_MAX: usize = 10_000;

/// A tag: 1 to 50 small letters (a-z), digits, dashes and underscores, beginning with a letter or digit. Capitals are
/// made small, so that two spellings are one tag.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(String);

/// The text is no tag.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "use 1 to {TAG_MAX_CHARS} letters (a-z), digits, dashes or underscores, beginning with a letter or digit"
)]
pub struct InvalidTag;

impl Tag {
    /// The tag as it is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Tag {
    type Err = InvalidTag;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let tag = text.trim().to_ascii_lowercase();
        let begins_well = tag
            .chars()
            .next()
            .is_some_and(|c| c.is_ascii_alphanumeric());
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if begins_well && tag.len() <= TAG_MAX_CHARS && tag.chars().all(allowed) {
            Ok(Self(tag))
        } else {
            Err(InvalidTag)
        }
    }
}

/// What adding or removing a tag changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tagged {
    /// Creators whose tags are different now.
    pub changed: i64,
    /// Creators who had it (or did not) already.
    pub unchanged: i64,
    /// Ids that name nobody.
    pub unknown: Vec<CreatorId>,
}

/// How many creators have a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagCount {
    /// The tag.
    pub tag: String,
    /// How many.
    pub creators: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_spellings_are_one_tag_and_other_characters_are_refused() {
        assert_eq!(
            " VIP_2026 ".parse::<Tag>().expect("a tag").as_str(),
            "vip_2026"
        );
        for wrong in ["", "-a", "a b", "ä", "a,b", &"a".repeat(51)] {
            assert_eq!(wrong.parse::<Tag>(), Err(InvalidTag), "{wrong:?}");
        }
    }
}
