//! Tiers: evaluating everybody, or one creator at once.

use serde_json::json;
use shared::queue::{Done, Failure, Next, Outcome, retry};
use shared::tiers::{self, EvaluateTier, RecalculateTiers, RunStep};

use super::follow;
use crate::job_cx::JobCx;
use crate::registry::Registry;

pub(super) fn register(registry: Registry) -> Registry {
    registry
        .on::<RecalculateTiers, _, _>(recalculate)
        .on::<EvaluateTier, _, _>(evaluate)
}

async fn recalculate(_: RecalculateTiers, cx: JobCx) -> Outcome {
    loop {
        cx.ensure_live()?;
        if cx.cancelled().is_cancelled() {
            return Err(Failure::told(Next::Cancelled, "asked to stop"));
        }
        let ctx = cx.ctx();
        let mut tx = cx.app.db.begin().await.map_err(retry)?;
        let step = tiers::run_step(&mut tx, &ctx).await.map_err(follow)?;
        cx.app.db.commit(tx, &ctx).await.map_err(retry)?;
        if let RunStep::Finished(run) = step {
            return Ok(Done::output(&json!({
                "runId": run.id,
                "day": run.day,
                "evaluated": run.evaluated,
                "promoted": run.promoted,
                "demoted": run.demoted,
            })));
        }
    }
}

async fn evaluate(job: EvaluateTier, cx: JobCx) -> Outcome {
    let ctx = cx.ctx();
    let mut tx = cx.app.db.begin().await.map_err(retry)?;
    tiers::evaluate(&mut tx, &ctx, job.creator_id)
        .await
        .map_err(follow)?;
    cx.app.db.commit(tx, &ctx).await.map_err(retry)?;
    Ok(Done::NOTHING)
}
