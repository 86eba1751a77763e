//! The ledger and earnings: maturing, converting, releasing holds, partitions ahead, and the nightly check.

use serde_json::json;
use shared::earnings::{self, ConvertEarnings, MatureEarnings};
use shared::ledger::{
    self, CheckLedger, EXPIRE_STEP_MAX, ExpireHolds, LedgerError, MakePartitions,
};
use shared::payouts;
use shared::queue::{Done, Failure, Next, Outcome, fail, retry};

use super::follow;
use crate::job_cx::JobCx;
use crate::registry::Registry;

/// Missing rates that a job tells of at the most.
const MISSING_TOLD_MAX: usize = 50;

pub(super) fn register(registry: Registry) -> Registry {
    registry
        .on::<MatureEarnings, _, _>(mature)
        .on::<ConvertEarnings, _, _>(convert)
        .on::<ExpireHolds, _, _>(expire)
        .on::<MakePartitions, _, _>(make_partitions)
        .on::<CheckLedger, _, _>(check)
}

async fn mature(_: MatureEarnings, cx: JobCx) -> Outcome {
    let mut done = 0;
    loop {
        go_on(&cx)?;
        let ctx = cx.ctx();
        let mut tx = cx.app.db.begin().await.map_err(retry)?;
        let step = earnings::mature_step(&mut tx, &ctx).await.map_err(follow)?;
        cx.app.db.commit(tx, &ctx).await.map_err(retry)?;
        done += step.done;
        if !step.more {
            return Ok(Done::output(&json!({ "matured": done })));
        }
    }
}

async fn convert(_: ConvertEarnings, cx: JobCx) -> Outcome {
    let missing = fix_rates(&cx).await?;
    let mut converted = 0;
    loop {
        go_on(&cx)?;
        let ctx = cx.ctx();
        let mut tx = cx.app.db.begin().await.map_err(retry)?;
        let step = earnings::convert_step(&mut tx, &ctx)
            .await
            .map_err(follow)?;
        cx.app.db.commit(tx, &ctx).await.map_err(retry)?;
        converted += step.done;
        if !step.more {
            return Ok(Done::output(
                &json!({ "converted": converted, "withoutRate": missing }),
            ));
        }
    }
}

/// Fixes the rates that earnings wait for; answers the first of those that are missing, in words.
async fn fix_rates(cx: &JobCx) -> Result<Vec<String>, Failure> {
    let (mut missing, mut place) = (Vec::new(), None);
    loop {
        go_on(cx)?;
        let ctx = cx.ctx();
        let mut tx = cx.app.db.begin().await.map_err(retry)?;
        let step = earnings::fix_rates(&mut tx, &ctx, place)
            .await
            .map_err(follow)?;
        cx.app.db.commit(tx, &ctx).await.map_err(retry)?;
        let told = step
            .missing
            .iter()
            .map(|(of, day)| format!("{of} on {day}"));
        missing.extend(told.take(MISSING_TOLD_MAX.saturating_sub(missing.len())));
        place = step.next;
        if place.is_none() {
            return Ok(missing);
        }
    }
}

async fn expire(_: ExpireHolds, cx: JobCx) -> Outcome {
    let mut released = 0;
    loop {
        go_on(&cx)?;
        let ctx = cx.ctx();
        let mut tx = cx.app.db.begin().await.map_err(retry)?;
        let step = ledger::expire_holds(&mut tx, &ctx).await.map_err(follow)?;
        cx.app.db.commit(tx, &ctx).await.map_err(retry)?;
        released += step;
        if i64::try_from(step).unwrap_or(i64::MAX) < EXPIRE_STEP_MAX {
            return Ok(Done::output(&json!({ "released": released })));
        }
    }
}

async fn make_partitions(_: MakePartitions, cx: JobCx) -> Outcome {
    let ctx = cx.ctx();
    let today = ctx.now().date_naive();
    let mut tx = cx.app.db.begin().await.map_err(retry)?;
    let ledgers = ledger::make_partitions(&mut tx, today)
        .await
        .map_err(retry)?;
    let earnings = earnings::make_partitions(&mut tx, today)
        .await
        .map_err(retry)?;
    cx.app.db.commit(tx, &ctx).await.map_err(retry)?;
    Ok(Done::output(&json!({ "made": ledgers + earnings })))
}

/// What does not hold will not mend itself: the job is dead at once, and somebody has to look.
async fn check(_: CheckLedger, cx: JobCx) -> Outcome {
    let (ctx, db) = (cx.ctx(), &cx.app.db);
    let mut conn = db.pool().acquire().await.map_err(retry)?;
    let beside = payouts::check(&mut conn).await.map_err(retry)?;
    drop(conn);
    match ledger::check_with(db, &ctx, beside).await {
        Ok(check) => Ok(Done::output(
            &json!({ "entries": check.entries, "tookMs": check.took_ms }),
        )),
        Err(error @ LedgerError::DoesNotHold(_)) => Err(fail(error)),
        Err(error) => Err(follow(error)),
    }
}

fn go_on(cx: &JobCx) -> Result<(), Failure> {
    cx.ensure_live()?;
    if cx.cancelled().is_cancelled() {
        return Err(Failure::told(Next::Cancelled, "asked to stop"));
    }
    Ok(())
}
