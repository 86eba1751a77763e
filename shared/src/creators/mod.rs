//! Creators: who they are, which cluster they belong to, what they agreed to, what stands against them.
//!
//! Promises: an address and a username are taken once in a cluster; every consent, status and tier is kept with its
//! source; the id of a creator that was merged into another leads to that one; a legal name is with the person and never
//! with the stage name. Owns: `clusters`, `people`, `person_age_decisions`, `creators`, `creator_consents`,
//! `creator_blocks`, `creator_status_history`, `creator_views`,
//! `creator_bulk_operations`. Emits: `creator.lift_suspension`, `creator.bulk`. Calls: `audit`, `queue`.

mod bulk;
mod consents;
mod edit;
mod error;
mod jobs;
mod many;
mod merge;
mod model;
mod people;
mod search;
mod service;
mod status;
mod store;
#[cfg(test)]
mod tests;
mod trail;
mod views;

pub use bulk::{
    BULK_MATCHED_MAX, BULK_STEP_MAX, BulkAction, CreatorBulk, CreatorBulkId, CreatorBulkPreview,
    CreatorBulkState, CreatorBulkWork, NewCreatorBulk, cancel_bulk, fail_bulk, find_bulk,
    preview_bulk, start_bulk, step_bulk,
};
pub use consents::{consent_history, say};
pub use edit::{archive, change, lock, unarchive};
pub use error::CreatorError;
pub use jobs::{LiftSuspension, NotifySuspension};
pub use many::{
    Key, Known, Registration, change_many, count_matching, known, lock_named, named, next_matching,
    register_many, within_callers_reach,
};
pub use merge::{Duplicate, Likeness, duplicates, merge, merge_people};
pub use model::{
    ADULT_AGE_YEARS, ALIASES_MAX, ActivationFacts, AgeDecision, AgeVerdict, Block, BlockId,
    BlockedThing, Channel, Cluster, Comparison, Consent, ConsentEntry, ConsentState, Country,
    Creator, CreatorChanges, CreatorFilter, CreatorId, CreatorStatus, CreatorSummary, FACTS_MAX,
    FieldCondition, HANDLES_MAX, InvalidCountry, NAME_MAX_CHARS, NewAgeDecision, NewConsent,
    NewCreator, Obstacle, Operand, Person, PersonChanges, PersonId, Phone, Profile,
    SEARCH_TEXT_MAX_CHARS, SEARCH_WORDS_MAX, Sibling, Sort, SortKey, StatusChange, StatusEntry,
    Tier, TierEntry, Username, age_obstacle, age_on, obstacles,
};
pub use people::{
    AgeProof, EVIDENCE_MAX_CHARS, age_proof, change_person, decide_age, known_person,
    lock_with_person, person, restrict_person, reveal_person,
};
pub use search::{by_address, list, record_address_search};
pub use service::{
    clusters, consents, get, profile, record_consent, register, reveal_contact, status_history,
    tier_history, within_reach,
};
pub use status::{
    Lifted, REASON_MAX_CHARS, SUSPENSION_MAX_SECONDS, blocks, change_status, check_reason,
    lift_due, reactivate, suspend,
};
pub use views::{NewView, VIEWS_MAX, View, ViewId, change_view, keep_view, remove_view, views};
