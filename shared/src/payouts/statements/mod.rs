//! What banks say of payouts: files are read whole or refused whole, and each entry is then looked at, in sets.
//!
//! A file is known by its SHA-256 and is not kept: it has accounts and names of others. What two files say counts once,
//! by what it proves of a payout or by the bank's own reference. Nothing is closed on an amount that differs.

mod about_batch;
mod codes;
mod decide;
mod folder;
mod matching;
mod take;

use sqlx::PgConnection;

pub use decide::{MatchByHand, dismiss_entry, match_entry};
pub use folder::{FolderFile, take_file, waiting_files};
pub use matching::{MATCH_STEP, MatchStep, match_step};
pub use take::{StatementFile, take_statement};

use super::batches::ensure_unlimited;
use super::{
    BankStatement, BankStatementDetail, EntryFilter, PayoutError, StatementEntry, StatementId,
    store,
};
use crate::kernel::{Ctx, Cursor, Page, PageRequest, TypedId};

/// Statements, the latest first.
///
/// # Errors
/// If the caller is limited to some clusters, or the cursor is not ours.
pub async fn list_statements(
    conn: &mut PgConnection,
    ctx: &Ctx,
    page: &PageRequest,
) -> Result<Page<BankStatement>, PayoutError> {
    ensure_unlimited(ctx)?;
    let before: Option<store::payouts::Place> =
        page.cursor.as_ref().map(Cursor::decode).transpose()?;
    let limit = page.limit();
    let rows = store::statements::list(conn, before, limit + 1).await?;
    Ok(Page::of(rows, limit, |one| (one.taken_at, one.id.uuid())))
}

/// One statement with what it says as a whole, and where its entries stand.
///
/// # Errors
/// If there is none, or the caller is limited to some clusters.
pub async fn show_statement(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: StatementId,
) -> Result<BankStatementDetail, PayoutError> {
    ensure_unlimited(ctx).map_err(|_| PayoutError::NoStatement(id))?;
    let statement = store::statements::find(conn, id).await?;
    Ok(BankStatementDetail {
        statement: statement.ok_or(PayoutError::NoStatement(id))?,
        accounts: store::statements::accounts(conn, id).await?,
        sums: store::statements::sums(conn, id).await?,
    })
}

/// Entries of statements that match, the latest taken in first.
///
/// # Errors
/// If the caller is limited to some clusters, or the cursor is not ours.
pub async fn list_entries(
    conn: &mut PgConnection,
    ctx: &Ctx,
    filter: &EntryFilter,
    page: &PageRequest,
) -> Result<Page<StatementEntry>, PayoutError> {
    ensure_unlimited(ctx)?;
    let before: Option<uuid::Uuid> = page.cursor.as_ref().map(Cursor::decode).transpose()?;
    let limit = page.limit();
    let rows = store::entries::list(conn, filter, before, limit + 1).await?;
    Ok(Page::of(rows, limit, |entry| entry.id.uuid()))
}
