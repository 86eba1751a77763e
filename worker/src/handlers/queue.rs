//! The queue's own work: bulk operations.

use std::time::Duration;

use shared::kernel::Classify;
use shared::kernel::ErrorKind;
use shared::queue::bulk::{self, BulkError, BulkWork, CarriedOn};
use shared::queue::{Done, Failure, Outcome, fail, retry, snooze};

use crate::job_cx::JobCx;
use crate::registry::Registry;

pub(super) fn register(registry: Registry) -> Registry {
    registry.on::<BulkWork, _, _>(carry_on)
}

async fn carry_on(job: BulkWork, cx: JobCx) -> Outcome {
    cx.ensure_live()?;
    let stop = || cx.cancelled().is_cancelled() || cx.ensure_live().is_err();
    let progress = |done| cx.progress(done, None);
    let (db, catalog) = (&cx.app.db, &cx.app.catalog);
    let carried = bulk::carry_on(db, catalog, || cx.ctx(), job.operation_id, stop, progress).await;
    match carried {
        Ok(CarriedOn::Ended) => Ok(Done::NOTHING),
        Ok(CarriedOn::Again(wait)) => Err(snooze(
            wait.max(Duration::from_millis(1)),
            "there is more to do",
        )),
        Err(error) => Err(follow(error, &job, &cx).await),
    }
}

async fn follow(error: BulkError, job: &BulkWork, cx: &JobCx) -> Failure {
    let hopeless = matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Invalid);
    if (hopeless || cx.is_last_attempt())
        && let Err(unnoted) = bulk::give_up(&cx.app.db, job.operation_id, &error.to_string()).await
    {
        // the operation then stands still as `running`; resuming it begins its work anew
        tracing::error!(operation = %job.operation_id, error = %unnoted, "a bulk operation could not be marked as failed");
    }
    if hopeless { fail(error) } else { retry(error) }
}
