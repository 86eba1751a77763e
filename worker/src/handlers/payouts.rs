//! Payouts: handing over, asking, and looking for what is due.

use serde_json::json;
use shared::payouts::{
    self, AskPayout, PayoutError, RunPayouts, SWEEP_MAX, Step, SubmitPayout, SweepPayouts,
};
use shared::queue::{Done, Outcome, retry};

use super::follow;
use crate::job_cx::JobCx;
use crate::registry::Registry;

pub(super) fn register(registry: Registry) -> Registry {
    registry
        .on::<SubmitPayout, _, _>(submit)
        .on::<AskPayout, _, _>(ask)
        .on::<SweepPayouts, _, _>(sweep)
        .on::<RunPayouts, _, _>(run)
}

async fn submit(job: SubmitPayout, cx: JobCx) -> Outcome {
    cx.ensure_live()?;
    let ctx = cx.ctx();
    let done = payouts::submit(&cx.app.db, &ctx, &cx.app.carriers, &job).await;
    told(done)
}

async fn ask(job: AskPayout, cx: JobCx) -> Outcome {
    cx.ensure_live()?;
    let ctx = cx.ctx();
    let done = payouts::ask(&cx.app.db, &ctx, &cx.app.carriers, job.payout_id).await;
    told(done)
}

fn told(done: Result<Step, PayoutError>) -> Outcome {
    match done {
        Ok(Step::Stands(state)) => Ok(Done::output(&json!({ "state": state }))),
        Ok(Step::Nothing) => Ok(Done::NOTHING),
        Err(error) => Err(follow(error)),
    }
}

async fn sweep(_: SweepPayouts, cx: JobCx) -> Outcome {
    let (mut found, mut ended) = (0, 0);
    loop {
        cx.ensure_live()?;
        let ctx = cx.ctx();
        let mut tx = cx.app.db.begin().await.map_err(retry)?;
        let due = payouts::sweep_step(&mut tx, &ctx).await.map_err(follow)?;
        let overdue = payouts::expire_step(&mut tx, &ctx).await.map_err(follow)?;
        cx.app.db.commit(tx, &ctx).await.map_err(retry)?;
        found += due;
        ended += overdue;
        let more = |step| i64::try_from(step).is_ok_and(|step| step == SWEEP_MAX);
        if !more(due) && !more(overdue) {
            return Ok(Done::output(&json!({ "found": found, "expired": ended })));
        }
    }
}

async fn run(_: RunPayouts, cx: JobCx) -> Outcome {
    let (mut looked_at, mut requested) = (0, 0);
    loop {
        cx.ensure_live()?;
        let ctx = cx.ctx();
        let mut tx = cx.app.db.begin().await.map_err(retry)?;
        let step = payouts::run_step(&mut tx, &ctx, &cx.app.carriers)
            .await
            .map_err(follow)?;
        cx.app.db.commit(tx, &ctx).await.map_err(retry)?;
        looked_at += step.looked_at;
        requested += step.requested;
        if !step.more {
            return Ok(Done::output(
                &json!({ "lookedAt": looked_at, "requested": requested }),
            ));
        }
    }
}
