//! Exchange rates: importing the bank's.

use serde_json::json;
use shared::fx::{self, ImportRates};
use shared::queue::{Done, Outcome, retry};

use super::follow;
use crate::job_cx::JobCx;
use crate::registry::Registry;

pub(super) fn register(registry: Registry) -> Registry {
    registry.on::<ImportRates, _, _>(import)
}

async fn import(job: ImportRates, cx: JobCx) -> Outcome {
    let document = cx.app.rates.fetch(job.span).await.map_err(retry)?;
    cx.ensure_live()?;
    let ctx = cx.ctx();
    let mut tx = cx.app.db.begin().await.map_err(retry)?;
    let done = fx::import(&mut tx, &ctx, &document.origin, &document.bytes)
        .await
        .map_err(follow)?;
    let unused = fx::purge_quotes(&mut tx, &ctx).await.map_err(follow)?;
    cx.app.db.commit(tx, &ctx).await.map_err(retry)?;
    Ok(Done::output(&json!({
        "importId": done.id,
        "firstDay": done.first_day,
        "lastDay": done.last_day,
        "added": done.added,
        "corrected": done.corrected,
        "unchanged": done.unchanged,
        "unusedQuotesRemoved": unused,
    })))
}
