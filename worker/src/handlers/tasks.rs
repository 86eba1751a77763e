//! Tasks: reminders.

use shared::queue::{Done, Outcome, retry};
use shared::tasks::{self, RemindTask};

use super::follow;
use crate::job_cx::JobCx;
use crate::registry::Registry;

pub(super) fn register(registry: Registry) -> Registry {
    registry.on::<RemindTask, _, _>(remind)
}

async fn remind(job: RemindTask, cx: JobCx) -> Outcome {
    let ctx = cx.ctx();
    let mut tx = cx.app.db.begin().await.map_err(retry)?;
    let reminded = tasks::remind(&mut tx, &ctx, &job).await.map_err(follow)?;
    cx.app.db.commit(tx, &ctx).await.map_err(retry)?;
    Ok(Done::output(&reminded))
}
