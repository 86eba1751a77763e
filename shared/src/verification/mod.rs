//! Verification: what is proven of creators and of the people behind them, by which evidence, by whom, and until when.
//!
//! Promises: only what staff decided, what is still on file and what is not over today counts as verified; each change
//! leaves a line in the history and in the audit trail, in the same transaction; of two who decide at once, one is told.
//! Owns: `verifications`, `verification_events`. Emits: nothing; `verification.expire` runs by schedule.
//! Calls: `creators`, `audit`, `reactions`.
//!
//! Identity, address and tax are the person's: one decision serves all their creators. The rest is the creator's alone.
//! The age is proven by the decisions that `creators` keeps (`POST /api/people/{id}/age-decisions`), which name the birth
//! date of the document and take creators out of `active` when they are revoked. It is read from there and never written
//! here: a second place would have to follow each of those rules, and could say something else.

mod decide;
mod error;
mod expire;
mod jobs;
mod merge;
mod model;
mod read;
mod store;
#[cfg(test)]
mod tests;

pub use decide::{decide, submit};
pub use error::VerificationError;
pub use expire::{EXPIRE_STEP_MAX, expire_step};
pub use jobs::ExpireVerifications;
pub use merge::{follow_merge, follow_people_merge};
pub use model::{
    Holder, Lapse, NewVerdict, TEXT_MAX_CHARS, VALID_MAX_YEARS, Verdict, Verification,
    VerificationId, VerificationKind, VerificationMethod, VerificationState,
};
pub use read::{proves_who_it_is, verifications};
