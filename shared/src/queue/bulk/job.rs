//! The job that carries a bulk operation on.

use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::model::{BulkId, BulkState};
use super::{BulkError, Step, step, store};
use crate::kernel::{Ctx, Db, TypedId};
use crate::queue::{Catalog, Job, Policy, Priority};

/// How long one run goes on before it lets other jobs have their turn.
pub const RUN_SLICE: Duration = Duration::from_secs(20);
/// A pause between steps that is longer than this is spent waiting in the queue instead of in a slot.
const WAIT_IN_SLOT_MAX: Duration = Duration::from_secs(2);

/// Carries a bulk operation on, from where it is.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BulkWork {
    /// Which.
    pub operation_id: BulkId,
}

impl Job for BulkWork {
    const KIND: &'static str = "queue.bulk";
    const QUEUE: &'static str = "operations";
    const DESCRIPTION: &'static str =
        "Carries on a bulk operation on jobs, or takes one back, in small steps.";
    const POLICY: Policy = Policy {
        priority: Priority::High,
        timeout: Duration::from_secs(120),
        searchable: &["operationId"],
        ..Policy::DEFAULT
    };

    // Only while it waits: one that runs may have seen the operation paused and be about to end, so resuming must be able
    // to enqueue another. Steps exclude each other by the operation's row.
    fn unique_key(&self) -> Option<String> {
        Some(self.operation_id.uuid().simple().to_string())
    }
}

/// What follows after a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CarriedOn {
    /// Nothing: the operation is over, or waits to be resumed.
    Ended,
    /// Come again after this delay.
    Again(Duration),
}

/// Goes on with an operation for [`RUN_SLICE`] at the most, no faster than it may. `stop` is asked between steps;
/// `progress` is told the share that is done.
///
/// # Errors
/// If a step fails; the steps before it stay done.
pub async fn carry_on(
    db: &Db,
    catalog: &Catalog,
    new_ctx: impl Fn() -> Ctx,
    id: BulkId,
    stop: impl Fn() -> bool,
    progress: impl Fn(f32),
) -> Result<CarriedOn, BulkError> {
    let (began, mut visited) = (Instant::now(), 0);
    loop {
        let ctx = new_ctx();
        let mut tx = db.begin().await?;
        let done = step(&mut tx, &ctx, catalog, id).await?;
        db.commit(tx, &ctx).await?;
        let Step::Moved {
            visited: more,
            operation,
        } = done
        else {
            return Ok(CarriedOn::Ended);
        };
        visited += more;
        if operation.matched > 0 {
            progress(
                ((operation.done + operation.skipped) as f32 / operation.matched as f32).min(1.0),
            );
        }
        let wait = operation.rate_per_second.map_or(Duration::ZERO, |rate| {
            Duration::from_secs_f64(visited as f64 / f64::from(rate))
                .saturating_sub(began.elapsed())
        });
        if wait > WAIT_IN_SLOT_MAX || began.elapsed() + wait > RUN_SLICE || stop() {
            return Ok(CarriedOn::Again(wait));
        }
        tokio::time::sleep(wait).await;
    }
}

/// Notes that an operation cannot go on, after the last attempt of its work.
///
/// # Errors
/// If the database refuses.
pub async fn give_up(db: &Db, id: BulkId, why: &str) -> Result<(), BulkError> {
    let mut tx = db.begin().await?;
    if let Some(operation) = store::lock(&mut tx, id).await?
        && matches!(operation.state, BulkState::Running | BulkState::Paused)
    {
        store::set_state(&mut tx, id, BulkState::Failed, Some(why)).await?;
    }
    tx.commit().await?;
    Ok(())
}
