//! Evaluating all creators: decided by one statement, applied in small steps.

use chrono::{DateTime, Days, NaiveDate, Utc};
use serde_json::json;
use sqlx::PgConnection;

use super::model::TierRunId;
use super::{TierError, policy, store};
use crate::audit::{self, Entry};
use crate::kernel::{Ctx, TypedId};

/// Creators whose tier one step changes at the most; so long their rows are locked together.
pub const APPLY_STEP_MAX: i64 = 5_000;
/// Runs that are listed, the last ones.
const RUNS_SHOWN_MAX: i64 = 50;

/// One evaluation of all creators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TierRun {
    /// Which.
    pub id: TierRunId,
    /// The last day that counts.
    pub day: NaiveDate,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When every change was decided.
    pub planned_at: Option<DateTime<Utc>>,
    /// When the last one was applied.
    pub finished_at: Option<DateTime<Utc>>,
    /// Creators that were looked at.
    pub evaluated: i64,
    /// Creators that rose.
    pub promoted: i64,
    /// Creators that fell.
    pub demoted: i64,
    /// Who asked for it.
    pub created_by: String,
}

/// What a step came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunStep {
    /// There is more to do.
    GoOn,
    /// The run is over.
    Finished(TierRun),
}

/// The next step of the run that is open, or the first of a new one; each in a transaction of its own.
///
/// # Errors
/// If no rules are in force or the database refuses.
pub async fn run_step(conn: &mut PgConnection, ctx: &Ctx) -> Result<RunStep, TierError> {
    let Some(run) = store::run::lock_open(conn).await? else {
        // the day that is under way would count only in part
        let day = ctx.now().date_naive() - Days::new(1);
        store::run::begin(conn, ctx, TierRunId::new(), day).await?;
        return Ok(RunStep::GoOn);
    };
    if run.planned_at.is_none() {
        let rules = policy(conn, run.day).await?;
        store::plan::plan(conn, ctx, &run, &rules).await?;
        return Ok(RunStep::GoOn);
    }
    if store::run::apply(conn, ctx, run.id, APPLY_STEP_MAX).await? > 0 {
        return Ok(RunStep::GoOn);
    }
    let run = store::run::finish(conn, ctx, run.id).await?;
    let counts =
        json!({ "evaluated": run.evaluated, "promoted": run.promoted, "demoted": run.demoted });
    let entry = Entry::new("tier.recalculate", run.id).after(counts);
    audit::record(conn, ctx, entry).await?;
    Ok(RunStep::Finished(run))
}

/// The last runs, the newest first.
///
/// # Errors
/// If the database does not answer.
pub async fn runs(conn: &mut PgConnection) -> Result<Vec<TierRun>, TierError> {
    Ok(store::run::list(conn, RUNS_SHOWN_MAX).await?)
}

impl TierRun {
    /// Its id as the database stores it.
    pub(super) fn uuid(&self) -> uuid::Uuid {
        self.id.uuid()
    }
}
