//! What must hold before a creator is active.
//!
//! Rules over facts: a fact that nobody recorded does not hold. Rules of slices that are not there yet are not here
//! either.

use std::fmt;

use chrono::{DateTime, NaiveDate, Utc};

use super::person::{ADULT_AGE_YEARS, age_on};
use super::{AgeDecision, AgeVerdict, Block, BlockedThing};

/// What is known of a creator who is to be active.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivationFacts {
    /// When the person was born, as it is on file.
    pub birth_date: Option<NaiveDate>,
    /// What was decided last about their age.
    pub age: Option<AgeDecision>,
    /// What stands against the creator.
    pub blocks: Vec<Block>,
}

/// Why a creator cannot be active now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// Nobody decided that their age is proven, or the decision was revoked.
    AgeNotVerified,
    /// The birth date on file is not the one that was proven.
    BirthDateChanged,
    /// They are not of age.
    Underage,
    /// A block stands.
    Blocked(Block),
}

impl Obstacle {
    /// A stable word for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::AgeNotVerified => "age_not_verified",
            Self::BirthDateChanged => "birth_date_changed",
            Self::Underage => "underage",
            Self::Blocked(_) => "blocked",
        }
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AgeNotVerified => f.write_str("the age is not verified"),
            Self::BirthDateChanged => {
                f.write_str("the birth date was changed after the age was verified")
            }
            Self::Underage => f.write_str("the person is not of age"),
            Self::Blocked(block) => {
                write!(f, "blocked by {}: {}", block.source, block.reason)?;
                match block.ends_at {
                    Some(end) => write!(f, " (until {})", end.format("%Y-%m-%dT%H:%M:%SZ")),
                    None => Ok(()),
                }
            }
        }
    }
}

/// What stands against a proof of age on a day, if anything: `decided` is the last decision with the birth date that it
/// is about, `on_file` the birth date as it is known now. The one rule for being active, being paid and being shown.
pub fn age_obstacle(
    decided: Option<(AgeVerdict, NaiveDate)>,
    on_file: Option<NaiveDate>,
    today: NaiveDate,
) -> Option<Obstacle> {
    match decided {
        None | Some((AgeVerdict::Revoked, _)) => Some(Obstacle::AgeNotVerified),
        Some((AgeVerdict::Verified, born)) if on_file != Some(born) => {
            Some(Obstacle::BirthDateChanged)
        }
        Some((AgeVerdict::Verified, born)) => {
            (age_on(born, today) < ADULT_AGE_YEARS).then_some(Obstacle::Underage)
        }
    }
}

/// Everything that keeps a creator from being active at `now`; empty if they may be.
pub fn obstacles(facts: &ActivationFacts, now: DateTime<Utc>) -> Vec<Obstacle> {
    let decided = facts
        .age
        .as_ref()
        .map(|decision| (decision.verdict, decision.birth_date));
    let age = age_obstacle(decided, facts.birth_date, now.date_naive());
    let blocks = facts
        .blocks
        .iter()
        .filter(|block| block.keeps_from(BlockedThing::Reactivation, now));
    age.into_iter()
        .chain(blocks.cloned().map(Obstacle::Blocked))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::Duration;

    fn now() -> DateTime<Utc> {
        "2026-11-22T12:00:00Z".parse().expect("a time")
    }

    fn decision(verdict: AgeVerdict, born: &str) -> AgeDecision {
        AgeDecision {
            verdict,
            birth_date: born.parse().expect("a date"),
            evidence: "ticket 1".into(),
            decided_by: "user:ada".into(),
            decided_at: now(),
        }
    }

    fn facts(born: &str, age: Option<AgeDecision>) -> ActivationFacts {
        ActivationFacts {
            birth_date: Some(born.parse().expect("a date")),
            age,
            blocks: Vec::new(),
        }
    }

    fn codes(facts: &ActivationFacts) -> Vec<&'static str> {
        obstacles(facts, now()).iter().map(Obstacle::code).collect()
    }

    #[test]
    fn only_a_standing_decision_about_the_birth_date_on_file_counts() {
        let verified = |born| Some(decision(AgeVerdict::Verified, born));
        assert_eq!(codes(&facts("1990-01-01", None)), ["age_not_verified"]);
        assert_eq!(
            codes(&facts(
                "1990-01-01",
                Some(decision(AgeVerdict::Revoked, "1990-01-01"))
            )),
            ["age_not_verified"]
        );
        assert_eq!(
            codes(&facts("1990-01-02", verified("1990-01-01"))),
            ["birth_date_changed"]
        );
        assert_eq!(
            codes(&facts("2008-11-23", verified("2008-11-23"))),
            ["underage"]
        );
        assert!(codes(&facts("2008-11-22", verified("2008-11-22"))).is_empty());
    }

    #[test]
    fn a_block_counts_while_it_stands_and_if_it_is_about_this() {
        let block = |blocks: &[BlockedThing], starts: i64, ends: Option<i64>| Block {
            id: crate::creators::BlockId::new(),
            source: "compliance".into(),
            reason: "open violation".into(),
            blocks: blocks.to_vec(),
            starts_at: now() + Duration::hours(starts),
            ends_at: ends.map(|hours| now() + Duration::hours(hours)),
        };
        let with = |block: Block| ActivationFacts {
            blocks: vec![block],
            ..facts(
                "1990-01-01",
                Some(decision(AgeVerdict::Verified, "1990-01-01")),
            )
        };
        let here = [BlockedThing::Reactivation];
        assert_eq!(codes(&with(block(&here, -1, None))), ["blocked"]);
        assert_eq!(codes(&with(block(&here, -1, Some(1)))), ["blocked"]);
        assert!(codes(&with(block(&here, -2, Some(0)))).is_empty(), "over");
        assert!(codes(&with(block(&here, 1, None))).is_empty(), "not yet");
        assert!(codes(&with(block(&[BlockedThing::Mail], -1, None))).is_empty());
    }
}
