//! Campaigns: launching, sending, ending.

use std::time::Duration;

use chrono::{DateTime, Utc};
use shared::campaigns::{
    self, ChunkEnd, FinishCampaign, Finished, LaunchCampaign, LaunchPlace, Launched, SendDeliveries,
};
use shared::queue::{Done, Failure, Next, Outcome, retry, snooze};

use super::follow;
use crate::job_cx::JobCx;
use crate::registry::Registry;

/// How soon a cancelled campaign is looked at again whose last mails are still on their way.
const IN_FLIGHT_DELAY: Duration = Duration::from_secs(2);

pub(super) fn register(registry: Registry) -> Registry {
    registry
        .on::<LaunchCampaign, _, _>(launch)
        .on::<SendDeliveries, _, _>(send)
        .on::<FinishCampaign, _, _>(finish)
}

async fn launch(job: LaunchCampaign, cx: JobCx) -> Outcome {
    let mut place = LaunchPlace::START;
    loop {
        cx.ensure_wanted()?;
        let ctx = cx.ctx();
        let mut tx = cx.app.db.begin().await.map_err(retry)?;
        let step =
            campaigns::launch_step(&mut tx, &ctx, &cx.app.campaigns, job.campaign_id, place).await;
        let step = step.map_err(follow)?;
        cx.app.db.commit(tx, &ctx).await.map_err(retry)?;
        match step {
            Launched::GoOn(next) => place = next,
            Launched::WaitsUntil(at) => {
                return Err(snooze(until(at, ctx.now()), "its time has not come"));
            }
            Launched::Done | Launched::WaitsForRoom | Launched::NotUnderWay(_) => {
                return Ok(Done::NOTHING);
            }
        }
    }
}

async fn send(job: SendDeliveries, cx: JobCx) -> Outcome {
    let go_on = || !cx.cancelled().is_cancelled() && cx.ensure_live().is_ok();
    let end = cx
        .app
        .sender
        .send_chunk(&cx.ctx(), &job, cx.lease(), &go_on)
        .await;
    match end.map_err(follow)? {
        ChunkEnd::Closed | ChunkEnd::NotActive => Ok(Done::NOTHING),
        ChunkEnd::Later { delay, why } => Err(snooze(delay, why)),
        ChunkEnd::Stopped => Err(stopped(&cx)),
    }
}

async fn finish(job: FinishCampaign, cx: JobCx) -> Outcome {
    let mut after = -1;
    loop {
        cx.ensure_wanted()?;
        let ctx = cx.ctx();
        let mut tx = cx.app.db.begin().await.map_err(retry)?;
        let step =
            campaigns::finish(&mut tx, &ctx, &cx.app.campaigns, job.campaign_id, after).await;
        let step = step.map_err(follow)?;
        cx.app.db.commit(tx, &ctx).await.map_err(retry)?;
        match step {
            Finished::GoOn(last) => after = last,
            Finished::InFlight => return Err(snooze(IN_FLIGHT_DELAY, "mails are on their way")),
            Finished::Over | Finished::NotYet => return Ok(Done::NOTHING),
        }
    }
}

/// The job ends here; what is left is for its next run, unless somebody cancelled the job itself.
fn stopped(cx: &JobCx) -> Failure {
    cx.ensure_live()
        .err()
        .unwrap_or_else(|| Failure::told(Next::Cancelled, "asked to stop"))
}

fn until(at: DateTime<Utc>, now: DateTime<Utc>) -> Duration {
    (at - now).to_std().unwrap_or_default()
}
