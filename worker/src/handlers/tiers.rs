//! Tiers: evaluating everybody, or one creator at once, and taking back what was set by hand.

use serde_json::json;
use shared::queue::{Done, Failure, Next, Outcome, retry, snooze};
use shared::tiers::{self, EndTierOverride, EvaluateTier, OverrideEnd, RecalculateTiers, RunStep};

use super::follow;
use crate::job_cx::JobCx;
use crate::registry::Registry;

pub(super) fn register(registry: Registry) -> Registry {
    registry
        .on::<RecalculateTiers, _, _>(recalculate)
        .on::<EvaluateTier, _, _>(evaluate)
        .on::<EndTierOverride, _, _>(end_override)
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

async fn end_override(job: EndTierOverride, cx: JobCx) -> Outcome {
    let ctx = cx.ctx();
    let mut tx = cx.app.db.begin().await.map_err(retry)?;
    let end = tiers::end_override(&mut tx, &ctx, &job)
        .await
        .map_err(follow)?;
    cx.app.db.commit(tx, &ctx).await.map_err(retry)?;
    match end {
        OverrideEnd::NotBefore(at) => Err(snooze(
            (at - ctx.now()).to_std().unwrap_or_default(),
            "its time has not come",
        )),
        OverrideEnd::TakenBack | OverrideEnd::NoneSet => Ok(Done::NOTHING),
    }
}
