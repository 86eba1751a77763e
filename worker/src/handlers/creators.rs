//! Creators: suspensions that end, and operations on many.

use shared::creators::{
    self, CreatorBulkState, CreatorBulkWork, CreatorError, LiftSuspension, Lifted, NotifySuspension,
};
use shared::kernel::{Classify, ErrorKind};
use shared::messaging;
use shared::queue::{Done, Failure, Next, Outcome, retry, snooze};

use super::{follow, told};
use crate::job_cx::JobCx;
use crate::registry::Registry;

pub(super) fn register(registry: Registry) -> Registry {
    registry
        .on::<LiftSuspension, _, _>(lift_suspension)
        .on::<NotifySuspension, _, _>(notify_suspension)
        .on::<CreatorBulkWork, _, _>(bulk)
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

async fn notify_suspension(job: NotifySuspension, cx: JobCx) -> Outcome {
    let mailer = &cx.app.sender.mailer;
    let mut slots = mailer.slots(1).await;
    cx.ensure_live()?;
    let mut conn = cx.app.db.pool().acquire().await.map_err(retry)?;
    let (identity, links) = (mailer.identity(), mailer.links());
    let notice = messaging::suspension_notice(&mut conn, &cx.ctx(), identity, links, &job).await;
    drop(conn);
    let (Some(mail), Some(slot)) = (notice.map_err(follow)?, slots.take()) else {
        return Ok(Done::NOTHING);
    };
    told(mailer.send(slot, &mail).await)
}

async fn bulk(job: CreatorBulkWork, cx: JobCx) -> Outcome {
    loop {
        cx.ensure_live()?;
        if cx.cancelled().is_cancelled() {
            return Err(Failure::told(Next::Cancelled, "asked to stop"));
        }
        let ctx = cx.ctx();
        let mut tx = cx.app.db.begin().await.map_err(retry)?;
        let operation = match creators::step_bulk(&mut tx, &ctx, job.operation_id).await {
            Ok(operation) => operation,
            Err(error) => {
                drop(tx);
                return Err(give_up(error, &job, &cx).await);
            }
        };
        cx.app.db.commit(tx, &ctx).await.map_err(retry)?;
        if operation.matched > 0 {
            let visited = (operation.done + operation.skipped) as f32;
            cx.progress((visited / operation.matched as f32).min(1.0), None);
        }
        if operation.state != CreatorBulkState::Running {
            return Ok(Done::NOTHING);
        }
    }
}

/// What follows from a step that failed; after the last attempt the operation is told so.
async fn give_up(error: CreatorError, job: &CreatorBulkWork, cx: &JobCx) -> Failure {
    let hopeless = matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Invalid);
    if hopeless || cx.is_last_attempt() {
        let (ctx, why) = (cx.ctx(), error.to_string());
        let noted = async {
            let mut tx = cx.app.db.begin().await?;
            creators::fail_bulk(&mut tx, &ctx, job.operation_id, &why).await?;
            Ok::<_, CreatorError>(cx.app.db.commit(tx, &ctx).await?)
        };
        if let Err(unnoted) = noted.await {
            // it then stands still as `running`; replaying the dead job carries it on
            tracing::error!(operation = %job.operation_id, error = %unnoted, "an operation could not be marked as failed");
        }
    }
    follow(error)
}
