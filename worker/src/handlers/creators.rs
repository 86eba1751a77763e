//! Creators: suspensions that end.

use shared::creators::{self, LiftSuspension, Lifted};
use shared::queue::{Done, Outcome, retry, snooze};

use super::follow;
use crate::job_cx::JobCx;
use crate::registry::Registry;

pub(super) fn register(registry: Registry) -> Registry {
    registry.on::<LiftSuspension, _, _>(lift_suspension)
}

async fn lift_suspension(job: LiftSuspension, cx: JobCx) -> Outcome {
    let ctx = cx.ctx();
    let mut tx = cx.app.db.begin().await.map_err(retry)?;
    let lifted = creators::lift_due(&mut tx, &ctx, &job)
        .await
        .map_err(follow)?;
    cx.app.db.commit(tx, &ctx).await.map_err(retry)?;
    match lifted {
        Lifted::NotBefore(at) => Err(snooze(
            (at - ctx.now()).to_std().unwrap_or_default(),
            "its time has not come",
        )),
        Lifted::Back(_) | Lifted::KeptByOthers | Lifted::NotSuspended => Ok(Done::NOTHING),
    }
}
