//! The ledger: whose money is what, by double entry, with two-phase transfers as TigerBeetle has them.
//!
//! Promises: every transfer balances in each currency, and the database refuses one that does not; nothing is changed
//! afterwards, corrections are new transfers that name what they take back; the same id is the same transfer, once;
//! what is held is posted, voided or expired exactly once; balances are kept in the transaction of their entries, and
//! a limited account is never overdrawn but by a reversal. Owns: `ledger_accounts`, `ledger_balances`,
//! `ledger_transfers`, `ledger_entries`, `ledger_holds`, `ledger_checks`. Emits: `ledger.check`,
//! `ledger.expire_holds`, `ledger.make_partitions`. Calls: nobody.
//!
//! [`post`] and [`bulk_load`] are the only ways in. `docs/payouts.md` draws the chart of accounts.

mod bulk_load;
mod check;
mod error;
mod jobs;
mod model;
mod movements;
mod post;
mod store;
#[cfg(test)]
mod tests;
mod upkeep;

pub use bulk_load::{Loader, bulk_load};
pub use check::{Check, FINDINGS_MAX, Finding, check, check_with, latest_check};
pub use error::LedgerError;
pub(crate) use jobs::QUEUE;
pub use jobs::{CheckLedger, ExpireHolds, MakePartitions};
pub use model::{
    Account, AccountCode, Balance, Funds, HOT_SHARDS, ID_AGE_MAX_DAYS, LEGS_MAX, Leg, Movement,
    Movements, NewTransfer, Outcome, Side, Step, TransferId, TransferKind,
};
pub use movements::{creator_months, creator_movements};
pub use post::{POST_MAX, Posted, post};
pub use upkeep::{EXPIRE_STEP_MAX, expire_holds, make_partitions};

use sqlx::PgConnection;

use crate::creators::CreatorId;

/// A creator's accounts and what is on them, by code and currency; without those that were never used.
///
/// # Errors
/// If the database cannot be read.
pub async fn creator_balances(
    conn: &mut PgConnection,
    creator: CreatorId,
) -> sqlx::Result<Vec<(Account, Balance)>> {
    store::balances::of_owner(conn, Some(creator)).await
}

/// The platform's accounts and what is on them.
///
/// # Errors
/// If the database cannot be read.
pub async fn platform_balances(conn: &mut PgConnection) -> sqlx::Result<Vec<(Account, Balance)>> {
    store::balances::of_owner(conn, None).await
}
