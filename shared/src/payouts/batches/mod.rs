//! Payouts that go out together in files: made in one transaction, handed over, and noted in another. Who dies in between
//! leaves a file that is `written`; it is made again from the same rows, is the same, and is handed over once.

mod file;
mod hand_over;
mod write;

use serde_json::json;
use sqlx::PgConnection;

pub use hand_over::{HandOver, hand_over_batch, next_batch};
#[cfg(test)]
pub(super) use hand_over::{note_answer, prepare};
pub use write::{WriteStep, write_step};

use super::{
    Batch, BatchDetail, BatchFormat, BatchId, BatchPayouts, Carriers, PayoutError, PayoutMethod,
    store,
};
use crate::audit::{self, Entry, Subject};
use crate::kernel::money::Currency;
use crate::kernel::{Ctx, Cursor, FieldError, Page, PageRequest, TypedId};
use crate::queue::{JobId, enqueue};

/// Asks for files of what is scheduled by a method in a currency; a job that waits already will do.
///
/// # Errors
/// If the caller is limited to some clusters, these payouts do not go out in files, or nothing is set for it.
pub async fn ask_for_batches(
    conn: &mut PgConnection,
    ctx: &Ctx,
    carriers: &Carriers,
    method: PayoutMethod,
    currency: Currency,
) -> Result<JobId, PayoutError> {
    ensure_unlimited(ctx)?;
    let invalid = |field, message| Err(PayoutError::Invalid(vec![FieldError::new(field, message)]));
    if !method.goes_in_files() {
        let message = "goes out by itself; in files go bank_transfer and check".to_owned();
        return invalid("/method", message);
    }
    let Some(format) = BatchFormat::of(method, currency) else {
        let message = format!("there is no file for {method} in {currency}");
        return invalid("/currency", message);
    };
    carriers.ensure(method, currency)?;
    let job = BatchPayouts {
        format: Some(format),
    };
    let id = enqueue(conn, ctx, &job).await?.id();
    let subject = Subject::named("payout_batches", format.as_str());
    let entry = Entry::new("payout_batch.ask", subject).after(json!({ "jobId": id }));
    audit::record(conn, ctx, entry).await?;
    Ok(id)
}

/// Files, the latest first.
///
/// # Errors
/// If the caller is limited to some clusters, or the cursor is not ours.
pub async fn list_batches(
    conn: &mut PgConnection,
    ctx: &Ctx,
    page: &PageRequest,
) -> Result<Page<Batch>, PayoutError> {
    ensure_unlimited(ctx)?;
    let before: Option<store::payouts::Place> =
        page.cursor.as_ref().map(Cursor::decode).transpose()?;
    let limit = page.limit();
    let rows = store::batches::list(conn, before, limit + 1).await?;
    Ok(Page::of(rows, limit, |batch| {
        (batch.created_at, batch.id.uuid())
    }))
}

/// One file with where its payouts stand.
///
/// # Errors
/// If there is none, or the caller is limited to some clusters.
pub async fn show_batch(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: BatchId,
) -> Result<BatchDetail, PayoutError> {
    ensure_unlimited(ctx).map_err(|_| PayoutError::NoBatch(id))?;
    let batch = store::batches::find(conn, id).await?;
    Ok(BatchDetail {
        batch: batch.ok_or(PayoutError::NoBatch(id))?,
        states: store::batches::states(conn, id).await?,
    })
}

/// A file has payouts of all clusters.
pub(super) fn ensure_unlimited(ctx: &Ctx) -> Result<(), PayoutError> {
    let reach = ctx.actor.reach();
    if reach.clusters.is_some() || reach.creator.is_some() {
        return Err(PayoutError::Limited);
    }
    Ok(())
}
