//! The business of CreatorCRM, in vertical slices; `api` and `worker` are thin doors into it.
//!
//! Read `ARCHITECTURE.md` for who may call whom.

pub mod access;
pub mod audit;
pub mod campaigns;
pub mod cells;
pub mod compliance;
pub mod config;
pub mod creators;
pub mod custom_fields;
pub mod earnings;
pub mod exports;
pub mod files;
pub mod fx;
pub mod idempotency;
pub mod imports;
pub mod job_kinds;
pub mod kernel;
pub mod ledger;
pub mod messaging;
pub mod notes;
pub mod onboarding;
pub mod payouts;
pub mod privacy;
pub mod providers;
pub mod queue;
pub mod reactions;
pub mod seed;
pub mod standing_schedules;
pub mod tags;
pub mod tasks;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod tiers;
pub mod timeline;
pub mod verification;
