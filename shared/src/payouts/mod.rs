//! Payouts: moving what creators have available to where they want it.
//!
//! Promises: the amount is held in the ledger before anybody is told to pay it, and posted or released exactly once; fee
//! and content are frozen when it is asked for, and an approval counts for that content only; whoever asked for it or
//! entered where it goes does not approve it; a provider is instructed under one id for as long as the payout lives, and
//! what it did not answer is asked about and never blindly repeated. Owns: `payout_methods`, `payout_limits`,
//! `payout_destinations`, `payouts`, `payout_events`, `payout_approvals`, `payout_reports`,
//! `payout_schedules`, `payout_batches`, `payout_statements`, `payout_statement_accounts`, `payout_statement_entries`,
//! `payout_destination_notices`. Emits: `payout.submit`, `payout.ask`, `payout.sweep`, `payout.run`, `payout.batch`,
//! `payout.match_statement`, `payout.read_statements`. Calls: `ledger`, `compliance`, `creators`, `audit`, `queue`, `providers`.
//!
//! `docs/payouts.md` draws the states and what each moves in the ledger.

mod approve;
mod batches;
mod begin;
mod carriers;
mod check;
mod destinations;
mod eligibility;
mod error;
mod jobs;
mod list;
mod merge;
mod model;
mod reconcile;
mod report;
mod request;
mod run;
mod schedules;
mod statements;
mod step;
mod store;
mod submit;
mod sweep;
#[cfg(test)]
mod tests;

pub use approve::{Finding, approve, cancel, reject, release, resolve};
pub use batches::{
    HandOver, WriteStep, ask_for_batches, hand_over_batch, list_batches, next_batch, show_batch,
    write_step,
};
pub use carriers::Carriers;
pub use check::check;
pub use destinations::{
    Revealed, Verdict, add_destination, decide_destination, destination_notices, destinations,
    retire_destination, reveal_destination,
};
pub use eligibility::{MethodOffer, Reason, methods};
pub use error::PayoutError;
pub use jobs::{
    AskPayout, BatchPayouts, MatchStatement, ReadStatements, RunPayouts, SubmitPayout, SweepPayouts,
};
pub use list::{list, show};
pub use merge::follow_merge;
pub use model::{
    Approval, BATCH_MAX, BankStatement, BankStatementDetail, Batch, BatchDetail, BatchFormat,
    BatchId, BatchState, Books, Destination, DestinationId, DestinationNotice, DestinationState,
    EntryFilter, EntryState, EntrySum, Explained, Fact, FeeSchedule, Frequency, HOLDER_MAX_CHARS,
    Limits, MethodTerms, Missing, Moves, NewPayout, Payee, Payout, PayoutAccount, PayoutDetail,
    PayoutEvent, PayoutFilter, PayoutId, PayoutMethod, PayoutParts, PayoutSchedule, PayoutState,
    REASON_MAX_CHARS, RECONCILED_DAYS_MAX, Reconciliation, ReconciliationScope, StatementEntry,
    StatementEntryId, StatementId, StatementSource, StatementState, Tally, UnderWay, UsAccountType,
};
pub use reconcile::{list_ours_only, reconcile};
pub use report::take_report;
pub use request::{request, retry};
pub use run::{RUN_MAX, RunStep, run_step};
pub use schedules::{NewSchedule, remove_schedule, schedules, set_schedule};
pub use statements::{
    FolderFile, MATCH_STEP, MatchByHand, MatchStep, StatementFile, dismiss_entry, list_entries,
    list_statements, match_entry, match_step, show_statement, take_file, take_statement,
    waiting_files,
};
pub use submit::{Step, ask, submit};
pub use sweep::{SWEEP_MAX, expire_step, sweep_step};
