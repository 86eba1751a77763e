//! The SQL of the ledger.

pub(super) mod balances;
pub(super) mod checks;
pub(super) mod links;
pub(super) mod load;
pub(super) mod movements;
pub(super) mod transfers;

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
