//! How onboarding goes, from what was kept of it.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::{OnboardingError, StepKey, store};
use crate::creators;
use crate::kernel::{Ctx, FieldError};

/// Which runs are looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FiguresFilter {
    /// Only those of this cluster.
    pub cluster: Option<String>,
    /// Only those that began at or after this.
    pub from: Option<DateTime<Utc>>,
    /// Only those that began before this.
    pub to: Option<DateTime<Utc>>,
}

/// How the runs went that began within a filter's bounds. What was not measured is none.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    /// Runs that began.
    pub started: i64,
    /// Of these, runs that are completed.
    pub completed: i64,
    /// Of these, runs that were given up.
    pub abandoned: i64,
    /// Of these, runs still under way. How they end is not known, so they count in no rate.
    pub open: i64,
    /// Of the open ones, those that are stalled.
    pub stalled: i64,
    /// Completed runs among those that ended.
    pub completion_rate: Option<f64>,
    /// The mean of completed runs' minutes from start to end.
    pub average_minutes: Option<f64>,
    /// The median of the same.
    pub median_minutes: Option<f64>,
    /// Each step that any of these runs has, in the order of the vocabulary.
    pub steps: Vec<StepFigures>,
}

impl Figures {
    /// The steps where runs were given up, the most frequent first.
    pub fn abandonment_points(&self) -> Vec<&StepFigures> {
        let mut points: Vec<&StepFigures> = self
            .steps
            .iter()
            .filter(|step| step.abandoned_here > 0)
            .collect();
        points.sort_by_key(|step| (std::cmp::Reverse(step.abandoned_here), step.step));
        points
    }
}

/// How one step went.
#[derive(Debug, Clone, PartialEq)]
pub struct StepFigures {
    /// Which.
    pub step: StepKey,
    /// Runs in which it could be begun.
    pub started: i64,
    /// Runs in which it is completed.
    pub completed: i64,
    /// Runs in which it was skipped.
    pub skipped: i64,
    /// Runs that were given up while they stood here.
    pub abandoned_here: i64,
    /// The mean of its minutes from when it could be begun to its completion.
    pub average_minutes: Option<f64>,
    /// The median of the same.
    pub median_minutes: Option<f64>,
}

/// How the runs went that began within the filter's bounds, as far as the caller reaches.
///
/// # Errors
/// If there is no such cluster within the caller's reach, or the database cannot be read.
pub async fn figures(
    conn: &mut PgConnection,
    ctx: &Ctx,
    filter: &FiguresFilter,
) -> Result<Figures, OnboardingError> {
    if let Some(cluster) = &filter.cluster {
        check_cluster(conn, ctx, cluster).await?;
    }
    let reach = ctx.actor.reach().clusters;
    let steps = store::step_figures(conn, filter, reach).await?;
    let runs = store::run_figures(conn, filter, reach).await?;
    Ok(Figures { steps, ..runs })
}

/// A cluster that there is not would look like one in which nothing happens.
async fn check_cluster(
    conn: &mut PgConnection,
    ctx: &Ctx,
    cluster: &str,
) -> Result<(), OnboardingError> {
    let there = creators::clusters(conn).await?;
    if ctx.actor.reach().covers_cluster(cluster) && there.iter().any(|one| one.id == cluster) {
        return Ok(());
    }
    let remedy = format!("there is no cluster `{cluster}`; GET /api/clusters lists them");
    let field = FieldError::new("clusterId", remedy);
    Err(OnboardingError::Invalid(vec![field]))
}
