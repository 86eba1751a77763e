//! Putting files into the folder, once each.

use serde_json::json;
use sqlx::PgConnection;

use super::file::{self, Item};
use crate::audit::{self, Entry};
use crate::kernel::{Ctx, Db, TypedId};
use crate::payouts::model::BatchHead;
use crate::payouts::{
    Batch, BatchFormat, BatchId, BatchState, Carriers, PayoutError, PayoutState, REASON_MAX_CHARS,
    step, store,
};
use crate::providers::payout::drop_folder::DropFolder;
use crate::providers::payout::{
    Instruction, InstructionId, Order, PaymentFile, PayoutProvider, Submission,
};

/// What a handing over led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandOver {
    /// The file stands here now.
    Stands(BatchState),
    /// There was nothing to do: somebody else has done it.
    Nothing,
}

/// The oldest file of a format that is to be handed over.
///
/// # Errors
/// If the database cannot be read.
pub async fn next_batch(
    conn: &mut PgConnection,
    format: BatchFormat,
) -> Result<Option<BatchId>, PayoutError> {
    Ok(store::batches::next(conn, format).await?)
}

/// Hands a file over: it is made again, must come out the same, is put into the folder, and that is noted.
///
/// # Errors
/// If it comes out another, it is not known whether it was put there, or the database refuses. It is then tried again.
pub async fn hand_over_batch(
    db: &Db,
    ctx: &Ctx,
    carriers: &Carriers,
    id: BatchId,
) -> Result<HandOver, PayoutError> {
    let mut tx = db.begin().await?;
    let Some((format, instruction)) = prepare(&mut tx, carriers, id).await? else {
        return Ok(HandOver::Nothing);
    };
    db.commit(tx, ctx).await?;
    let path = carriers.files(format)?.folder.clone();
    let opened = tokio::task::spawn_blocking(move || DropFolder::open(path)).await;
    let folder = opened
        .map_err(std::io::Error::other)
        .and_then(|opened| opened)
        .map_err(|error| PayoutError::NotHandedOver(id, error.to_string()))?;
    let answer = folder.submit(&instruction, ctx.now()).await;
    let mut tx = db.begin().await?;
    let done = note_answer(&mut tx, ctx, id, folder.name(), answer).await?;
    db.commit(tx, ctx).await?;
    Ok(done)
}

/// Makes a file again that is to be handed over, and counts that.
pub(in crate::payouts) async fn prepare(
    conn: &mut PgConnection,
    carriers: &Carriers,
    id: BatchId,
) -> Result<Option<(BatchFormat, Instruction)>, PayoutError> {
    let batch = store::batches::lock(conn, id).await?;
    let batch = batch.ok_or(PayoutError::NoBatch(id))?;
    if batch.state != BatchState::Written {
        return Ok(None);
    }
    let sealed = store::batches::items(conn, &batch).await?;
    let items: Result<Vec<Item>, _> = sealed
        .into_iter()
        .map(|one| Item::opened(carriers, one))
        .collect();
    let files = carriers.files(batch.format)?;
    let file = file::write(files, &BatchHead::of(&batch), &items?)?;
    let file = PaymentFile {
        name: batch.file_name,
        content: file.bytes.into(),
    };
    if file.sha256() != batch.sha256 {
        return Err(PayoutError::FileChanged(id));
    }
    store::batches::count_attempt(conn, id).await?;
    let instruction = Instruction {
        id: InstructionId::from(id.uuid()),
        order: Order::File(file),
    };
    Ok(Some((batch.format, instruction)))
}

/// Notes what became of a handing over.
pub(in crate::payouts) async fn note_answer(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: BatchId,
    provider: &str,
    answer: Submission,
) -> Result<HandOver, PayoutError> {
    let batch = store::batches::lock(conn, id).await?;
    let batch = batch.ok_or(PayoutError::NoBatch(id))?;
    if batch.state != BatchState::Written {
        return Ok(HandOver::Nothing);
    }
    match answer {
        Submission::Accepted { reference } => {
            accepted(conn, ctx, &batch, provider, &reference).await
        }
        Submission::Refused { refusal, .. } => refused(conn, ctx, &batch, &refusal.message).await,
        Submission::NotSent { why, .. } | Submission::Unknown { why } => {
            Err(PayoutError::NotHandedOver(id, why))
        }
    }
}

async fn accepted(
    conn: &mut PgConnection,
    ctx: &Ctx,
    batch: &Batch,
    provider: &str,
    reference: &str,
) -> Result<HandOver, PayoutError> {
    store::batches::handed_over(conn, ctx, batch.id).await?;
    let ids = store::batches::send(conn, ctx, batch.id, provider, reference).await?;
    let moved: Vec<_> = ids.into_iter().map(|id| (id, None)).collect();
    let path = [
        PayoutState::Batched,
        PayoutState::Submitted,
        PayoutState::InTransit,
    ];
    step::note_many(conn, ctx, &moved, &path).await?;
    let entry = Entry::new("payout_batch.hand_over", batch.id)
        .before(json!({ "state": batch.state }))
        .after(json!({ "state": BatchState::HandedOver }));
    audit::record(conn, ctx, entry).await?;
    Ok(HandOver::Stands(BatchState::HandedOver))
}

/// The folder does not take it. If that was the first time, nothing has left: the payouts go out with another file. What
/// an earlier time came to, a refusal does not tell: then somebody has to look.
async fn refused(
    conn: &mut PgConnection,
    ctx: &Ctx,
    batch: &Batch,
    why: &str,
) -> Result<HandOver, PayoutError> {
    let why: String = why.chars().take(REASON_MAX_CHARS).collect();
    store::batches::failed(conn, ctx, batch.id, &why).await?;
    let is_first = batch.attempts <= 1;
    let (ids, path) = if is_first {
        let ids = store::batches::give_back(conn, ctx, batch.id).await?;
        (ids, vec![PayoutState::Batched, PayoutState::Scheduled])
    } else {
        let ids = store::batches::doubt(conn, ctx, batch.id, &why).await?;
        let path = vec![
            PayoutState::Batched,
            PayoutState::Submitted,
            PayoutState::Unknown,
        ];
        (ids, path)
    };
    let moved: Vec<_> = ids.into_iter().map(|id| (id, Some(why.clone()))).collect();
    step::note_many(conn, ctx, &moved, &path).await?;
    let entry = Entry::new("payout_batch.fail", batch.id)
        .before(json!({ "state": batch.state }))
        .after(json!({ "state": BatchState::Failed }))
        .reason(why);
    audit::record(conn, ctx, entry).await?;
    Ok(HandOver::Stands(BatchState::Failed))
}
