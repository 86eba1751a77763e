//! Privacy: documents of what is held about people, and erasures.

use serde_json::json;
use shared::privacy::{
    self, ErasePerson, ExportPerson, PrivacyError, RemovalStep, RemoveRetained, RequestId,
};
use shared::queue::{Done, Failure, Outcome, retry};

use super::follow;
use crate::job_cx::JobCx;
use crate::registry::Registry;

pub(super) fn register(registry: Registry) -> Registry {
    registry
        .on::<ExportPerson, _, _>(export)
        .on::<ErasePerson, _, _>(erase)
        .on::<RemoveRetained, _, _>(remove_retained)
}

async fn export(job: ExportPerson, cx: JobCx) -> Outcome {
    let ctx = cx.ctx();
    let mut tx = cx.app.db.begin().await.map_err(retry)?;
    if let Err(error) = privacy::write(&mut tx, &ctx, job.request_id).await {
        drop(tx);
        return Err(give_up(error, job.request_id, &cx).await);
    }
    cx.app.db.commit(tx, &ctx).await.map_err(retry)?;
    Ok(Done::NOTHING)
}

async fn erase(job: ErasePerson, cx: JobCx) -> Outcome {
    let ctx = cx.ctx();
    let digests = cx.app.sender.mailer.links().digests();
    let mut tx = cx.app.db.begin().await.map_err(retry)?;
    if let Err(error) = privacy::erase(&mut tx, &ctx, digests, job.request_id).await {
        drop(tx);
        return Err(give_up(error, job.request_id, &cx).await);
    }
    cx.app.db.commit(tx, &ctx).await.map_err(retry)?;
    Ok(Done::NOTHING)
}

async fn remove_retained(_: RemoveRetained, cx: JobCx) -> Outcome {
    loop {
        cx.ensure_wanted()?;
        let ctx = cx.ctx();
        let mut tx = cx.app.db.begin().await.map_err(retry)?;
        let step = privacy::removal_step(&mut tx, &ctx).await.map_err(follow)?;
        cx.app.db.commit(tx, &ctx).await.map_err(retry)?;
        if let RemovalStep::Finished(run) = step {
            return Ok(Done::Output(
                json!({ "runId": run.id, "outcome": run.outcome }),
            ));
        }
    }
}

/// What follows from a request that could not be carried out; after the last attempt it is told so.
async fn give_up(error: PrivacyError, request: RequestId, cx: &JobCx) -> Failure {
    let why = error.to_string();
    let failure = follow(error);
    if cx.is_last_attempt() {
        let ctx = cx.ctx();
        let noted = async {
            let mut tx = cx.app.db.begin().await?;
            privacy::fail(&mut tx, &ctx, request, &why).await?;
            Ok::<_, PrivacyError>(cx.app.db.commit(tx, &ctx).await?)
        };
        if let Err(unnoted) = noted.await {
            // it then stands still as `running`; replaying the dead job carries it on
            tracing::error!(%request, error = %unnoted, "a request could not be marked as failed");
        }
    }
    failure
}
