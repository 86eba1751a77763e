//! Creators and the words that describe them; pure.

mod activation;
mod block;
mod consent;
mod facts;
mod names;
mod person;
mod profile;
mod search;
mod transitions;

pub use activation::{ActivationFacts, Obstacle, age_obstacle, obstacles};
pub use block::{Block, BlockId, BlockedThing};
pub use consent::{Channel, Consent, ConsentEntry, ConsentState, NewConsent};
pub use facts::{Comparison, FACTS_MAX, FieldCondition, Operand};
pub(super) use names::is_name;
pub use names::{ALIASES_MAX, HANDLES_MAX, NAME_MAX_CHARS, Phone, Username};
pub(super) use person::birth_date_error;
pub use person::{
    ADULT_AGE_YEARS, AgeDecision, AgeVerdict, Country, InvalidCountry, NewAgeDecision, Person,
    PersonChanges, PersonId, age_on,
};
pub use profile::{Creator, CreatorChanges, NewCreator, Profile, Sibling};
pub use search::{
    CreatorFilter, CreatorSummary, SEARCH_TEXT_MAX_CHARS, SEARCH_WORDS_MAX, Sort, SortKey,
};
pub(super) use search::{TRIGRAM_MIN_CHARS, is_of_address};
pub use transitions::{StatusChange, StatusEntry, TierEntry};

use crate::kernel::{typed_id, words};

typed_id!(
    /// Names one creator on one cluster.
    CreatorId,
    "creator"
);

words!(
    /// Where a creator stands.
    CreatorStatus {
        /// Identity not proven yet.
        PendingVerification => "pending_verification",
        /// Waits for a person's decision.
        PendingReview => "pending_review",
        /// May create and earn.
        Active => "active",
        /// Has not been seen for long.
        Inactive => "inactive",
        /// May not act for a while.
        Suspended => "suspended",
        /// May never act again.
        Banned => "banned",
        /// Has left.
        Churned => "churned",
    }
);

impl CreatorStatus {
    /// Whether marketing may address creators of this status at all.
    pub const fn may_be_addressed(self) -> bool {
        match self {
            Self::PendingVerification
            | Self::PendingReview
            | Self::Active
            | Self::Inactive
            | Self::Churned => true,
            Self::Suspended | Self::Banned => false,
        }
    }
}

words!(
    /// How far a creator has come, by earnings.
    Tier {
        /// In the first 30 days.
        Newcomer => "newcomer",
        /// Below 1,000 a month.
        Emerging => "emerging",
        /// From 1,000 a month.
        Rising => "rising",
        /// From 5,000 a month.
        Established => "established",
        /// From 25,000 a month.
        Star => "star",
        /// From 100,000 a month.
        Superstar => "superstar",
        /// The top 0.1 %.
        Legend => "legend",
    }
);

impl Tier {
    /// Its place from below, 0 for the lowest; `creators.tier_rank` holds the same.
    pub const fn rank(self) -> i16 {
        match self {
            Self::Newcomer => 0,
            Self::Emerging => 1,
            Self::Rising => 2,
            Self::Established => 3,
            Self::Star => 4,
            Self::Superstar => 5,
            Self::Legend => 6,
        }
    }
}

/// A platform of the ecosystem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// The short name it is known by (`girlfanz`).
    pub id: String,
    /// The name people read.
    pub name: String,
    /// Whether it shows adult content.
    pub adult: bool,
    /// Whether its age gate is stricter than the law asks for.
    pub enhanced_gating: bool,
}
