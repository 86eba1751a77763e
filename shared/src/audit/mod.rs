//! Audit: a record of everything done that nobody can change unseen.
//!
//! Promises: an entry is written in the transaction of what it tells, so there is neither without the other; entries are
//! never changed or removed, and each is covered by the hash of every later one; people's data stands beside the chain
//! and can be erased without breaking it. Owns: `audit_entries`, `audit_chain`, `audit_personal`. Emits: nothing.
//! Calls: nobody, and may be called by all.
//!
//! [`record`] may be called at any moment of a transaction: the database links the entry when the transaction commits,
//! so the lock on the chain is never held while somebody waits for a row. What no lock can give: who may rewrite the
//! whole database can also make a new chain. Note the head that [`verify`] answers somewhere else, and give it to a
//! later verification as its [`Anchor`].

mod canonical;
mod entry;
mod erase;
mod list;
mod store;
#[cfg(test)]
mod tests;
mod verify;

pub use canonical::VALUE_MAX_BYTES;
pub use entry::{Entry, Subject};
pub use erase::erase_personal;
pub use list::{AuditFilter, Recorded, list};
pub use verify::{Anchor, Broken, ChainHash, Fault, InvalidHash, VERIFY_MAX, Verification, verify};

use sqlx::PgConnection;

use crate::kernel::{Ctx, typed_id};

typed_id!(
    /// One audit entry.
    AuditId,
    "audit"
);

/// Records one thing that the caller's transaction does.
///
/// # Errors
/// If the database refuses; then the transaction must not be committed.
pub async fn record(conn: &mut PgConnection, ctx: &Ctx, entry: Entry) -> sqlx::Result<()> {
    record_all(conn, ctx, vec![entry]).await
}

/// Records many things at once, in the order given; for work on whole sets.
///
/// # Errors
/// As [`record`].
pub async fn record_all(
    conn: &mut PgConnection,
    ctx: &Ctx,
    entries: Vec<Entry>,
) -> sqlx::Result<()> {
    let mut columns = store::Columns::default();
    for entry in entries {
        columns.push(entry.written(ctx, rand::random)?);
    }
    store::insert(conn, ctx.now(), &columns).await
}
