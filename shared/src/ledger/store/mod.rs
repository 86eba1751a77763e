//! The SQL of the ledger.

pub(super) mod balances;
pub(super) mod checks;
pub(super) mod links;
pub(super) mod load;
pub(super) mod movements;
pub(super) mod transfers;

use sqlx::PgConnection;
use sqlx::types::Uuid;

use super::Account;
use crate::creators::CreatorId;
use crate::kernel::{TypedId, stored};

/// The owner as it is stored: zero for the platform.
fn owner(account: &Account) -> Uuid {
    account.owner.map_or(Uuid::nil(), TypedId::uuid)
}

/// An account as it was stored.
fn account(owner: Uuid, code: &str, currency: &str) -> sqlx::Result<Account> {
    Ok(Account {
        owner: (!owner.is_nil()).then(|| CreatorId::from(owner)),
        code: stored("code", code)?,
        currency: stored("currency", currency)?,
    })
}

/// Has Postgres plan the statements of a posting once a connection, until [`transfers::insert`] has written it or the
/// transaction ends. By itself it plans them anew for every set of arrays, as it believes that ten rows come out of an array
/// it does not know; that took longer than what the plan then did, and for large sets more than twice as long.
pub(in crate::ledger) async fn keep_plans(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("select set_config('plan_cache_mode', 'force_generic_plan', true) as plans")
        .fetch_one(conn)
        .await
        .map(drop)
}
