//! Choosing the payouts of a file, and settling what stands in it.

use std::collections::HashMap;

use serde_json::json;
use sha2::{Digest, Sha256};
use sqlx::PgConnection;

use super::file::{self, File, Item};
use crate::audit::{self, Entry};
use crate::compliance;
use crate::creators::CreatorId;
use crate::kernel::Ctx;
use crate::payouts::model::BatchHead;
use crate::payouts::store::batches::Candidate;
use crate::payouts::{
    BATCH_MAX, Batch, BatchFormat, BatchId, BatchState, Carriers, DestinationState, PayoutError,
    PayoutId, PayoutState, REASON_MAX_CHARS, step, store,
};
use crate::providers::payout::files::FileError;

/// What one step did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WriteStep {
    /// The file that is to be handed over.
    pub batch: Option<Batch>,
    /// Payouts that must not go out after all.
    pub held: usize,
}

impl WriteStep {
    /// Whether there was nothing to do.
    pub const fn is_nothing(&self) -> bool {
        self.batch.is_none() && self.held == 0
    }
}

/// Puts what is scheduled into a file, at most [`BATCH_MAX`] payouts, the oldest first; what must not go out, or cannot be
/// in a file, is held with the reason. Everything in sets.
///
/// # Errors
/// If nobody is set who pays in the format, or the database refuses; then nothing was done.
pub async fn write_step(
    conn: &mut PgConnection,
    ctx: &Ctx,
    carriers: &Carriers,
    format: BatchFormat,
) -> Result<WriteStep, PayoutError> {
    let files = carriers.files(format)?;
    let taken = store::batches::take(conn, format, BATCH_MAX).await?;
    if taken.is_empty() {
        return Ok(WriteStep::default());
    }
    let creators: Vec<CreatorId> = taken.iter().map(|one| one.creator).collect();
    let against = compliance::payable_many(conn, ctx, &creators).await?;
    let mut held: Vec<(PayoutId, String)> = Vec::new();
    let mut items = Vec::with_capacity(taken.len());
    for one in taken {
        match why_not(&one, &against) {
            Some(why) => held.push((one.sealed.id, why)),
            None => items.push(Item::opened(carriers, one.sealed)?),
        }
    }
    let (counted_before, nth_of_day) = store::batches::numbers(conn, ctx, format).await?;
    let head = BatchHead {
        id: BatchId::new(),
        format,
        created_at: ctx.now(),
        counted_before,
        nth_of_day,
    };
    let written = match file::write(files, &head, &items) {
        Err(FileError::Payment { .. }) => {
            let unfit: HashMap<PayoutId, String> =
                file::unfit(files, &head, &items)?.into_iter().collect();
            items.retain(|item| !unfit.contains_key(&item.id));
            held.extend(unfit);
            file::write(files, &head, &items)
        }
        other => other,
    };
    let batch = match written {
        Ok(file) => Some(keep(conn, ctx, &head, &items, &file).await?),
        Err(FileError::Empty) => None,
        Err(error) => return Err(error.into()),
    };
    hold(conn, ctx, &held).await?;
    Ok(WriteStep {
        batch,
        held: held.len(),
    })
}

/// Why a payout that was approved must not go out after all.
fn why_not(
    one: &Candidate,
    against: &HashMap<CreatorId, Vec<compliance::Reason>>,
) -> Option<String> {
    let reasons = against
        .get(&one.creator)
        .map_or(&[compliance::Reason::CreatorUnknown][..], Vec::as_slice);
    if !reasons.is_empty() {
        let said: Vec<String> = reasons.iter().map(ToString::to_string).collect();
        return Some(said.join("; "));
    }
    if one.destination_state != DestinationState::Verified {
        return Some("the destination is not verified any more".to_owned());
    }
    (one.approvals < i64::from(one.approvals_needed))
        .then(|| "too few people have approved it".to_owned())
}

async fn keep(
    conn: &mut PgConnection,
    ctx: &Ctx,
    head: &BatchHead,
    items: &[Item],
    file: &File,
) -> Result<Batch, PayoutError> {
    let (method, currency) = head.format.pays();
    let overflow = |_| sqlx::Error::Encode("a file of that size cannot be kept".into());
    let batch = Batch {
        id: head.id,
        method,
        currency,
        format: head.format,
        state: BatchState::Written,
        file_name: head.file_name(),
        sha256: Sha256::digest(&file.bytes).into(),
        size_bytes: i64::try_from(file.bytes.len()).map_err(overflow)?,
        payouts: i32::try_from(items.len()).map_err(overflow)?,
        total_minor: items.iter().map(|item| item.net.minor).sum(),
        counted_before: head.counted_before,
        nth_of_day: head.nth_of_day,
        attempts: 0,
        created_at: head.created_at,
        created_by: ctx.actor.to_string(),
        handed_over_at: None,
        failed_at: None,
        failure: None,
    };
    store::batches::insert(conn, &batch).await?;
    let ids: Vec<PayoutId> = items.iter().map(|item| item.id).collect();
    store::batches::fill(conn, ctx, head.id, &ids, &file.traces).await?;
    let moved: Vec<_> = ids.iter().map(|id| (*id, None)).collect();
    let path = [PayoutState::Scheduled, PayoutState::Batched];
    step::note_many(conn, ctx, &moved, &path).await?;
    let entry = Entry::new("payout_batch.write", batch.id).after(json!({
        "fileName": batch.file_name,
        "sha256": batch.sha256_hex(),
        "payouts": batch.payouts,
        "total": batch.total(),
    }));
    audit::record(conn, ctx, entry).await?;
    Ok(batch)
}

async fn hold(
    conn: &mut PgConnection,
    ctx: &Ctx,
    held: &[(PayoutId, String)],
) -> Result<(), PayoutError> {
    let cut: Vec<(PayoutId, Option<String>)> = held
        .iter()
        .map(|(id, why)| (*id, Some(why.chars().take(REASON_MAX_CHARS).collect())))
        .collect();
    store::batches::hold(conn, ctx, &cut).await?;
    let path = [PayoutState::Scheduled, PayoutState::ComplianceHold];
    step::note_many(conn, ctx, &cut, &path).await
}
